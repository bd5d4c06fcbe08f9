"""Parallel decoding of photos to disk, with memory independent of their number."""

import errno
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from thinsection.base.arrays import Bytes
from thinsection.base.errors import InputError
from thinsection.console.progress import progress
from thinsection.decode.deep import EACH, DeepScale
from thinsection.decode.photo import Fit, Photo, UnusablePhoto, decode_photo, fit_to_size
from thinsection.ingest.chunks import Chunk, entries_of_files
from thinsection.ingest.facts import Facts, facts_of, thumbnail
from thinsection.ingest.labels import Candidate
from thinsection.ingest.windows import SIDE

# Height and width for which a photo is decoded for hashing, comparing and measuring, whatever the
# packed size. It is the default packed size, which then needs only one decode.
LOOKED_AT = (96, 144)


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
                raw = _read_row(file, row, SIDE * SIDE)
                thumbnails[place] = np.frombuffer(raw, np.uint8).reshape(SIDE, SIDE)
        return thumbnails

    def read_pixels(self, rows: list[int], settings: PackSettings) -> Bytes:
        """(len(rows), height, width, 3) uint8, in memory."""
        shape = (settings.height, settings.width, 3)
        size = int(np.prod(shape))
        with self.pixels.open("rb") as file:
            parts = [_read_row(file, row, size) for row in rows]
        return np.frombuffer(b"".join(parts), np.uint8).reshape(len(rows), *shape)


def pack_photos(
    candidates: list[Candidate],
    settings: PackSettings,
    scratch: Scratch,
    workers: int = 0,
    scales: Sequence[DeepScale] | None = None,
) -> list[Packed]:
    """
    Decode every candidate and write it, resized, to the scratch files.

    Parameters
    ----------
    candidates : files that should be photos
    workers : processes; 0 for one per core
    scales : of the deep photo in each candidate; without, each has its own

    Returns
    -------
    One entry per candidate, in the order of candidates, for any number of workers.
    """
    scratch.pixels.touch()
    scratch.thumbnails.touch()
    work = partial(pack_chunk, settings=settings, scratch=scratch, scales=scales)
    paths = [photo.path for photo in candidates]
    done: list[Packed] = []
    with progress("photos decoded", len(candidates)) as shown:
        for entries in entries_of_files(paths, work, _crashed, workers):
            done += entries
            shown.advance("", len(entries))
    return sorted(done, key=lambda entry: entry.row)


def _crashed(row: int) -> Packed:
    return Packed(row, reason="unreadable: crashes the decoder")


def pack_chunk(
    chunk: Chunk,
    settings: PackSettings,
    scratch: Scratch,
    scales: Sequence[DeepScale] | None = None,
) -> list[Packed]:
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
                photo, image = _decoded(path, settings, scales[row] if scales else EACH)
            except UnusablePhoto as error:
                done.append(Packed(row, reason=str(error)))
                continue
            small = np.asarray(fit_to_size(image, settings.height, settings.width, settings.fit))
            grey = photo.image.convert("L")
            thumb = thumbnail(grey)
            _write_row(pixels, small, row)
            _write_row(thumbnails, thumb, row)
            done.append(_entry(row, photo, facts_of(grey, small, thumb)))
    return done


def _decoded(path: Path, settings: PackSettings, scale: DeepScale) -> tuple[Photo, Image.Image]:
    """
    A photo decoded for ``LOOKED_AT``, and its image decoded for the packed size.

    A large JPEG is decoded twice if the two need different scales. If the packed size were used
    for both, its hash and near copies, and so the order of rows, groups and folds, would depend on
    ``ingest.height``, and two sizes would be compared on different splits.
    """
    photo = decode_photo(path, LOOKED_AT, settings.max_megapixels, scale)
    packed = (settings.height, settings.width)
    if photo.same_decode(LOOKED_AT, packed):
        return photo, photo.image
    return photo, decode_photo(path, packed, settings.max_megapixels, scale).image


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


def _write_row(file: BinaryIO, values: Bytes, row: int) -> None:
    raw = np.ascontiguousarray(values).data.cast("B")
    file.seek(row * len(raw))
    file.write(raw)


def _read_row(file: BinaryIO, row: int, size: int) -> bytes:
    """A row of ``size`` bytes. The file is no other thread's, which would move the place in it."""
    file.seek(row * size)
    return file.read(size)


def write_pixels(
    scratch: Scratch, rows: list[int], made: Sequence[Bytes], settings: PackSettings, path: Path
) -> None:
    """
    Write some rows of the scratch file to ``pixels.npy``, in the given order, row by row.

    The array is (len(rows) + len(made), height, width, 3) uint8. It is written, not memory-mapped,
    because the pages of a mapped file count as memory of the process.

    Parameters
    ----------
    made : (height, width, 3) uint8 each, photos that follow them
    """
    shape = (settings.height, settings.width, 3)
    size = int(np.prod(shape))
    with scratch.pixels.open("rb") as source, path.open("wb") as target:
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows) + len(made), *shape)}
        np.lib.format.write_array_header_1_0(target, header)
        for row in rows:
            target.write(_read_row(source, row, size))
        for photo in made:
            target.write(np.ascontiguousarray(photo, np.uint8).data)


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
