"""torchvision's residual networks: how they are built and trained."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from thinsection.base.arrays import Bytes
from thinsection.base.seeds import torch_seeded
from thinsection.dataset.folds import Fold
from thinsection.dataset.samples import Lights
from thinsection.families.resnet.small_maps import use_matrix_products
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.contract import FitSettings, FoldResult
from thinsection.learning.examples.backbones import IMAGENET_MEAN, IMAGENET_STD, Standardised
from thinsection.learning.examples.examples import Examples
from thinsection.learning.examples.resnets import build_resnet
from thinsection.learning.fusion import Fused, LateFusion
from thinsection.learning.photo_training import Recipe, fit_networks

STAGES = ("layer4", "layer3", "layer2")  # for heat maps, the deepest first


def fit_folds(
    name: str,
    examples: Examples,
    folds: list[Fold],
    settings: FitSettings,
    checkpoint: Checkpoint = NOT_KEPT,
) -> Iterator[FoldResult]:
    """Train ResNet-``name`` on every fold, one after the other (learning.contract.FitFolds)."""
    recipe = recipe_of(int(name), len(examples.photos.classes), settings)
    return fit_networks(recipe, examples, folds, settings, checkpoint)


def recipe_of(depth: int, n_classes: int, settings: FitSettings) -> Recipe:
    """How a ResNet of ``depth`` layers is trained."""
    return Recipe(
        title=f"ResNet-{depth}",
        section="resnet",
        key=("resnet", depth),
        own=settings.own,
        new_network=partial(new_network, depth, n_classes, settings),
        stages=lambda network: [network.get_submodule(f"network.{name}") for name in STAGES],
        faster=use_matrix_products,
    )


def new_network(
    depth: int,
    n_classes: int,
    settings: FitSettings,
    photos: Bytes,
    fold: Fold,
    lights: Lights | None = None,
) -> Standardised | Fused:
    """The network of one fold before its first step, independent of earlier training."""
    weights = settings.own.weights
    with torch_seeded(settings.seed, "resnet", depth, fold.repeat, fold.fold):
        network = build_resnet(depth, weights, n_classes, settings.own.shortcuts)
        if lights is None:
            return Standardised(network, *_colour(photos[fold.train], weights))
        n_values = network.fc.in_features
        heads = [nn.Linear(n_values, n_classes) for _ in lights.names]
    network.fc = nn.Identity()
    colour = _colour(photos[lights.photos_of(fold.train)], weights)
    return Fused(Standardised(network, *colour), LateFusion(heads))


def _colour(photos: Bytes, weights: str) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each colour, for standardising, (3,) each."""
    if weights != "none":  # those used when the weights were trained
        return torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    mean = photos.mean(axis=(0, 1, 2)) / 255
    std = photos.std(axis=(0, 1, 2)) / 255
    return torch.from_numpy(mean).float(), torch.from_numpy(np.maximum(std, 1e-6)).float()
