"""How a stage script ends: well, or with one message for the person who meets it; what it cost."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from thinsection.errors import InputError

COST = Path("scratch/cost.csv")


def run(main: Callable[..., None], *arguments: str) -> None:
    """
    Call ``main`` with the command line's arguments.

    An ``InputError`` is printed without a traceback and ends the script with exit code 1.
    """
    try:
        main(*(arguments or sys.argv[1:]))
    except InputError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        raise SystemExit(1) from None


@contextmanager
def log_cost(name: str) -> Iterator[None]:
    """
    Note in scratch/cost.csv how long the block took and how much memory the process had at most.

    Both differ every time, so they stay out of what DVC hashes.
    """
    started = time.monotonic()
    yield
    seconds = time.monotonic() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    COST.parent.mkdir(exist_ok=True)
    if not COST.exists():
        COST.write_text("finished,run,seconds,peak_mb\n", encoding="utf-8")
    with COST.open("a", encoding="utf-8") as file:
        now = datetime.now().isoformat(timespec="seconds")
        file.write(f"{now},{name},{seconds:.1f},{peak_mb:.0f}\n")
