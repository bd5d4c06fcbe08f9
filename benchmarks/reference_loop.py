"""
What one would run otherwise: the training loop of torchvision's references/classification.

DataLoader with worker processes, torchvision.transforms.v2 on one photo at a time, float32, contiguous
layout, SGD with momentum, the loss and accuracy of every step read back.
"""

from collections.abc import Iterator
from importlib import import_module

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from thinsection.learning.examples.resnets import torchvision_models
from thinsection.settings import OperatorSettings


def per_sample_transforms(operators: OperatorSettings, height: int, width: int):
    """The operators of augment.py as torchvision has them."""
    torchvision_models()  # makes torchvision importable beside any build of PyTorch
    v2 = import_module("torchvision.transforms.v2")
    least = (1 - operators.crop) ** 2
    return v2.Compose(
        [
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.RandomHorizontalFlip(0.5 * operators.flip_horizontal),
            v2.RandomVerticalFlip(0.5 * operators.flip_vertical),
            v2.RandomAffine(
                operators.rotation_deg,
                translate=(operators.shift, operators.shift),
                scale=(1 - operators.zoom, 1 + operators.zoom),
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.RandomResizedCrop((height, width), scale=(least, 1), antialias=True),
            v2.GaussianNoise(sigma=operators.noise),
        ]
    )


class Photos(Dataset):
    def __init__(self, pixels: np.ndarray, labels: np.ndarray, transforms) -> None:
        self.pixels, self.labels, self.transforms = pixels, labels, transforms

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, row: int):
        return self.transforms(self.pixels[row]), int(self.labels[row])


class ReferenceLoop:
    """One network, trained as torchvision's reference trains it."""

    def __init__(
        self,
        network: nn.Module,
        photos: Photos,
        batch_size: int,
        learning_rate: float,
        device: str,
        workers: int,
    ) -> None:
        self.network, self.device = network.to(device), device
        self.loader = DataLoader(
            photos,
            batch_size,
            shuffle=True,
            num_workers=workers,
            persistent_workers=workers > 0,
            multiprocessing_context="fork" if workers else None,
            pin_memory=device == "cuda",
        )
        self.optimiser = torch.optim.SGD(
            network.parameters(), lr=learning_rate, momentum=0.9, weight_decay=1e-4
        )

    def epoch(self) -> Iterator[int]:
        """Photos of each step, as steps are done."""
        self.network.train()
        for photos, labels in self.loader:
            photos = photos.to(self.device, non_blocking=True)
            labels = labels.to(self.device, non_blocking=True)
            logits = self.network(photos)
            loss = nn.functional.cross_entropy(logits, labels)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            loss.item(), (logits.argmax(1) == labels).float().mean().item()  # its logger reads them
            yield len(photos)

    @torch.inference_mode()
    def accuracy(self, photos: torch.Tensor, labels: torch.Tensor) -> float:
        self.network.eval()
        named = torch.cat([self.network(part).argmax(1) for part in photos.split(64)])
        return (named == labels).float().mean().item()
