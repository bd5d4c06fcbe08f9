"""Running a stage script: its errors, signals and cost."""

import ctypes
import multiprocessing
import os
import platform
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType

from thinsection.base.errors import InputError, refusal
from thinsection.console.installed import check_installed
from thinsection.console.memory import peak_mb
from thinsection.console.streams import print_any_character

COST = Path("scratch/cost.csv")
PARENT_EVERY_S = 0.5  # between two checks whether DVC is still running
GRACE_S = 2.0  # from the signal to a forced exit
# Threads that wait for each other spin for a moment and then sleep. Spinning without end is fastest
# on an idle machine and several times slower next to another busy program; sleeping at once costs
# a third (benchmarks/threads.py).
SPINS = "20000"
# Numbers of mallopt's settings, and their values in bytes: what is kept, of blocks of which size at
# most; keeping larger ones, too, needs a third more memory for the embedding (benchmarks/memory.py)
KEPT = {-1: 1 << 30, -3: 1 << 26}  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(main: Callable[..., None], *arguments: str) -> None:
    """
    Call ``main`` with the command line's arguments.

    ``main`` must import PyTorch, not the module, because PyTorch reads the environment variable
    for waiting threads on import. An ``InputError``, or what the operating system refuses of a
    file, is printed without a traceback and ends the script with exit code 1. SIGTERM and Ctrl-C
    end it, and its worker processes, with 143 and 130. So does the end of the ``dvc`` that started
    it; otherwise a killed ``dvc`` would leave a script that goes on training alongside the next
    one.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    keep_freed_memory()
    stop_on_signals()
    print_any_character()
    try:
        check_installed()
        main(*(arguments or sys.argv[1:]))
    except InputError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:  # for what no reader or writer expected
        message = refusal(error)
        if message is None:
            raise
        print(f"ERROR: {message}", file=sys.stderr)
        raise SystemExit(1) from None


def keep_freed_memory() -> None:
    """
    Keep memory that was freed for the next step of a training, where the C library is glibc.

    By default it gives large blocks back to the system and asks for them again at every step, and the
    system fills each with zeros: a tenth of the time of a ResNet's step on small photos.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        for setting, n_bytes in KEPT.items():
            library.mallopt(setting, n_bytes)


def stop_on_signals() -> None:
    """Turn SIGTERM, SIGINT and the end of DVC into an orderly exit, including of the workers."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in SIGNALS:  # once is enough
            signal.signal(each, signal.SIG_IGN)
        _end_workers()
        print(f"stopped by {signal.Signals(number).name}", file=sys.stderr, flush=True)
        raise SystemExit(128 + number)

    def watch_parent() -> None:
        while os.getppid() == parent:  # on Windows for ever: a killed dvc is not noticed there
            time.sleep(PARENT_EVERY_S)
        os.kill(os.getpid(), signal.SIGTERM)

    for each in SIGNALS:
        signal.signal(each, stop)
    if hasattr(signal, "set_wakeup_fd"):
        _force_exit_after_a_signal()
    if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
        os.register_at_fork(after_in_child=_reset)  # a worker needs no orderly exit
    if "DVC_STAGE" in os.environ:
        parent = os.getppid()
        threading.Thread(target=watch_parent, daemon=True).start()


def _force_exit_after_a_signal() -> None:
    """Python calls a handler only between its own instructions; one of PyTorch's may take longer."""
    # sockets, because Python 3.11 on Windows has no pipes that don't block
    told, wake_up = socket.socketpair()
    wake_up.settimeout(0)  # never waits
    signal.set_wakeup_fd(wake_up.fileno())

    def force_exit(*_open: socket.socket) -> None:
        number = told.recv(1)[0]
        time.sleep(GRACE_S)
        _end_workers()
        os._exit(128 + number)

    threading.Thread(target=force_exit, args=(wake_up,), daemon=True).start()


def _reset() -> None:
    if hasattr(signal, "set_wakeup_fd"):
        signal.set_wakeup_fd(-1)
    for each in SIGNALS:
        signal.signal(each, signal.SIG_DFL)


def _end_workers() -> None:
    for worker in multiprocessing.active_children():
        worker.terminate()


@contextmanager
def log_cost(name: str) -> Iterator[None]:
    """
    Add the duration of the block and the peak memory of the process to scratch/cost.csv.

    Both differ every time, so they are not among the files that DVC hashes.
    """
    COST.parent.mkdir(exist_ok=True)  # what can't be written is told before the work
    if not COST.exists():
        COST.write_text("finished,run,seconds,peak_mb\n", encoding="utf-8")
    started = time.monotonic()
    yield
    seconds = time.monotonic() - started
    with COST.open("a", encoding="utf-8") as file:
        now = datetime.now().isoformat(timespec="seconds")
        file.write(f"{now},{name},{seconds:.1f},{peak_mb():.0f}\n")
