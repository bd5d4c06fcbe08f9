"""Photo -> the last pooled layer of a ResNet with given weights."""

import numpy as np
import torch

from thinsection.dataset.reduction import reduced
from thinsection.examples.augment import as_batch
from thinsection.examples.vision import IMAGENET_MEAN, IMAGENET_STD, build_resnet
from thinsection.params import EmbeddingSettings

CHUNK = 64  # photos at a time


def embed(photos: np.ndarray, settings: EmbeddingSettings) -> np.ndarray:
    """(n, 512 or 2048) float32: the last pooled layer of a ResNet with given weights."""
    network = build_resnet(settings.depth, settings.weights, n_classes=1)
    network.fc = torch.nn.Identity()
    network.eval()
    mean = torch.tensor(IMAGENET_MEAN).view(3, 1, 1)
    std = torch.tensor(IMAGENET_STD).view(3, 1, 1)
    small = reduced(photos, settings.height, settings.width)
    with torch.inference_mode():
        parts = [
            network((as_batch(small[start : start + CHUNK]) - mean) / std).numpy()
            for start in range(0, len(small), CHUNK)
        ]
    return np.concatenate(parts)
