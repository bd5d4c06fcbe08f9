"""
How the samples of a picture lie in a TIFF, and which layouts are understood.

Pillow reads some layouts by halves, without a word: of 16-bit colour the high bytes only, of
16-bit planes one after the other only noise. So the layout is looked up, not presumed. What
``is_plain`` lists Pillow decodes, exactly and fast; what ``unknown`` has no objection to, tifffile
and imagecodecs decode; anything else is refused by its name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL.TiffImagePlugin import COMPRESSION_INFO

from thinsection.decode.unusable import UnusablePhoto

if TYPE_CHECKING:
    from tifffile import TiffPage

MOST_SAMPLES = 16  # of a pixel

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
RAW = (32803, 34892)  # of OTHERS
ALPHA, PREMULTIPLIED = 2, 1  # of ExtraSamples; 0 is unspecified
NUMBERS = {1: "unsigned", 2: "signed", 3: "float", 4: "untyped", 5: "complex", 6: "complex"}
UNDERSTOOD_BITS = {1: (1, 2, 4, 6, 8, 10, 12, 14, 16, 32, 64), 2: (8, 16, 32, 64), 3: (16, 32, 64)}
JPEG = (6, 7)
WEBP = 50001  # which Pillow lists, but the libtiff in its wheels can't decode

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
    if layout.compression not in COMPRESSION_INFO or layout.compression == WEBP:
        return False
    if layout.planes or layout.numbers != (1,):
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
