"""Files in chunks, handed to worker processes; one that crashes its process costs itself alone."""

from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

from thinsection.base.cores import n_cores
from thinsection.base.workers import worker_processes

CHUNK = 64  # most photos handed to a worker at a time ...
CHUNK_BYTES = 4 << 20  # ... and most bytes of their files, unless a single one has more
FEW = 128  # up to this many photos, in one chunk's bytes, take less time than starting a worker

Entry = TypeVar("Entry")
Chunk = list[tuple[int, Path]]  # row and file


def entries_of_files(
    paths: list[Path],
    work: Callable[[Chunk], list[Entry]],
    crashed: Callable[[int], Entry],
    workers: int = 0,
) -> Iterator[list[Entry]]:
    """
    What ``work`` makes of chunks of the files, as they finish, in any order.

    Parameters
    ----------
    crashed : the entry of the file in this row, which ends the process that reads it
    workers : processes; 0 for one per core. Few files are read in this one.
    """
    workers = workers or n_cores()
    sizes = [_size(path) for path in paths]
    chunks = _chunks(paths, sizes)
    if workers == 1 or (len(paths) <= FEW and sum(sizes) <= CHUNK_BYTES):
        return map(work, chunks)
    return _in_processes(work, crashed, chunks, workers)


def _size(path: Path) -> int:
    """Bytes of a file; 0 if unknown, in which case decoding will report the problem."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _chunks(paths: list[Path], sizes: list[int]) -> list[Chunk]:
    """Rows and paths, in order, in chunks of at most ``CHUNK`` photos and ``CHUNK_BYTES``."""
    chunks: list[Chunk] = []
    held = 0
    for row, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        if not chunks or len(chunks[-1]) >= CHUNK or held + size > CHUNK_BYTES:
            chunks.append([])
            held = 0
        chunks[-1].append((row, path))
        held += size
    return chunks


def _in_processes(
    work: Callable[[Chunk], list[Entry]],
    crashed: Callable[[int], Entry],
    chunks: list[Chunk],
    workers: int,
) -> Iterator[list[Entry]]:
    """The entries of chunks as they finish; a file that crashes its process has its own entry."""
    unfinished = dict(enumerate(chunks))
    try:
        with worker_processes(workers) as pool:
            numbers = {pool.submit(work, chunk): n for n, chunk in unfinished.items()}
            for future in as_completed(numbers):
                entries = future.result()
                del unfinished[numbers[future]]
                yield entries
    except BrokenProcessPool:
        for chunk in list(unfinished.values()):
            yield _quarantined(work, crashed, chunk)


def _quarantined(
    work: Callable[[Chunk], list[Entry]], crashed: Callable[[int], Entry], chunk: Chunk
) -> list[Entry]:
    """A chunk in a separate process; if that dies too, each of its files in its own process."""
    try:
        with worker_processes(1) as pool:
            return pool.submit(work, chunk).result()
    except BrokenProcessPool:
        if len(chunk) == 1:
            return [crashed(chunk[0][0])]
        return [entry for item in chunk for entry in _quarantined(work, crashed, [item])]
