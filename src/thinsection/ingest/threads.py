"""One function in several threads, since NumPy releases the interpreter lock."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

from thinsection.base.cores import n_cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int = 0
) -> list[Result]:
    """
    The results in the order of the items, from ``workers`` threads; 0 for one per core.

    BLAS runs on one thread meanwhile: for small products its threads would wait for each other,
    and waiting takes as much processor time as the work.
    """
    workers = workers or n_cores()
    with threadpool_limits(1, "blas"):
        if workers == 1:
            return [function(item) for item in items]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(function, items))
