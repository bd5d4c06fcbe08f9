"""Photo -> vector, for the classifiers that take vectors."""

import numpy as np

from thinsection.dataset.colour_texture import colour_texture
from thinsection.dataset.reduction import reduced
from thinsection.params import EmbeddingSettings


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
    from thinsection.examples.embedding import (
        embed,  # PyTorch comes with it, which the others don't need
    )

    return embed(photos, embedding)


def _stack(vectors) -> np.ndarray:  # type: ignore[no-untyped-def]
    rows = list(vectors)
    return np.stack(rows) if rows else np.empty((0, 0), np.float32)
