"""
Samples of more than 8 bits, scaled to 8.

A photo should look the same whether the camera's software saved it with 8 bits or with 16. So the
scale is the camera's, from 0 to the largest value of its bits, not the photo's own range, which
would make every photo equally bright. A 16-bit file seldom says how many of its bits the camera
filled; the photo's own highest values do, as long as a few hot pixels don't count. A dark photo
misleads that guess: so several photos may share a scale, or the user says the bits (``DeepScale``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Literal

import numpy as np

from thinsection.base.arrays import Bytes, Floats, Numbers

CAMERA_BITS = (8, 10, 12, 14, 16)  # of the cameras there are
STRAY = 0.01  # percent of the pixels that may lie outside the scale
FEWEST_LEVELS = 16  # that a photo must fill of 256, otherwise it gets its own range
NUMBERS = {"u": "unsigned", "i": "signed", "f": "float"}  # by NumPy's kind

# each photo by itself, one scale for several, or the bits of the camera
DeepPhotos = Literal["each", "specimen", "dataset", 8, 10, 12, 14, 16]
Samples = Numbers  # (height, width, channels): whole numbers or not


@dataclass(frozen=True)
class SampleRange:
    """
    The lowest and highest value of some photos' samples, without stray pixels.

    ``kind`` is the form of the samples in the file, such as ``16-bit unsigned``: values of
    different forms have no scale in common.
    """

    kind: str
    low: float
    high: float


@dataclass(frozen=True)
class DeepScale:
    """
    The scale on which deep photos are reduced to 8 bits; by default each has its own.

    Attributes
    ----------
    bits : of the camera, 8..16, where they are known; 0: they are guessed
    ranges : kind -> lowest and highest value of all photos that share the scale. A photo of
        another kind has its own scale.
    whose : for the notes, e.g. ``one scale for the data set``; empty: nothing is added
    """

    bits: int = 0
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    whose: str = ""

    def given(self, own: SampleRange, bits: int) -> tuple[float, float] | None:
        """
        The values that become 0 and 255; None for a photo that has its own scale.

        Parameters
        ----------
        own : range of the photo
        bits : of each sample in the file
        """
        if self.bits and bits >= self.bits:
            # floating samples of 0..1 are no camera's values, whatever its bits
            unit = is_float(own.kind) and own.low >= 0 and own.high <= 1
            return 0, 1 if unit else 2**self.bits - 1
        if own.kind in self.ranges:
            return scale_of(SampleRange(own.kind, *self.ranges[own.kind]))
        return None


EACH = DeepScale()


def to_8_bits(samples: Samples, bits: int, scale: DeepScale = EACH) -> tuple[Bytes, list[str]]:
    """
    Samples at 8 bits, all channels on one scale, and notes on the scale.

    Parameters
    ----------
    samples : (height, width, n) unsigned, signed or floating
    bits : of each sample in the file; fewer than 16 unsigned ones are the camera's, so that no
        scale needs to be found or given
    scale : that the photo shares with others

    Returns
    -------
    (height, width, n) uint8; no notes for 8 bits or less, which have one scale only
    """
    if has_known_scale(samples, bits):
        if bits == 8:
            return samples.astype(np.uint8), []
        return _scaled(samples, 0, 2**bits - 1), [_note(bits, 0, 2**bits - 1)] * (bits > 8)
    samples = _numbers(samples)
    own = range_of(samples, bits)
    given = scale.given(own, bits)
    low, high = given or scale_of(own)
    notes = [_note(bits, low, high)]
    if given:
        notes[0] += f": {scale.whose}" * bool(scale.whose)
        notes += _misfit(samples, own, low, high)
    elif scale.bits or scale.ranges:
        notes[0] += f": its own scale, for its samples are {own.kind}"
    elif scale.whose:
        notes[0] += f": {scale.whose}"
    return _scaled(samples, low, high), notes


def has_known_scale(samples: Samples, bits: int) -> bool:
    """Whether the file itself says how many bits the camera filled."""
    return bool(np.issubdtype(samples.dtype, np.unsignedinteger)) and bits < 16


def range_of(samples: Samples, bits: int) -> SampleRange:
    """The range of (height, width, n) samples of so many bits in the file, without stray pixels."""
    kind = f"{bits}-bit {NUMBERS[samples.dtype.kind]}"
    return SampleRange(kind, *solid_range(_numbers(samples)))


def _numbers(samples: Samples) -> Samples:
    """The samples, 0 where they are none."""
    if samples.dtype.kind != "f":
        return samples
    return np.nan_to_num(samples, posinf=0, neginf=0)


def pooled(ranges: Iterable[SampleRange]) -> dict[str, tuple[float, float]]:
    """
    Kind -> lowest and highest value of all photos, whatever their order.

    Examples
    --------
    >>> dark, bright = SampleRange("16-bit unsigned", 3, 900), SampleRange("16-bit unsigned", 9, 4000)
    >>> pooled([bright, dark])
    {'16-bit unsigned': (3, 4000)}
    """
    found: dict[str, tuple[float, float]] = {}
    for each in sorted(ranges, key=lambda each: each.kind):
        low, high = found.get(each.kind, (each.low, each.high))
        found[each.kind] = min(low, each.low), max(high, each.high)
    return found


def is_float(kind: str) -> bool:
    """Whether samples of this kind are floating."""
    return kind.endswith(NUMBERS["f"])


def scale_of(found: SampleRange) -> tuple[float, float]:
    """
    The values that become 0 and 255.

    From 0 to 1, or to the largest value of the fewest bits in ``CAMERA_BITS`` that hold the photo;
    its own range where it has negative or larger values, or would fill fewer than ``FEWEST_LEVELS``.

    Examples
    --------
    >>> scale_of(SampleRange("16-bit unsigned", 3, 900))
    (0, 1023)
    """
    low, high = found.low, found.high
    whites = [1] * is_float(found.kind) + [2**bits - 1 for bits in CAMERA_BITS]
    white = next((white for white in whites if high <= white), None)
    if low < 0 or white is None or 0 < high - low < white * FEWEST_LEVELS / 256:
        return low, high
    return 0, white


def solid_range(samples: Samples) -> tuple[float, float]:
    """
    The lowest and highest value of (height, width, n) samples, without stray pixels.

    A hot pixel is brighter than its neighbours to both sides, and what a camera makes of it as it
    fills in the colours is 3 wide. So a value counts only if 4 pixels side by side reach it; then
    ``STRAY`` percent are left out at either end. Nor does the top of a 16-bit file count where
    something else can be seen: programs draw scale bars with it into photos of 12 bits.
    """
    channels = np.moveaxis(samples, 2, 0)  # one by one: max(axis=2) takes ten times as long
    brightest, darkest = reduce(np.maximum, channels), reduce(np.minimum, channels)
    if samples.shape[1] >= 4:
        for step in (1, 2):  # pairs, then pairs of pairs
            brightest = np.minimum(brightest[:, step:], brightest[:, :-step])
            darkest = np.maximum(darkest[:, step:], darkest[:, :-step])
    if samples.dtype == np.uint16 and (drawn := brightest == 0xFFFF).any() and not drawn.all():
        brightest = brightest[~drawn]
    low = float(np.percentile(darkest, STRAY, method="higher"))
    return low, max(low, float(np.percentile(brightest, 100 - STRAY, method="lower")))


def _scaled(samples: Samples, low: float, high: float) -> Bytes:
    # values of 64 bits may be larger than float32 can hold
    precision: type[np.floating] = np.float64 if samples.dtype.itemsize == 8 else np.float32
    scaled: Floats = samples.astype(precision)
    scaled -= low
    scaled *= 255 / max(high - low, 1e-30)
    levels: Bytes = np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
    return levels


def _note(bits: int, low: float, high: float) -> str:
    return f"{bits}-bit, {low:.6g}..{high:.6g} scaled to 0..255"


def _misfit(samples: Samples, own: SampleRange, low: float, high: float) -> list[str]:
    """What a given scale takes from a photo: values beyond it, or most of the grey levels."""
    if own.low < low or own.high > high:
        # the rims of a few bright pixels don't spoil a photo
        beyond = float(((samples < low) | (samples > high)).any(axis=2).mean())
        return [
            f"{100 * beyond:.3g} % of its pixels lie beyond that scale and became black or white"
        ]
    n_levels = round(256 * (own.high - own.low) / (high - low))
    if own.high > own.low and n_levels < FEWEST_LEVELS:
        return [f"it fills {max(n_levels, 1)} of the 256 levels of that scale"]
    return []
