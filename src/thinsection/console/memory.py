"""How much memory this process has needed."""

import math
import sys


def peak_mb() -> float:
    """The most memory that this process has held so far, in MB of 2**20 bytes; NaN if unknown."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return _peak_by_psutil()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, KiB elsewhere


def _peak_by_psutil() -> float:
    try:
        import psutil
    except ModuleNotFoundError:
        return math.nan
    held = psutil.Process().memory_info()
    return float(getattr(held, "peak_wset", held.rss)) / 2**20
