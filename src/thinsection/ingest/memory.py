"""Freed memory kept for the next photo instead of given back to the system."""

import ctypes
import platform

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # names of glibc's mallopt(3)
LARGEST = 32 << 20  # bytes; a larger array goes back at once
KEPT = 64 << 20  # bytes kept free at most


def keep_freed_memory() -> None:
    """
    Let this process, and those that it forks, reuse what they freed.

    Arrays of some hundred kilobytes come and go with every photo. By default glibc returns each to
    the system, and the next one is filled page by page with a fault for every 4 KB, which took
    longer than the arithmetic. Where there is no glibc, nothing changes.
    """
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, LARGEST)
        mallopt(TRIM_THRESHOLD, KEPT)
