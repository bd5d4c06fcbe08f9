"""A pretrained network, trained further: its last layer first, then all of it."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from functools import partial

import torch
from torch import nn

from thinsection.base.arrays import Bytes
from thinsection.base.seeds import generator
from thinsection.dataset.folds import Fold
from thinsection.dataset.samples import Lights
from thinsection.families.transfer import TITLES
from thinsection.families.transfer.logistic import fit_logistic
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.class_weights import class_weights
from thinsection.learning.contract import FitSettings, FoldResult
from thinsection.learning.examples.augment import as_batch
from thinsection.learning.examples.backbones import Standardised, build_backbone, name_and_licence
from thinsection.learning.examples.examples import Examples, groups_of
from thinsection.learning.fusion import Fused, LateFusion
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
    examples: Examples,
    settings: FitSettings,
    photos: Bytes,
    fold: Fold,
    lights: Lights | None = None,
) -> Standardised | Fused:
    """
    The pretrained network, with a last layer fitted on the training photos of a fold.

    On samples the last layers of all lights start as this one: a light that few samples have may
    lack a class, and no layer could be fitted on its photos alone.
    """
    backbone = build_backbone(settings.own.fine_tuned).eval()
    rows = fold.train if lights is None else lights.photos_of(fold.train)
    samples = rows if lights is None else lights.sample_of[rows]
    with torch.inference_mode():
        parts = torch.from_numpy(rows).split(CHUNK)
        x = torch.cat([backbone(as_batch(photos[some.numpy()])) for some in parts]).numpy()
    labels = examples.photos.labels
    rng = generator(settings.seed, "transfer", "fine_tuned", fold.repeat, fold.fold)
    fitted = fit_logistic(
        x,
        labels[samples],
        groups_of(examples.photos)[samples],
        STRENGTHS,
        int(rng.integers(2**31)),
        weights=class_weights(labels[samples], int(labels.max()) + 1, settings.training),
    )
    n_classes, n_features = fitted.weight.shape
    last = nn.Linear(n_features, n_classes)
    weight = fitted.weight / fitted.std  # the standardisation, in the layer itself
    with torch.no_grad():
        last.weight.copy_(torch.from_numpy(weight))
        last.bias.copy_(torch.from_numpy(fitted.bias - weight @ fitted.mean))
    if lights is None:
        backbone.network = nn.Sequential(backbone.network, last)
        return backbone
    backbone.network = nn.Sequential(backbone.network)  # in the same place, for its stages
    return Fused(backbone, LateFusion([deepcopy(last) for _ in lights.names]))


def _stages(network: nn.Module) -> Sequence[nn.Module]:
    """The stages of the network, the deepest first, where timm or torchvision tells them."""
    body = network.get_submodule("network.0")
    if hasattr(body, "layer4"):
        return [body.get_submodule(name) for name in ("layer4", "layer3", "layer2")]
    names = [str(info["module"]) for info in getattr(body, "feature_info", []) if info["module"]]
    return [body.get_submodule(name) for name in reversed(names) if _is_part(body, name)]


def _is_part(network: nn.Module, name: str) -> bool:
    return any(name == part for part, _ in network.named_modules())
