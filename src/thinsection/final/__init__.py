"""The final model: the chosen classifier, fitted on all photos and written to a model folder."""
