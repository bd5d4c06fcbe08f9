"""A pretrained network, trained further: its last layer first, then all of it."""

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import torch
from torch import nn

from thinsection.base.arrays import Bytes
from thinsection.base.seeds import generator
from thinsection.dataset.folds import Fold
from thinsection.families.transfer import TITLES
from thinsection.families.transfer.logistic import Logistic, fit_logistic
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.class_weights import class_weights
from thinsection.learning.contract import FitSettings, FoldResult
from thinsection.learning.examples.augment import as_batch
from thinsection.learning.examples.backbones import Standardised, build_backbone, name_and_licence
from thinsection.learning.examples.examples import Examples, groups_of
from thinsection.learning.fusion import Fused
from thinsection.learning.photo_training import Recipe, fit_networks

STRENGTHS = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]  # of the last layer's ridge, to choose from
CHUNK = 32  # photos at a time, for the embedding that the last layer is fitted on


def fit_folds(
    examples: Examples, folds: list[Fold], settings: FitSettings, checkpoint: Checkpoint = NOT_KEPT
) -> Iterable[FoldResult]:
    """
    Fine-tune the network on every fold (learning.contract.FitFolds).

    The last layer is fitted first, with the network frozen, so that the large gradients of a new
    last layer don't distort what the network has learned before (Kumar et al. 2022,
    arXiv:2202.10054). The normalisation layers keep the statistics that they came with: those of
    a few photos would be worse.
    """
    tuned = settings.own.fine_tuned
    recipe = Recipe(
        title=TITLES["fine_tuned"],
        section="transfer.fine_tuned",
        key=("transfer", "fine_tuned"),
        own=tuned,
        new_network=partial(new_network, examples, settings),
        stages=_stages,
        frozen_statistics=True,
        n_views=tuned.views,
        contains=name_and_licence(tuned),
    )
    return fit_networks(recipe, examples, folds, settings, checkpoint)


def new_network(
    examples: Examples, settings: FitSettings, photos: Bytes, fold: Fold
) -> Standardised | Fused:
    """
    The pretrained network, with a last layer fitted on the training photos of a fold.

    Where samples are seen in several lights, each light has a last layer of its own.
    """
    backbone = build_backbone(settings.own.fine_tuned).eval()
    lights = examples.photos.lights
    rows = lights.photos_of(fold.train)
    with torch.inference_mode():
        parts = torch.from_numpy(rows).split(CHUNK)
        x = torch.cat([backbone(as_batch(photos[some.numpy()])) for some in parts]).numpy()
    labels = examples.photos.labels[lights.sample_of[rows]]
    groups = groups_of(examples.photos)[lights.sample_of[rows]]
    rng = generator(settings.seed, "transfer", "fine_tuned", fold.repeat, fold.fold)
    n_classes = int(examples.photos.labels.max()) + 1
    heads = []
    for slot in range(len(lights.names)):
        own = lights.slot_of[rows] == slot
        if (
            len(np.unique(labels[own])) < n_classes
        ):  # a class that training never sees in this light
            own = np.ones(len(rows), bool)
        weights = class_weights(labels[own], n_classes, settings.training)
        state = int(rng.integers(2**31))
        fitted = fit_logistic(x[own], labels[own], groups[own], STRENGTHS, state, weights=weights)
        heads.append(_layer(fitted))
    if lights.together:
        return Fused(backbone, heads)
    backbone.network = nn.Sequential(backbone.network, heads[0])
    return backbone


def _layer(fitted: Logistic) -> nn.Linear:
    """The same as a layer, with the standardisation in it."""
    n_classes, n_features = fitted.weight.shape
    last = nn.Linear(n_features, n_classes)
    weight = fitted.weight / fitted.std
    with torch.no_grad():
        last.weight.copy_(torch.from_numpy(weight))
        last.bias.copy_(torch.from_numpy(fitted.bias - weight @ fitted.mean))
    return last


def _stages(network: nn.Module) -> Sequence[nn.Module]:
    """The stages of the network, the deepest first, where timm or torchvision tells them."""
    body = network.get_submodule("network")
    if isinstance(body, nn.Sequential):  # with the last layer
        body = body.get_submodule("0")
    if hasattr(body, "layer4"):
        return [body.get_submodule(name) for name in ("layer4", "layer3", "layer2")]
    names = [str(info["module"]) for info in getattr(body, "feature_info", []) if info["module"]]
    return [body.get_submodule(name) for name in reversed(names) if _is_part(body, name)]


def _is_part(network: nn.Module, name: str) -> bool:
    return any(name == part for part, _ in network.named_modules())
