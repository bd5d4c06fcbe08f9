"""Samples as they are in a file, which tifffile and imagecodecs read where Pillow reads half."""

import logging
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from thinsection.base.arrays import Floats
from thinsection.decode.deep import Samples


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


@lru_cache(maxsize=1)
def quiet_loggers() -> None:
    """Whoever handles these logs still gets them; Python alone would print them."""
    for name in ("PIL", "tifffile", "imagecodecs"):
        logging.getLogger(name).addHandler(logging.NullHandler())
