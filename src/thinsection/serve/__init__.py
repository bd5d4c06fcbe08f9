"""A local page on which the fitted model names photos and its answers are corrected."""
