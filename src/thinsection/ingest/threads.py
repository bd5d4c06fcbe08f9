"""One function on several threads: numpy lets go of the interpreter while it computes."""

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
    The results in the order of the items, by ``workers`` threads; 0 for one on each core.

    BLAS gets no threads of its own meanwhile: for the small products here they would wait for
    each other, and waiting they take as much processor time as the work.
    """
    workers = workers or n_cores()
    with threadpool_limits(1, "blas"):
        if workers == 1:
            return [function(item) for item in items]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(function, items))
