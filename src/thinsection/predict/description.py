"""
What a photo looks like in 63 numbers, whatever the classifier: its colours and its texture.

``features.colour_texture`` says as much and more, but takes 18 ms a photo and a second to import;
an answer takes a few. Nothing here is fitted to photos.
"""

import numpy as np
from PIL import Image

HUES, SHARES, STEPS = 12, 8, 8  # bins of hue, of saturation and brightness, of gradients
SCALES = (1, 2, 4)  # pixels over which gradients are taken
HALF = 2  # photos are described at half their size: a quarter of the time
LEAST_HALVED = 32  # pixels of the shorter side; a smaller photo is described as it is
N_NUMBERS = HUES + 2 * SHARES + 6 + len(SCALES) * 5 + STEPS + 6


def describe(photos: np.ndarray) -> np.ndarray:
    """
    The description of every photo.

    Shares of hue (weighted by saturation, since grey has none), of saturation and brightness;
    mean and spread of the three colours; at each scale the mean and spread of the gradient and
    the quartiles of its strength; shares of its strength in eight bins; how many of a pixel's four
    neighbours are brighter, in six shares.

    Parameters
    ----------
    photos : (n, H, W, 3) uint8

    Returns
    -------
    vectors : (n, N_NUMBERS) float32
    """
    vectors = [_of_one(photo) for photo in photos]
    return np.stack(vectors) if vectors else np.empty((0, N_NUMBERS), np.float32)


def _of_one(photo: np.ndarray) -> np.ndarray:
    half = Image.fromarray(photo).reduce(HALF if min(photo.shape[:2]) >= LEAST_HALVED else 1)
    hue, saturation, brightness = np.moveaxis(np.asarray(half.convert("HSV")), 2, 0)
    photo = np.asarray(half)
    grey = photo @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    colours = photo.reshape(-1, 3) / np.float32(255)
    return np.concatenate(
        [
            _shares(hue, HUES, weights=saturation.ravel() + 1e-3),
            _shares(saturation, SHARES),
            _shares(brightness, SHARES),
            colours.mean(axis=0),
            colours.std(axis=0),
            *(_strength(grey, scale) for scale in SCALES),
            _shares(np.minimum(np.sqrt(_gradient(grey, 1)) * 256, 255), STEPS),
            _brighter_neighbours(grey),
        ]
    ).astype(np.float32)


def _gradient(grey: np.ndarray, scale: int) -> np.ndarray:
    """Strength of the gradient, of differences over ``scale`` pixels each way."""
    down = grey[scale:, :-scale] - grey[:-scale, :-scale]
    across = grey[:-scale, scale:] - grey[:-scale, :-scale]
    return np.hypot(down, across)


def _strength(grey: np.ndarray, scale: int) -> np.ndarray:
    gradient = _gradient(grey, scale)
    return np.array([gradient.mean(), gradient.std(), *np.quantile(gradient, (0.25, 0.5, 0.75))])


def _brighter_neighbours(grey: np.ndarray) -> np.ndarray:
    """Shares of pixels with 0..4 brighter neighbours; then of those as bright as one of them."""
    centre = grey[1:-1, 1:-1]
    around = (grey[:-2, 1:-1], grey[2:, 1:-1], grey[1:-1, :-2], grey[1:-1, 2:])
    margin = np.float32(0.5 / 255)  # equal 8-bit greys are equal
    brighter = sum((each > centre + margin).astype(np.intp) for each in around)
    equal = sum((np.abs(each - centre) <= margin).astype(np.intp) for each in around)
    counts = np.bincount(np.ravel(brighter), minlength=5)
    return np.array([*(counts / centre.size), float((np.asarray(equal) > 0).mean())])


def _shares(values: np.ndarray, bins: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Shares of numbers 0..255 in bins of equal width."""
    place = (values.ravel().astype(np.intp) * bins) >> 8
    counts = np.bincount(place, weights, bins)
    return counts / counts.sum()
