"""Embeddings of photos: the last pooled layer of a pretrained ResNet."""

import numpy as np
import torch

from thinsection.base.arrays import Bytes, Floats
from thinsection.dataset.reduction import reduced
from thinsection.learning.examples.augment import as_batch
from thinsection.learning.examples.backbones import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Standardised,
    build_resnet,
)
from thinsection.settings import EmbeddingSettings

CHUNK = 64  # photos at a time


def backbone(settings: EmbeddingSettings) -> Standardised:
    """The network for ``features: embedding``, from photos, 0..1, to its last pooled layer."""
    network = build_resnet(settings.depth, settings.weights, n_classes=1)
    network.fc = torch.nn.Identity()
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    return Standardised(network, mean, std).eval()


def embed(photos: Bytes, settings: EmbeddingSettings) -> Floats:
    """(n, 512 or 2048) float32: the last pooled layer of a pretrained ResNet."""
    if not len(photos):  # no weights are asked for that nobody needs
        return np.empty((0, 0), np.float32)
    network = backbone(settings)
    small = reduced(photos, settings.height, settings.width)
    with torch.inference_mode():
        parts = [
            network(as_batch(small[start : start + CHUNK])).numpy()
            for start in range(0, len(small), CHUNK)
        ]
    return np.concatenate(parts)
