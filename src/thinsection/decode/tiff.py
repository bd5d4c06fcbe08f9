"""
TIFF: which picture of a file is the photo, and how its samples lie.

Pillow reads some layouts by halves, without a word: of 16-bit colour the high bytes only, of
16-bit planes one after the other only noise. So the layout is looked up, not presumed. What
``is_plain`` lists Pillow decodes, exactly and fast; what ``unknown`` has no objection to, tifffile
and imagecodecs decode; anything else is refused by its name.
"""

import ctypes
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import _imaging
from PIL.TiffImagePlugin import COMPRESSION_INFO, TiffImageFile

from thinsection.base.arrays import Bytes, Floats
from thinsection.decode.deep import Samples
from thinsection.decode.unusable import UnusablePhoto, check_megapixels

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
MOST_SAMPLES = 16  # of a pixel

SUBFILE, OLD_SUBFILE, SUB_IFDS = 254, 255, 330
ORIENTATION, XMP, ICC_PROFILE = 274, 700, 34675
XMP_ORIENTATION = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\b""")
REDUCED, MASK = 1, 4  # bits of SUBFILE

GREY_INVERTED, GREY, RGB, PALETTE, CMYK, YCBCR, CIELAB = 0, 1, 2, 3, 5, 6, 8
COLOURS = {GREY_INVERTED: 1, GREY: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, CIELAB: 3}
OTHERS = {  # refused
    4: "a transparency mask",
    CIELAB: "CIELAB colour",
    9: "ICCLAB colour",
    10: "ITULAB colour",
    32803: "raw sensor data (colour filter array)",
    34892: "raw sensor data (linear)",
    32844: "LogL brightness",
    32845: "LogLuv colour",
    51177: "a depth map",
}
ALPHA, PREMULTIPLIED = 2, 1  # of ExtraSamples; 0 is unspecified
NUMBERS = {1: "unsigned", 2: "signed", 3: "float", 4: "untyped", 5: "complex", 6: "complex"}
UNDERSTOOD_BITS = {1: (1, 2, 4, 6, 8, 10, 12, 14, 16, 32), 2: (8, 16, 32), 3: (16, 32)}
JPEG = (6, 7)

Tag = Callable[[int, Any], Any]  # code, default -> value


@dataclass(frozen=True)
class Layout:
    """
    How the samples of a picture lie in a TIFF.

    Attributes
    ----------
    photometric : what they are of: grey, RGB ...
    bits : of each sample of a pixel
    numbers : the sample format: 1 unsigned, 2 signed, 3 floating ...
    extra : what the samples beyond the colours are: 0 unspecified, 1 premultiplied alpha, 2 alpha
    planes : whether each sample has a plane of its own
    compression : the code
    subsampling : of the chroma, across and down
    dim_palette : whether the palette has values of 8 bits, where the format asks for 16
    """

    photometric: int
    bits: tuple[int, ...]
    numbers: tuple[int, ...]
    extra: tuple[int, ...]
    planes: bool
    compression: int
    subsampling: tuple[int, ...]
    dim_palette: bool

    @property
    def unspecified(self) -> int:
        """The number of samples a pixel that are neither colour nor alpha."""
        alphas = [kind for kind in self.extra if kind in (ALPHA, PREMULTIPLIED)]
        return len(self.extra) - bool(alphas)


@dataclass(frozen=True)
class Raster:
    """
    Samples as they are in a file that Pillow reads by halves.

    Attributes
    ----------
    samples : (height, width, n): grey, RGB or CMYK
    alpha : (height, width) 0..1, or None
    bits : of a sample in the file
    inverted : whether 0 is white
    """

    samples: Samples
    alpha: Floats | None
    bits: int
    inverted: bool = False


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
            raise UnusablePhoto("this kind of TIFF", problem)
        check_megapixels(page.tilewidth or 1, page.tilelength or 1, max_megapixels)
        _check_whole(page)
        found = page.asarray(squeeze=False, maxworkers=1)
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


def _left_out(layout: Layout) -> list[str]:
    n = layout.unspecified
    return [f"{n} extra sample{'s'[: n > 1]} a pixel left out"] if n else []


def layout_of(tag: Tag) -> Layout:
    """The layout of a picture by its tags."""

    def many(code: int, default: tuple[int, ...]) -> tuple[int, ...]:
        value = tag(code, None)
        if value is None:
            return default
        return tuple(int(each) for each in np.ravel(value))

    compression = int(tag(259, 1))
    photometric = YCBCR if compression == 6 else int(tag(262, GREY_INVERTED))
    n_samples = int(tag(277, 3 if photometric == YCBCR else 1))
    if not 1 <= n_samples <= MOST_SAMPLES:
        raise UnusablePhoto("this kind of TIFF", f"{n_samples} samples a pixel")
    bits, numbers = many(258, (1,)), many(339, (1,))
    n_extra = n_samples - COLOURS.get(photometric, n_samples)
    extra = many(338, ())[: max(n_extra, 0)]
    if n_extra == 1 and not extra:
        extra = (ALPHA,)  # as Pillow and others take a fourth sample that isn't explained
    return Layout(
        photometric,
        bits * n_samples if len(bits) == 1 else bits[:n_samples],
        numbers[:1] if len(set(numbers)) == 1 else numbers,
        (*extra, *[0] * (n_extra - len(extra))),
        n_samples > 1 and int(tag(284, 1)) != 1,
        compression,
        many(530, (2, 2)),
        photometric == PALETTE and max(many(320, (0xFFFF,))) <= 255,
    )


def is_plain(layout: Layout) -> bool:
    """Whether Pillow decodes such a picture exactly."""
    if layout.compression not in COMPRESSION_INFO or layout.planes or layout.numbers != (1,):
        return False
    if layout.dim_palette:
        return False
    if layout.photometric == YCBCR and layout.compression == 1 and layout.subsampling != (1, 1):
        return False
    if layout.bits in ((1,), (2,), (4,)):
        return layout.photometric in (GREY_INVERTED, GREY, PALETTE)
    if set(layout.bits) != {8} or len(layout.bits) != COLOURS.get(layout.photometric, 0) + len(
        layout.extra
    ):
        return False
    return not layout.extra or (layout.photometric in (GREY, RGB) and len(layout.extra) == 1)


def unknown(layout: Layout, page: "TiffPage") -> str:  # noqa: C901 - a list, read from top to bottom
    """What of a picture isn't understood; empty if all of it is."""
    from tifffile import TIFF

    number = layout.numbers[0]
    if layout.photometric not in COLOURS or layout.photometric == CIELAB:
        return OTHERS.get(layout.photometric, f"photometric interpretation {layout.photometric}")
    if len(set(layout.bits)) > 1 or len(layout.numbers) > 1:
        return f"samples of {', '.join(map(str, layout.bits))} bits"
    if layout.bits[0] not in UNDERSTOOD_BITS.get(number, ()):
        return f"{layout.bits[0]}-bit {NUMBERS.get(number, f'sample format {number}')}"
    if page.imagedepth > 1:
        return f"a volume of {page.imagedepth} slices"
    n_missing = COLOURS[layout.photometric] + len(layout.extra) - len(layout.bits)
    if n_missing:
        return f"{len(layout.bits)} samples a pixel, too few for its colours"
    if COLOURS[layout.photometric] == 1 and len(layout.extra) > 1:
        return f"{len(layout.bits)} channels that aren't said to be colours"
    if layout.photometric in (PALETTE, CMYK) and (number != 1 or layout.bits[0] > 16):
        return f"{layout.bits[0]}-bit {NUMBERS[number]} palette or CMYK"
    if layout.photometric == YCBCR and (layout.compression not in JPEG or layout.planes):
        return "subsampled YCbCr colour without JPEG compression, or in planes"
    if page.compression != 1 and page.compression not in TIFF.DECOMPRESSORS:
        return f"compression {getattr(page.compression, 'name', page.compression)}"
    if page.predictor != 1 and page.predictor not in TIFF.UNPREDICTORS:
        return f"predictor {page.predictor}"
    return ""


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


@lru_cache(maxsize=1)
def quiet_loggers() -> None:
    """Whoever handles these logs still gets them; Python alone would print them."""
    for name in ("PIL", "tifffile", "imagecodecs"):
        logging.getLogger(name).addHandler(logging.NullHandler())


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


def alpha_of(samples: np.ndarray, bits: int) -> Floats:
    """
    Alpha as 0..1.

    Of 16 bits the largest value is opaque, unless the alpha ends where a camera's bits do: programs
    write 4095 beside a photo of 12 bits.
    """
    if np.issubdtype(samples.dtype, np.floating):
        return np.asarray(np.clip(np.nan_to_num(samples), 0, 1), np.float32)
    opaque = min(2**bits - 1, np.iinfo(samples.dtype).max)
    if bits == 16 and (most := int(samples.max())) in (255, 1023, 4095, 16383):
        opaque = most
    return np.asarray(np.clip(samples / np.float32(opaque), 0, 1), np.float32)
