"""Fair, leak-free, repeatable comparison of image classifiers for thin sections."""

import os

# Threads that wait for each other shall sleep, not spin: with another program on the same cores,
# spinning made a training step up to nine times slower (benchmarks/threads.py). Read when PyTorch
# is loaded, so it must be said before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
