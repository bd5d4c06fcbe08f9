"""Processes that share work."""

import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context


@contextmanager
def worker_processes(n: int) -> Iterator[ProcessPoolExecutor]:
    """
    ``n`` processes that take work until the block ends.

    They are spawned, not forked: the threads that wait for signals or draw a progress line are not
    there in a fork, but the locks that they held at that moment are, for ever. When the block
    fails, what no worker has begun is dropped.
    """
    with ProcessPoolExecutor(n, get_context("spawn"), initializer=_end_at_once) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _end_at_once() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches the workers too: no traceback
