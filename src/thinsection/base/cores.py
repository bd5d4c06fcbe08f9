"""How many cores there are to work on."""

import os


def n_cores() -> int:
    """How many cores this process may use, or where that is not told how many there are."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, for one
        return os.cpu_count() or 1
