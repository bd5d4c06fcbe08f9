"""Fair, leak-free, repeatable comparison of image classifiers for thin sections."""

__version__ = "0.2.0"
