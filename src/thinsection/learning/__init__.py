"""What the training of every family shares: cross-validation, checkpoints, the optimiser."""
