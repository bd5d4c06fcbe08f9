"""Colour and texture features of a photo. Without torch, as prediction needs them too."""

import numpy as np

from thinsection.base.arrays import Bytes, Floats

N_VALUES = 126  # of a photo
BINS = 16  # of each colour histogram
HUES, CHROMAS, LIGHTNESSES = 8, 4, 5  # bins of the joint histograms in CIE LCh
FAINTEST, STRONGEST = 2, 10  # square roots of chroma: below 4 a pixel has no hue worth counting


def colour_texture(photo: Bytes) -> Floats:
    """
    Colour and texture of one photo in 126 numbers, independent of its size and orientation.

    Shares of hue (weighted by saturation, since grey has none), saturation and brightness in
    16 bins each; the mean and spread of the three; shares of gradient magnitude in 8 bins;
    uniform, rotation-invariant local binary patterns of 8 neighbours at radius 1 (Ojala et
    al. 2002), 10 shares; mean and spread of the gradient; hue, chroma and lightness together
    (``hue_chroma_lightness``), 52 shares. docs/training.md says what else was tried.

    Parameters
    ----------
    photo : (H, W, 3) uint8

    Returns
    -------
    features : (126,) float32
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
            hue_chroma_lightness(photo),
        ]
    ).astype(np.float32)


def hue_chroma_lightness(photo: Bytes) -> Floats:
    """
    Shares of the pixels in the cells of two joint histograms in CIE LCh (CIE 1976, D65).

    An interference colour is known by its hue and its strength together: the same blue is strong
    in the second order and pale in the fourth. Histograms of each alone can't tell which of the
    hues is the pale one.

    Returns
    -------
    shares : (52,): 8 hues from -180 degrees by 4 chromas from 4 to 100, then 5 lightnesses by 4
        chromas from 0. Chroma is in equal steps of its square root, and above 100 counts as 100.
        The first 32 sum to the share of pixels that have a colour, the last 20 to 1.
    """
    from skimage.color import rgb2lab

    lightness, a, b = rgb2lab(photo).reshape(-1, 3).T
    hue, strength = np.arctan2(b, a), np.sqrt(np.hypot(a, b)).clip(max=STRONGEST)
    around, coloured = (-np.pi, np.pi), (FAINTEST, STRONGEST)
    hues, _, _ = np.histogram2d(hue, strength, (HUES, CHROMAS), (around, coloured))
    lightness = lightness.clip(0, 100)  # white is 100 but for its last digits
    all_of_them = (0, 100), (0, STRONGEST)
    lights, _, _ = np.histogram2d(lightness, strength, (LIGHTNESSES, CHROMAS), all_of_them)
    shares: Floats = np.concatenate([hues.ravel(), lights.ravel()]) / len(lightness)
    return shares


def _shares(values: Floats, bins: int, top: float, weights: Floats | None = None) -> Floats:
    counts, _ = np.histogram(values, bins=bins, range=(0, top), weights=weights)
    shares: Floats = counts / counts.sum()
    return shares
