"""
Samples of more than 8 bits, scaled to 8.

A photo should look the same whether the camera's software saved it with 8 bits or with 16. So the
scale is the camera's, from 0 to the largest value of its bits, not the photo's own range, which
would make every photo equally bright. A 16-bit file seldom says how many of its bits the camera
filled; the photo's own highest values do, as long as a few hot pixels don't count.
"""

from functools import reduce

import numpy as np

from thinsection.base.arrays import Bytes, Numbers

CAMERA_BITS = (8, 10, 12, 14, 16)  # of the cameras there are
STRAY = 0.01  # percent of the pixels that may lie outside the scale
FEWEST_LEVELS = 16  # that a photo must fill of 256, otherwise it gets its own range

Samples = Numbers  # (height, width, channels): whole numbers or not


def to_8_bits(samples: Samples, bits: int) -> tuple[Bytes, str]:
    """
    Samples at 8 bits, all channels on one scale, and a note that names the scale.

    Parameters
    ----------
    samples : (height, width, n) unsigned, signed or floating
    bits : of each sample in the file

    Returns
    -------
    (height, width, n) uint8; the note is empty for 8 bits or less, which have one scale only
    """
    whole = np.issubdtype(samples.dtype, np.unsignedinteger)
    if whole and bits == 8:
        return samples.astype(np.uint8), ""
    if whole and bits < 16:
        return _scaled(samples, 0, 2**bits - 1), _note(bits, 0, 2**bits - 1) if bits > 8 else ""
    samples = np.nan_to_num(samples, posinf=0, neginf=0)
    low, high = scale_of(samples)
    return _scaled(samples, low, high), _note(bits, low, high)


def scale_of(samples: Samples) -> tuple[float, float]:
    """
    The values that become 0 and 255.

    From 0 to 1, or to the largest value of the fewest bits in ``CAMERA_BITS`` that hold the photo;
    its own range where it has negative or larger values, or would fill fewer than ``FEWEST_LEVELS``.
    """
    low, high = solid_range(samples)
    whites = ([] if np.issubdtype(samples.dtype, np.integer) else [1]) + [
        2**bits - 1 for bits in CAMERA_BITS
    ]
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
    scaled = samples.astype(np.float32)
    scaled -= low
    scaled *= 255 / max(high - low, 1e-30)
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def _note(bits: int, low: float, high: float) -> str:
    return f"{bits}-bit, {low:.6g}..{high:.6g} scaled to 0..255"
