"""One function on several threads: numpy lets go of the interpreter while it computes."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int = 0
) -> list[Result]:
    """The results in the order of the items, by ``workers`` threads; 0 for one on each core."""
    workers = workers or len(os.sched_getaffinity(0))
    if workers == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))
