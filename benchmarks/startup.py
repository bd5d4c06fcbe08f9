"""
How long a user waits for an answer that needs no work.

    python benchmarks/startup.py

Prints the best of five of `thinsection --help`, and of `dvc repro` with nothing to do (run it
after `make repro`).
"""

import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent


def best_of(n: int, *command: str) -> float:
    """Seconds of the quickest of ``n`` runs."""
    times = []
    for _ in range(n):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    print(f"thinsection --help: {best_of(5, str(BIN / 'thinsection'), '--help'):.2f} s (goal 0.7)")
    status = subprocess.run([BIN / "dvc", "status", "-q"], check=False)
    if status.returncode:
        print(
            "dvc repro with nothing to do: not measured, something is to do; run `make repro` first"
        )
    else:
        print(f"dvc repro, nothing to do: {best_of(3, str(BIN / 'dvc'), 'repro'):.2f} s (goal 3)")
