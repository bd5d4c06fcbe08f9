"""Many photos decoded at once, streamed to disk: memory does not grow with their number."""

import hashlib
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from thinsection.ingest.labels import Candidate
from thinsection.photos import Fit, UnusablePhoto, decode_photo, fitted

CHUNK = 64  # photos handed to a worker at a time
FEW = 128  # photos for which starting workers costs more than it saves


@dataclass(frozen=True)
class PackSettings:
    """The fields of the ingest section that decide what is packed."""

    height: int
    width: int
    fit: Fit
    max_megapixels: float


@dataclass(frozen=True)
class Packed:
    """
    What was found in one file. Its pixels lie in row ``row`` of the scratch file.

    ``reason`` is empty for a photo that was decoded; ``sha256`` is the hash of its decoded pixels.
    """

    row: int
    reason: str = ""
    sha256: str = ""
    width: int = 0
    height: int = 0
    format: str = ""
    jpeg_quality: int = 0
    notes: tuple[str, ...] = ()


def pack_photos(
    candidates: list[Candidate], settings: PackSettings, scratch: Path, workers: int = 0
) -> list[Packed]:
    """
    Decode every candidate and write it, resized, to a scratch file.

    Parameters
    ----------
    candidates : files that should be photos
    scratch : file of raw (n_candidates, height, width, 3) uint8; a row that failed stays empty
    workers : processes; 0 for one on each core

    Returns
    -------
    One entry for each candidate, in the candidates' order, whatever the number of workers.
    """
    scratch.touch()
    workers = workers or len(os.sched_getaffinity(0))
    numbered = [(row, photo.path) for row, photo in enumerate(candidates)]
    chunks = [numbered[i : i + CHUNK] for i in range(0, len(numbered), CHUNK)]
    work = partial(pack_chunk, settings=settings, scratch=scratch)
    if workers == 1 or len(candidates) <= FEW:
        done = [entry for chunk in chunks for entry in work(chunk)]
    else:
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context()) as pool:
            futures = [pool.submit(work, chunk) for chunk in chunks]
            done = [entry for future in as_completed(futures) for entry in future.result()]
    return sorted(done, key=lambda entry: entry.row)


def pack_chunk(
    chunk: list[tuple[int, Path]], settings: PackSettings, scratch: Path
) -> list[Packed]:
    """Decode some files and write each into its row of the scratch file."""
    size = settings.height * settings.width * 3
    with open(scratch, "r+b") as file:
        done = []
        for row, path in chunk:
            entry, pixels = _pack(row, path, settings)
            if pixels is not None:
                os.pwrite(file.fileno(), pixels, row * size)
            done.append(entry)
    return done


def _pack(row: int, path: Path, settings: PackSettings) -> tuple[Packed, bytes | None]:
    try:
        photo = decode_photo(path, (settings.height, settings.width), settings.max_megapixels)
    except UnusablePhoto as error:
        return Packed(row, reason=str(error)), None
    small = fitted(photo.image, settings.height, settings.width, settings.fit)
    entry = Packed(
        row,
        sha256=pixel_hash(photo.image),
        width=photo.width,
        height=photo.height,
        format=photo.format,
        jpeg_quality=photo.jpeg_quality,
        notes=photo.notes,
    )
    return entry, small.tobytes()


def pixel_hash(image: Image.Image) -> str:
    """The SHA-256 of an RGB image's size and pixels, as 64 hexadecimal digits."""
    digest = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def write_pixels(scratch: Path, rows: list[int], settings: PackSettings, path: Path) -> None:
    """
    Some rows of the scratch file as ``pixels.npy``, in the order given, a row at a time.

    The array is (len(rows), height, width, 3) uint8. It is written, not mapped: the pages of a
    mapped file count as the program's memory.
    """
    shape = (settings.height, settings.width, 3)
    size = int(np.prod(shape))
    with open(scratch, "rb") as source, open(path, "wb") as target:
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), *shape)}
        np.lib.format.write_array_header_1_0(target, header)
        for row in rows:
            target.write(os.pread(source.fileno(), size, row * size))


@contextmanager
def scratch_file(folder: Path) -> Iterator[Path]:
    """The path of a scratch file in a folder, removed at the end."""
    path = folder / ".scratch"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
