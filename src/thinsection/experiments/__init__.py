"""Experiments with other splits of the same photos: leakage and learning curve."""
