"""TIFF: which picture of a file is the photo, and its samples as ``layout.py`` says they lie."""

import ctypes
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import _imaging
from PIL.TiffImagePlugin import TiffImageFile

from thinsection.base.arrays import Bytes, Floats
from thinsection.decode.deep import Samples
from thinsection.decode.layout import (
    ALPHA,
    COLOURS,
    GREY,
    GREY_INVERTED,
    PALETTE,
    PREMULTIPLIED,
    RAW,
    RGB,
    Layout,
    is_plain,
    layout_of,
    unknown,
)
from thinsection.decode.raster import Raster, alpha_of, quiet_loggers
from thinsection.decode.unusable import REMEDY, UnusablePhoto, check_megapixels

if TYPE_CHECKING:
    from tifffile import TiffPage

MAGIC = (
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
    b"II\0*",
    b"MM*\0",
)  # + is BigTIFF; the last are faulty
SUBFILE, OLD_SUBFILE, SUB_IFDS = 254, 255, 330
ORIENTATION, XMP, ICC_PROFILE = 274, 700, 34675
XMP_ORIENTATION = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\b""")
REDUCED, MASK = 1, 4  # bits of SUBFILE
DESCRIPTION, MAKE, DNG_VERSION = 270, 271, 50706
CHANNELS = re.compile(
    r"""\AImageJ=[^\0]*^channels=(\d{1,4})$|<Pixels\b[^>]*\bSizeC="(\d{1,4})\"""", re.M
)
RAW_OF_MAKER = {"NIKON": "NEF", "SONY": "ARW", "PENTAX": "PEF", "SAMSUNG": "SRW", "CANON": "CR2"}


class TiffPicture:
    """The photo of a TIFF, found but not yet decoded; its samples are read by tifffile."""

    format = "TIFF"

    def __init__(self, page: "TiffPage", main: "TiffPage") -> None:
        self.page = page
        self.layout = layout_of(page.tags.valueof)
        self.width, self.height = page.imagewidth, page.imagelength

        def tag(code: int) -> Any:
            value = page.tags.valueof(code)
            return main.tags.valueof(code) if value is None else value

        self.info = {"icc_profile": tag(ICC_PROFILE)}
        self.orientation = int(tag(ORIENTATION) or orientation_by_xmp(tag(XMP)))

    @property
    def has_known_scale(self) -> bool:
        """Whether its samples are unsigned, of the bits that the camera filled."""
        return self.layout.numbers == (1,) and max(self.layout.bits) < 16

    def raster(self, max_megapixels: float) -> Raster:
        """
        The samples.

        Raises
        ------
        UnusablePhoto
            If they lie in a way that isn't understood, or some are missing.
        """
        page, layout = self.page, self.layout
        if problem := unknown(layout, page):
            if layout.photometric in RAW and (name := _raw_format(page.parent.pages.first)):
                raise UnusablePhoto("this format", f"{name}, a camera's raw data; {REMEDY}")
            raise UnusablePhoto("this kind of TIFF", problem)
        check_megapixels(page.tilewidth or 1, page.tilelength or 1, max_megapixels)
        _check_whole(page)
        found = page.asarray(squeeze=False, maxworkers=1)
        if found.dtype == bool:  # one bit
            found = found.astype(np.uint8)
        if found.ndim != 5:
            raise UnusablePhoto("unreadable", "a TIFF that doesn't say how its samples lie")
        planes, _, height, width, contiguous = found.shape
        samples = np.moveaxis(found[:, 0], 0, -2).reshape(height, width, planes * contiguous)
        n_colours = 3 if layout.photometric == PALETTE else COLOURS[layout.photometric]
        if layout.photometric == PALETTE:
            samples = np.concatenate([_looked_up(samples[..., 0], page), samples[..., 1:]], 2)
        colours, alpha = _without_alpha(samples, layout, n_colours)
        return Raster(
            colours,
            alpha,
            8 if layout.photometric == PALETTE else layout.bits[0],
            layout.photometric == GREY_INVERTED,
        )


def open_tiff(file: BinaryIO) -> tuple[TiffImageFile | TiffPicture, list[str]]:
    """
    The photo of a TIFF, a Pillow image where Pillow decodes it exactly, and notes.

    Raises
    ------
    UnusablePhoto
        If the file has no picture.
    """
    _quiet_libtiff()
    quiet_loggers()
    image = _opened_by_pillow(file)
    if image is not None and _alone(image):
        layout = layout_of(image.tag_v2.get)
        _check_channels(image.tag_v2.get(DESCRIPTION), layout)
        if is_plain(layout):
            return image, _left_out(layout)
    from tifffile import TiffFile

    file.seek(0)
    pictures = list(_pictures(TiffFile(file)))
    number, among = _the_photo([page for page, _, _ in pictures])
    page, main, place = pictures[number]
    notes = []
    if number:
        notes.append(f"picture {number + 1} of {len(pictures)} in the file: the first of full size")
    elif among > 1:
        notes.append(f"first of {among} pictures in the file")
    picture = TiffPicture(page, main)
    _check_channels(pictures[0][0].tags.valueof(DESCRIPTION), picture.layout)
    notes += _left_out(picture.layout)
    if place is not None and is_plain(picture.layout):
        image = _opened_by_pillow(
            file
        )  # afresh: it may have stopped at a page that it doesn't know
        with suppress(Exception):
            if image is not None:
                image.seek(place)
                return image, notes
    return picture, notes


def orientation_by_xmp(xmp: bytes | str | None) -> int:
    """The orientation, 1..8, that an XMP packet tells; 1 where it tells none."""
    text = xmp.encode("utf-8", "replace") if isinstance(xmp, str) else xmp
    found = XMP_ORIENTATION.search(text) if isinstance(text, bytes) else None
    return int(found[1]) if found else 1


def _check_channels(description: object, layout: Layout) -> None:
    """
    Raise for a grey picture that is one of several channels, which may be colours or not.

    ImageJ and OME keep each channel in a picture of its own: of a photo's three, the first alone
    would be taken for a grey photo.
    """
    found = CHANNELS.search(description) if isinstance(description, str) else None
    n_channels = int(found[1] or found[2]) if found else 1
    if n_channels > 1 and COLOURS.get(layout.photometric) == 1:
        raise UnusablePhoto(
            "this kind of TIFF", f"{n_channels} channels that aren't said to be colours"
        )


def _left_out(layout: Layout) -> list[str]:
    n = layout.unspecified
    return [f"{n} extra sample{'s'[: n > 1]} a pixel left out"] if n else []


@lru_cache(maxsize=1)
def _quiet_libtiff() -> None:
    """
    Keep libtiff's complaints of damaged files off the terminal; Pillow raises what matters.

    Pillow silences its warnings only. Where libtiff is a part of Pillow's own library (Windows)
    its functions can't be reached, and its complaints stay.
    """
    try:
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)
    except (OSError, AttributeError):
        return


def _opened_by_pillow(file: BinaryIO) -> TiffImageFile | None:
    """The image, or None for what Pillow doesn't know; tifffile then says what it is."""
    file.seek(0)
    if file.read(4) == b"MM\0+":  # big-endian BigTIFF
        return None
    file.seek(0)
    try:
        return TiffImageFile(file, "")
    except Exception:  # a dozen types
        return None


def _alone(image: TiffImageFile) -> bool:
    """Whether it is the file's only picture, with no others in or behind it."""
    tags = image.tag_v2
    if SUB_IFDS in tags or tags.get(SUBFILE, 0):
        return False
    try:
        return image.n_frames == 1
    except Exception:  # the next is of a kind that Pillow doesn't know, or damaged
        return False


def _pictures(file: Any) -> Iterator[tuple["TiffPage", "TiffPage", int | None]]:
    """Every picture of a file, the one that it is in, and its number if it is in none."""
    for place, page in enumerate(file.pages):
        yield page, page, place
        for inner in page.pages or ():
            yield inner, page, None


def _the_photo(pages: list["TiffPage"]) -> tuple[int, int]:
    """
    Which picture is the photo, and how many there are as good.

    The first that is neither a mask nor marked as a reduced copy, and is at least half as wide and
    high as the largest of those: programs put a small preview first.
    """
    if not pages:
        raise UnusablePhoto("unreadable", "a TIFF without a picture")
    whole = [n for n, page in enumerate(pages) if not _is_secondary(page)]
    whole = whole or [n for n, page in enumerate(pages) if not _subfile(page) & MASK] or [0]
    largest = max((pages[n] for n in whole), key=lambda page: page.imagewidth * page.imagelength)
    large = [
        n
        for n in whole
        if 2 * pages[n].imagewidth >= largest.imagewidth
        and 2 * pages[n].imagelength >= largest.imagelength
    ]
    return large[0], len(large)


def _subfile(page: "TiffPage") -> int:
    return int(page.tags.valueof(SUBFILE, 0))


def _is_secondary(page: "TiffPage") -> bool:
    reduced = page.tags.valueof(OLD_SUBFILE) == 2
    return bool(_subfile(page) & (REDUCED | MASK)) or reduced or page.photometric == 4


def _raw_format(first: "TiffPage") -> str:
    """The name of a camera's format by the first picture's tags; empty if it tells none."""
    if DNG_VERSION in first.tags:
        return "DNG"
    make = str(first.tags.valueof(MAKE, "")).upper()
    return next((name for maker, name in RAW_OF_MAKER.items() if make.startswith(maker)), "")


def _check_whole(page: "TiffPage") -> None:
    """Raise where strips or tiles are missing, which tifffile would leave black."""
    if page.is_contiguous:
        return  # read in one piece, which fails if it is too short
    offsets, counts = page.dataoffsets, page.databytecounts
    n_expected = int(np.prod(page.chunked))
    size = page.parent.filehandle.size
    if len(offsets) < n_expected or len(counts) < n_expected:
        raise UnusablePhoto("truncated", f"{len(offsets)} of {n_expected} strips or tiles")
    for offset, count in zip(offsets, counts, strict=False):
        if not offset or not count or offset + count > size:
            raise UnusablePhoto("truncated", "strips or tiles are missing from the file")


def _looked_up(indices: np.ndarray, page: "TiffPage") -> Bytes:
    """(height, width, 3) uint8 colours of palette indices."""
    palette = np.asarray(page.colormap)  # (3, n) uint16
    if palette.max() > 255:  # some programs write 8-bit values
        palette = palette >> 8
    colours: Bytes = palette.astype(np.uint8).T[indices]
    return colours


def _without_alpha(
    samples: np.ndarray, layout: Layout, n_colours: int
) -> tuple[Samples, Floats | None]:
    """The colours, not premultiplied, and the alpha, 0..1."""
    colours = samples[..., :n_colours]
    place = next((n for n, kind in enumerate(layout.extra) if kind in (ALPHA, PREMULTIPLIED)), None)
    if place is None:
        return colours, None
    alpha = alpha_of(samples[..., n_colours + place], layout.bits[0])
    if layout.extra[place] == PREMULTIPLIED and layout.photometric in (GREY, RGB):
        shown = np.where(alpha > 0, alpha, 1)[..., None]
        unmixed = colours / shown
        if np.issubdtype(colours.dtype, np.integer):
            most = np.iinfo(colours.dtype).max
            unmixed = np.rint(np.minimum(unmixed, most))
        colours = unmixed.astype(colours.dtype)
    return colours, alpha
