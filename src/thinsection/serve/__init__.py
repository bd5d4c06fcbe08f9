"""A local web page that classifies photos and saves corrections of its answers."""
