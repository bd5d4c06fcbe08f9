"""How many cores there are to work on."""

import math
import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of the container (Linux, control groups version 2)


def n_cores() -> int:
    """
    How many cores this process may keep busy.

    The cores that it is bound to (taskset, a batch system), or where that is not told how many there
    are; no more than its container is granted the time of (``docker run --cpus``), which would
    halt all of its threads in turn.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, for one
        cores = os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _granted())))


def _granted() -> float:
    """Microseconds of processor time in every microsecond; infinite where nothing limits it."""
    try:
        quota, period = QUOTA.read_text(encoding="ascii").split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return math.inf
