"""Photo -> vector, for the classifiers that take vectors."""

import numpy as np
import torch
from torch.nn.functional import interpolate

from thinsection.augment import as_batch, as_photos
from thinsection.params import EmbeddingSettings
from thinsection.vision import IMAGENET_MEAN, IMAGENET_STD, build_resnet

CHUNK = 64  # photos at a time
BINS = 16  # of each colour histogram


def extract(
    kind: str, photos: np.ndarray, height: int, width: int, embedding: EmbeddingSettings
) -> np.ndarray:
    """
    The feature vector of every photo.

    Nothing here is fitted to the photos, so nothing can leak from one fold to another.

    Parameters
    ----------
    kind : pixels | colour_texture | embedding
    photos : (n, H, W, 3) uint8
    height, width : size to which photos are reduced, used by ``pixels``
    embedding : the network, used by ``embedding``

    Returns
    -------
    features : (n, n_features) float32
    """
    if kind == "pixels":
        return reduced(photos, height, width).reshape(len(photos), -1).astype(np.float32) / 255
    if kind == "colour_texture":
        return _stack(colour_texture(photo) for photo in photos)
    return embed(photos, embedding)


def reduced(photos: np.ndarray, height: int, width: int) -> np.ndarray:
    """(n, height, width, 3) uint8: the photos at a smaller size, antialiased."""
    if photos.shape[1:3] == (height, width):
        return np.ascontiguousarray(photos)
    chunks = [
        as_photos(interpolate(as_batch(part), (height, width), mode="bilinear", antialias=True))
        for part in _chunks(photos)
    ]
    return np.concatenate(chunks) if chunks else np.empty((0, height, width, 3), np.uint8)


def colour_texture(photo: np.ndarray) -> np.ndarray:
    """
    Colour and texture of one photo in 74 numbers, whatever its size and orientation.

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


def embed(photos: np.ndarray, settings: EmbeddingSettings) -> np.ndarray:
    """(n, 512 or 2048) float32: the last pooled layer of a ResNet with given weights."""
    network = build_resnet(settings.depth, settings.weights, n_classes=1)
    network.fc = torch.nn.Identity()
    network.eval()
    mean = torch.tensor(IMAGENET_MEAN).view(3, 1, 1)
    std = torch.tensor(IMAGENET_STD).view(3, 1, 1)
    with torch.inference_mode():
        return _stack(
            vector
            for part in _chunks(reduced(photos, settings.height, settings.width))
            for vector in network((as_batch(part) - mean) / std).numpy()
        )


def _shares(
    values: np.ndarray, bins: int, top: float, weights: np.ndarray | None = None
) -> np.ndarray:
    counts, _ = np.histogram(values, bins=bins, range=(0, top), weights=weights)
    return counts / counts.sum()


def _chunks(photos: np.ndarray) -> list[np.ndarray]:
    return [photos[start : start + CHUNK] for start in range(0, len(photos), CHUNK)]


def _stack(vectors) -> np.ndarray:  # type: ignore[no-untyped-def]
    rows = list(vectors)
    return np.stack(rows) if rows else np.empty((0, 0), np.float32)
