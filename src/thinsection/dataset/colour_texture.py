"""Colour and texture features of a photo. Without torch, as prediction needs them too."""

import numpy as np

from thinsection.base.arrays import Bytes, Floats

BINS = 16  # of each colour histogram


def colour_texture(photo: Bytes) -> Floats:
    """
    Colour and texture of one photo in 74 numbers, independent of its size and orientation.

    Shares of hue (weighted by saturation, since grey has none), saturation and brightness in
    16 bins each; the mean and spread of the three; shares of gradient magnitude in 8 bins;
    uniform, rotation-invariant local binary patterns of 8 neighbours at radius 1 (Ojala et
    al. 2002), 10 shares; mean and spread of the gradient.

    Parameters
    ----------
    photo : (H, W, 3) uint8

    Returns
    -------
    features : (74,) float32
    """
    from skimage.color import rgb2gray, rgb2hsv
    from skimage.feature import local_binary_pattern
    from skimage.filters import sobel

    hsv = rgb2hsv(photo)
    grey = rgb2gray(photo)
    gradient = sobel(grey)
    patterns = local_binary_pattern((grey * 255).astype(np.uint8), P=8, R=1, method="uniform")
    return np.concatenate(
        [
            _shares(hsv[..., 0], BINS, 1, weights=hsv[..., 1] + 1e-6),
            _shares(hsv[..., 1], BINS, 1),
            _shares(hsv[..., 2], BINS, 1),
            hsv.mean(axis=(0, 1)),
            hsv.std(axis=(0, 1)),
            _shares(np.sqrt(gradient.clip(0, 1)), 8, 1),
            _shares(patterns, 10, 10),
            [gradient.mean(), gradient.std()],
        ]
    ).astype(np.float32)


def _shares(values: Floats, bins: int, top: float, weights: Floats | None = None) -> Floats:
    counts, _ = np.histogram(values, bins=bins, range=(0, top), weights=weights)
    shares: Floats = counts / counts.sum()
    return shares
