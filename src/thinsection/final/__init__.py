"""The chosen model, fitted on all photos, in a folder that can be taken away."""
