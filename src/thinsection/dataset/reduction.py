"""
Reduction of photos, with identical bits on every machine and in every program.

Averages of 8-bit numbers often end on exactly one half, where the last digit of the arithmetic
decides the rounding. Here the weights of the averages are whole multiples of 2**-20, so that
every product and sum is exact in double precision, in any order: NumPy, the exported ONNX graph,
one thread or many all round alike. Without torch, as prediction needs this too.
"""

from functools import lru_cache

import numpy as np

from thinsection.base.arrays import Bytes, Floats

CHUNK = 64  # photos at a time
STEPS = 2**20  # per unit of weight; 8 bits of a photo and 20 of each axis fit the 53 of a double


def reduced(photos: Bytes, height: int, width: int) -> Bytes:
    """
    (n, height, width, 3) uint8: the photos at another size, with antialiasing.

    Parameters
    ----------
    photos : (n, H, W, 3) uint8

    Examples
    --------
    One photo of 2 x 2 pixels to its mean, (0 + 100 + 101 + 201) / 4 = 100.5, which is rounded up:

    >>> grey = np.array([[0, 100], [101, 201]], np.uint8)
    >>> reduced(np.stack([grey, grey, grey], axis=-1)[None], 1, 1).tolist()
    [[[[101, 101, 101]]]]
    """
    if photos.shape[1:3] == (height, width):
        return np.ascontiguousarray(photos)
    small = np.empty((len(photos), height, width, 3), np.uint8)
    down, across = axis_weights(photos.shape[1], height), axis_weights(photos.shape[2], width)
    for start in range(0, len(photos), CHUNK):
        part = photos[start : start + CHUNK].astype(np.float64)
        n, rows, columns, _ = part.shape
        part = (down @ part.reshape(n, rows, columns * 3)).reshape(n, height, columns, 3)
        small[start : start + n] = np.floor(across @ part + 0.5)
    return small


@lru_cache(maxsize=16)
def axis_weights(n_in: int, n_out: int) -> Floats:
    """
    (n_out, n_in) float64: weight of each old pixel in each new pixel along one axis.

    The triangle (bilinear) filter, widened by the scale when photos shrink. Rows sum to 1.
    """
    scale = n_in / n_out
    support = max(scale, 1.0)
    centres = (np.arange(n_out) + 0.5) * scale
    distance = np.abs(np.arange(n_in) + 0.5 - centres[:, None]) / support
    weights: Floats = np.maximum(1 - distance, 0)
    weights = np.rint(weights / weights.sum(axis=1, keepdims=True) * STEPS)
    # the rounding error goes to the pixel with the largest weight
    weights[np.arange(n_out), weights.argmax(axis=1)] += STEPS - weights.sum(axis=1)
    return weights / STEPS
