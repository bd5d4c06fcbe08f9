"""Parallel decoding of photos to disk, with memory independent of their number."""

import errno
import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from thinsection.base.arrays import Bytes
from thinsection.base.cores import n_cores
from thinsection.base.errors import InputError
from thinsection.base.workers import worker_processes
from thinsection.console.progress import progress
from thinsection.decode.photo import Fit, Photo, UnusablePhoto, decode_photo, fit_to_size
from thinsection.ingest.facts import Facts, facts_of, thumbnail
from thinsection.ingest.labels import Candidate
from thinsection.ingest.windows import SIDE

# Height and width for which a photo is decoded for hashing, comparing and measuring, whatever the
# packed size. It is the default packed size, which then needs only one decode.
LOOKED_AT = (96, 144)
CHUNK = 64  # most photos handed to a worker at a time ...
CHUNK_BYTES = 4 << 20  # ... and most bytes of their files, unless a single one has more
FEW = 128  # up to this many photos, in one chunk's bytes, take less time than starting a worker


@dataclass(frozen=True)
class PackSettings:
    """The fields of the ingest section that packing depends on."""

    height: int
    width: int
    fit: Fit
    max_megapixels: float


@dataclass(frozen=True)
class Packed:
    """
    The content of one file. Its pixels are in row ``row`` of the scratch file.

    ``reason`` is empty if the photo was decoded; ``sha256`` is the hash of its pixels, decoded for
    ``LOOKED_AT``.
    """

    row: int
    reason: str = ""
    sha256: str = ""
    width: int = 0
    height: int = 0
    format: str = ""
    jpeg_quality: int = 0
    notes: tuple[str, ...] = ()
    facts: Facts | None = None


@dataclass(frozen=True)
class Scratch:
    """
    Two files of raw uint8, one row per candidate; the rows of files that failed stay empty.

    Attributes
    ----------
    pixels : (n_candidates, height, width, 3)
    thumbnails : (n_candidates, SIDE, SIDE)
    """

    pixels: Path
    thumbnails: Path

    def read_thumbnails(self, rows: list[int]) -> Bytes:
        """(len(rows), SIDE, SIDE) uint8, in memory: 4 KB per photo."""
        thumbnails = np.empty((len(rows), SIDE, SIDE), np.uint8)
        with self.thumbnails.open("rb") as file:
            for place, row in enumerate(rows):
                raw = os.pread(file.fileno(), SIDE * SIDE, row * SIDE * SIDE)
                thumbnails[place] = np.frombuffer(raw, np.uint8).reshape(SIDE, SIDE)
        return thumbnails


def pack_photos(
    candidates: list[Candidate],
    settings: PackSettings,
    scratch: Scratch,
    workers: int = 0,
) -> list[Packed]:
    """
    Decode every candidate and write it, resized, to the scratch files.

    Parameters
    ----------
    candidates : files that should be photos
    workers : processes; 0 for one per core

    Returns
    -------
    One entry per candidate, in the order of candidates, for any number of workers.
    """
    scratch.pixels.touch()
    scratch.thumbnails.touch()
    workers = workers or n_cores()
    sizes = [_size(photo.path) for photo in candidates]
    chunks = _chunks(candidates, sizes)
    work = partial(pack_chunk, settings=settings, scratch=scratch)
    done: list[Packed] = []
    alone = workers == 1 or (len(candidates) <= FEW and sum(sizes) <= CHUNK_BYTES)
    with progress("photos decoded", len(candidates)) as shown:
        for entries in map(work, chunks) if alone else _in_processes(work, chunks, workers):
            done += entries
            shown.advance("", len(entries))
    return sorted(done, key=lambda entry: entry.row)


Chunk = list[tuple[int, Path]]
Work = Callable[[Chunk], list[Packed]]


def _size(path: Path) -> int:
    """Bytes of a file; 0 if unknown, in which case decoding will report the problem."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _chunks(candidates: list[Candidate], sizes: list[int]) -> list[Chunk]:
    """Rows and paths, in order, in chunks of at most ``CHUNK`` photos and ``CHUNK_BYTES``."""
    chunks: list[Chunk] = []
    held = 0
    for row, (photo, size) in enumerate(zip(candidates, sizes, strict=True)):
        if not chunks or len(chunks[-1]) >= CHUNK or held + size > CHUNK_BYTES:
            chunks.append([])
            held = 0
        chunks[-1].append((row, photo.path))
        held += size
    return chunks


def _in_processes(work: Work, chunks: list[Chunk], workers: int) -> Iterator[list[Packed]]:
    """The entries of chunks as they finish; a file that crashes its process is rejected."""
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
            yield _quarantined(work, chunk)


def _quarantined(work: Work, chunk: Chunk) -> list[Packed]:
    """A chunk in a separate process; if that dies too, each of its files in its own process."""
    try:
        with worker_processes(1) as pool:
            return pool.submit(work, chunk).result()
    except BrokenProcessPool:
        if len(chunk) == 1:
            return [Packed(chunk[0][0], reason="unreadable: crashes the decoder")]
        return [entry for item in chunk for entry in _quarantined(work, [item])]


def pack_chunk(chunk: Chunk, settings: PackSettings, scratch: Scratch) -> list[Packed]:
    """Decode some files and write each to its row of the scratch files."""
    done = []
    with (
        scratch.pixels.open("r+b") as pixels,
        scratch.thumbnails.open("r+b") as thumbnails,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter(
            "ignore"
        )  # decoders' warnings about damaged files; only the result counts
        for row, path in chunk:
            try:
                photo, image = _decoded(path, settings)
            except UnusablePhoto as error:
                done.append(Packed(row, reason=str(error)))
                continue
            small = np.asarray(fit_to_size(image, settings.height, settings.width, settings.fit))
            grey = photo.image.convert("L")
            thumb = thumbnail(grey)
            _write_row(pixels.fileno(), small, row)
            _write_row(thumbnails.fileno(), thumb, row)
            done.append(_entry(row, photo, facts_of(grey, small, thumb)))
    return done


def _decoded(path: Path, settings: PackSettings) -> tuple[Photo, Image.Image]:
    """
    A photo decoded for ``LOOKED_AT``, and its image decoded for the packed size.

    A large JPEG is decoded twice if the two need different scales. If the packed size were used
    for both, its hash and near copies, and so the order of rows, groups and folds, would depend on
    ``ingest.height``, and two sizes would be compared on different splits.
    """
    photo = decode_photo(path, LOOKED_AT, settings.max_megapixels)
    packed = (settings.height, settings.width)
    if photo.same_decode(LOOKED_AT, packed):
        return photo, photo.image
    return photo, decode_photo(path, packed, settings.max_megapixels).image


def _entry(row: int, photo: Photo, facts: Facts) -> Packed:
    return Packed(
        row,
        sha256=pixel_hash(photo.image),
        width=photo.width,
        height=photo.height,
        format=photo.format,
        jpeg_quality=photo.jpeg_quality,
        notes=photo.notes,
        facts=facts,
    )


def pixel_hash(image: Image.Image) -> str:
    """The SHA-256 of an RGB image's size and pixels, as 64 hexadecimal digits."""
    digest = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def _write_row(file: int, values: Bytes, row: int) -> None:
    raw = np.ascontiguousarray(values).data.cast("B")
    start = row * len(raw)
    written = 0
    while written < len(raw):  # a nearly full disk may write only a part
        written += os.pwrite(file, raw[written:], start + written)


def write_pixels(scratch: Scratch, rows: list[int], settings: PackSettings, path: Path) -> None:
    """
    Write some rows of the scratch file to ``pixels.npy``, in the given order, row by row.

    The array is (len(rows), height, width, 3) uint8. It is written, not memory-mapped, because the
    pages of a mapped file count as memory of the process.
    """
    shape = (settings.height, settings.width, 3)
    size = int(np.prod(shape))
    with scratch.pixels.open("rb") as source, path.open("wb") as target:
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), *shape)}
        np.lib.format.write_array_header_1_0(target, header)
        for row in rows:
            target.write(os.pread(source.fileno(), size, row * size))


@contextmanager
def scratch_files(folder: Path) -> Iterator[Scratch]:
    """Scratch files in a folder, removed at the end."""
    scratch = Scratch(folder / ".pixels.scratch", folder / ".thumbnails.scratch")
    try:
        yield scratch
    finally:
        scratch.pixels.unlink(missing_ok=True)
        scratch.thumbnails.unlink(missing_ok=True)


@contextmanager
def explain_full_disk(folder: Path) -> Iterator[None]:
    """
    Turn the error of a full disk into one that says where and what to do.

    Raises
    ------
    InputError
        When the disk, or the user's share of it, is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise InputError(
            f"{folder}: the disk is full ({error.strerror}); nothing was saved. Packing needs "
            "2 x height x width x 3 bytes for each photo. Make room, or reduce "
            "ingest.height and ingest.width."
        ) from None
