"""Photo -> vector, for the classifiers that take vectors."""

import numpy as np
import torch

from thinsection.augment import as_batch
from thinsection.params import EmbeddingSettings
from thinsection.reduction import reduced
from thinsection.texture import colour_texture
from thinsection.vision import IMAGENET_MEAN, IMAGENET_STD, build_resnet

CHUNK = 64  # photos at a time


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


def _chunks(photos: np.ndarray) -> list[np.ndarray]:
    return [photos[start : start + CHUNK] for start in range(0, len(photos), CHUNK)]


def _stack(vectors) -> np.ndarray:  # type: ignore[no-untyped-def]
    rows = list(vectors)
    return np.stack(rows) if rows else np.empty((0, 0), np.float32)
