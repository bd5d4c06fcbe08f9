"""Worker processes."""

import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context


@contextmanager
def worker_processes(n: int) -> Iterator[ProcessPoolExecutor]:
    """
    ``n`` processes that accept work until the block ends.

    They are spawned, not forked: a fork would lack the threads that wait for signals or draw a
    progress line, but inherit the locks that these held, locked forever. If the block fails, work
    that no process has started is dropped.
    """
    with ProcessPoolExecutor(n, get_context("spawn"), initializer=_end_at_once) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _end_at_once() -> None:
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # Ctrl-C reaches the workers too; this avoids a traceback
