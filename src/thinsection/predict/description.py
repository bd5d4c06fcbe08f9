"""
The colours and texture of a photo in 63 numbers, independent of the classifier.

``dataset.colour_texture`` describes more, but takes 18 ms per photo and a second to import;
this takes half a millisecond. Nothing here is fitted to photos.
"""

import numpy as np
from PIL import Image

from thinsection.base.arrays import Bools, Bytes, Floats, Numbers

HUES, SHARES, STEPS = 12, 8, 8  # bins of hue, of saturation and brightness, of gradients
SCALES = (1, 2, 4)  # pixels over which gradients are taken
HALF = 2  # photos are described at half their size, in a quarter of the time
LEAST_HALVED = 32  # pixels of the shorter side; smaller photos are described at full size
TOGETHER = 16  # photos described at once: intermediate results stay in the cache
N_NUMBERS = HUES + 2 * SHARES + 6 + len(SCALES) * 5 + STEPS + 6
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue (ITU-R BT.601)
FULL = np.float32(255)


def describe(photos: Bytes) -> Floats:
    """
    The description of every photo.

    Shares of hue (weighted by saturation, since grey has none), of saturation and brightness;
    mean and spread of the three colours; at each scale the mean, spread and quartiles of the
    gradient's strength; shares of that strength in eight bins; and six shares of pixels, by how
    many of their four neighbours are brighter or equal.

    Parameters
    ----------
    photos : (n, H, W, 3) uint8

    Returns
    -------
    vectors : (n, N_NUMBERS) float32
    """
    parts = [_of_some(photos[i : i + TOGETHER]) for i in range(0, len(photos), TOGETHER)]
    return np.concatenate(parts) if parts else np.empty((0, N_NUMBERS), np.float32)


def _of_some(photos: Bytes) -> Floats:
    factor = HALF if min(photos.shape[1:3]) >= LEAST_HALVED else 1
    halves = np.stack([np.asarray(Image.fromarray(photo).reduce(factor)) for photo in photos])
    n, height, width, _ = halves.shape
    below_each_other = Image.fromarray(halves.reshape(n * height, width, 3))
    hue, saturation, brightness = _planes(np.asarray(below_each_other.convert("HSV")), n)
    colours = [plane / FULL for plane in _planes(halves, n)]
    grey = halves @ GREY / FULL
    gradients = [_gradient(grey, scale) for scale in SCALES]
    return np.concatenate(
        [
            _weighted_shares(hue, saturation + 1e-3, HUES),
            _shares(saturation, 256 // SHARES * np.arange(1, SHARES)),
            _shares(brightness, 256 // SHARES * np.arange(1, SHARES)),
            np.stack([plane.mean(axis=1) for plane in colours], axis=1),
            np.stack([plane.std(axis=1) for plane in colours], axis=1),
            *(_strength(gradient) for gradient in gradients),
            # bins of the gradient's square root, since most gradients are weak
            _shares(gradients[0], (np.arange(1, STEPS) / STEPS) ** 2),
            _brighter_neighbours(grey),
        ],
        axis=1,
    ).astype(np.float32)


def _planes(photos: Bytes, n: int) -> Bytes:
    """(3, n, n_pixels) uint8: the channels of ``n`` photos apart."""
    return np.ascontiguousarray(photos.reshape(n, -1, 3).transpose(2, 0, 1))


def _gradient(grey: Floats, scale: int) -> Floats:
    """(n, n_pixels): strength of the gradient, of differences over ``scale`` pixels each way."""
    here = grey[:, :-scale, :-scale]
    down = grey[:, scale:, :-scale] - here
    across = grey[:, :-scale, scale:] - here
    return np.sqrt(down * down + across * across).reshape(len(grey), -1)


def _strength(gradient: Floats) -> Floats:
    """(n, 5): mean, spread and quartiles, between two values where they fall between two."""
    ordered = np.sort(gradient, axis=1)
    place = np.array([0.25, 0.5, 0.75]) * (ordered.shape[1] - 1)
    below = place.astype(np.intp)
    above = np.minimum(below + 1, ordered.shape[1] - 1)
    quartiles = ordered[:, below] + (place - below) * (ordered[:, above] - ordered[:, below])
    return np.column_stack([gradient.mean(axis=1), gradient.std(axis=1), quartiles])


def _brighter_neighbours(grey: Floats) -> Floats:
    """(n, 6): shares of pixels with 0..4 brighter neighbours; then of those as bright as one."""
    centre = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1], grey[:, 2:, 1:-1], grey[:, 1:-1, :-2], grey[:, 1:-1, 2:]
    margin = np.float32(0.5) / FULL  # equal 8-bit greys are equal
    brighter, equal = np.zeros(centre.shape, np.uint8), np.zeros(centre.shape, bool)
    for each in around:
        brighter += each > centre + margin
        equal |= np.abs(each - centre) <= margin
    found = [*(brighter == count for count in range(len(around) + 1)), equal]
    return np.stack([_share(each) for each in found], axis=1)


def _shares(values: Numbers, edges: Numbers) -> Floats:
    """(n, n_edges + 1): shares of (n, n_pixels) numbers below, between and from the edges on."""
    edges = edges.astype(values.dtype)
    n = len(values)
    from_each = [np.ones(n), *(_share(values >= edge) for edge in edges), np.zeros(n)]
    return -np.diff(np.stack(from_each, axis=1), axis=1)


def _share(true: Bools) -> Floats:
    """(n,): how much of each of n masks is true."""
    # one mask at a time: along an axis, numpy counts ten times as slowly
    return np.array([np.count_nonzero(mask) / mask.size for mask in true])


def _weighted_shares(values: Bytes, weights: Floats, bins: int) -> Floats:
    """(n, bins): shares of the weight that lie in bins of equal width of numbers 0..255."""
    place = ((np.arange(256) * bins) >> 8)[values] + bins * np.arange(len(values))[:, None]
    counts = np.bincount(place.ravel(), weights.ravel(), bins * len(values)).reshape(-1, bins)
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares
