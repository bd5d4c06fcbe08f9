"""Training code that the families share: cross-validation, checkpoints, optimiser."""
