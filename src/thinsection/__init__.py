"""Fair, leak-free, repeatable comparison of image classifiers for thin sections."""

__version__ = "0.1.0"
