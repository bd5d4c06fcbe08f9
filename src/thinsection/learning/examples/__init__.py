"""What a classifier may learn from: photos, their variants, vectors of both."""
