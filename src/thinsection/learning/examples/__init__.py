"""The training data of classifiers: photos, their variants, and feature vectors of both."""
