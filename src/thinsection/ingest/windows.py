"""
Thumbnails, the windows in them that a crop may show, and their eight orientations.

A thumbnail is the whole photo in grey at ``SIDE`` x ``SIDE``, each side scaled separately. In these
coordinates a crop is a window (top, bottom, left, right), whatever the photo's shape.
"""

import numpy as np

from thinsection.base.arrays import Bytes, Floats

SIDE = 64  # pixels of a thumbnail

# A crop may have as little as 0.8 of a side; windows are 0.067 of a side apart.
SPANS = [
    (start, start + length)
    for length, starts in (
        (1.0, (0.0,)),
        (0.93, (0.0, 0.07)),
        (0.86, (0.0, 0.07, 0.14)),
        (0.80, (0.0, 0.067, 0.133, 0.2)),
    )
    for start in starts
]
WINDOWS = [
    (rows, columns)
    for rows in range(len(SPANS))
    for columns in range(len(SPANS))
    if abs((SPANS[rows][1] - SPANS[rows][0]) - (SPANS[columns][1] - SPANS[columns][0])) < 0.08
]
ORIENTATIONS = [(turned, down, right) for turned in (0, 1) for down in (0, 1) for right in (0, 1)]


def oriented(thumbnail: Bytes, orientation: int) -> Bytes:
    """The thumbnail transposed, then mirrored, as in ``ORIENTATIONS``."""
    turned, down, right = ORIENTATIONS[orientation]
    grey = thumbnail.T if turned else thumbnail
    return grey[:: -1 if down else 1, :: -1 if right else 1]


def span_matrix(start: Floats | float, stop: Floats | float, n: int) -> Floats:
    """
    (..., n, SIDE) weights for resampling SIDE pixels between two positions, 0..1, to n.

    A triangle filter, two new pixels wide; beyond the edge, edge pixels are repeated.
    """
    start, stop = np.asarray(start, np.float32), np.asarray(stop, np.float32)
    pitch = (stop - start) * SIDE / n  # old pixels in a new one
    centres = start[..., None] * SIDE + (np.arange(n, dtype=np.float32) + 0.5) * pitch[..., None]
    weights = centres[..., None] - (np.arange(SIDE, dtype=np.float32) + 0.5)
    np.abs(weights, out=weights)
    weights *= -1 / np.maximum(pitch, 1)[..., None, None]
    weights += 1 + 1e-6  # never all 0, even far beyond the edge
    np.maximum(weights, 1e-9, out=weights)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights
