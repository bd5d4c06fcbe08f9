"""Fair, leak-free, repeatable comparison of image classifiers for thin sections."""

import os

# Threads that wait for each other spin for a moment and then sleep. Spinning on and on is fastest on
# an idle machine and several times slower beside another busy program; sleeping at once costs a
# third (benchmarks/threads.py). Read when PyTorch is loaded, so it must be said before.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

__version__ = "0.1.0"
