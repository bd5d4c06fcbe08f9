"""What the study trains, and on which photos."""
