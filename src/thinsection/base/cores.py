"""The number of cores available."""

import math
import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of the container (Linux, control groups version 2)


def n_cores() -> int:
    """
    The number of cores that this process may keep busy.

    The cores that it is bound to (taskset, a batch system), or all cores if the system doesn't say;
    but no more than its container may use (``docker run --cpus``), because the container would
    otherwise pause all of its threads again and again.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # e.g. macOS
        cores = os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _granted())))


def _granted() -> float:
    """Processor time allowed per unit of time; infinite without a limit."""
    try:
        quota, period = QUOTA.read_text(encoding="ascii").split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return math.inf
