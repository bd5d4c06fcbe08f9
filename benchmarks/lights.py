"""
How a ResNet is best shown a sample in several lights: fused late, stacked, or each photo alone.

    python benchmarks/lights.py FOLDER [--depth 18] [--seeds 3]

FOLDER is a project whose stages up to `split` have run, with samples in several lights. Accuracy on
the held-out samples of its folds, with all lights and with each alone, as a mean over the seeds.

- late, mean: one network for all photos, a last layer for each light, the mean of their logits;
- late, sum: the same with the sum of the logits;
- stacked: the photos of all lights as the channels of one, a missing light 0 (the mean colour);
- apart: each photo is a sample; together means the mean of the probabilities of its photos.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from thinsection.base.arrays import Bytes
from thinsection.base.seeds import torch_seeded
from thinsection.dataset.folds import Fold, read_folds
from thinsection.dataset.packed import Dataset, read_dataset
from thinsection.dataset.samples import Lights
from thinsection.families.resnet.training import new_network, recipe_of
from thinsection.learning.contract import FitSettings
from thinsection.learning.examples.backbones import Standardised
from thinsection.learning.examples.examples import Examples
from thinsection.learning.examples.resnets import build_resnet
from thinsection.learning.fusion import Fused, LateFusion
from thinsection.learning.photo_training import Recipe, fit_networks
from thinsection.params import load_params


class SumFusion(LateFusion):
    """Logits of samples: the sum over their lights."""

    def forward(self, vectors: Tensor, weights: Tensor) -> Tensor:
        """As ``LateFusion``."""
        return super().forward(vectors, weights) * (weights.sum(-1) > 0).sum(-1, keepdim=True)


class Stacked(nn.Module):
    """A network on the photos of all lights as the channels of one; a missing light is 0."""

    def __init__(self, network: nn.Module, height: int, width: int) -> None:
        super().__init__()
        self.network, self.size = network, (height, width)

    def forward(self, photos: Tensor, weights: Tensor) -> Tensor:
        """(p, 3 * height * width) standardised and (n, n_slots, p) to (n, n_classes)."""
        stacked = (weights @ photos).reshape(len(weights), -1, *self.size)
        logits: Tensor = self.network(stacked.contiguous(memory_format=torch.channels_last))
        return logits


@dataclass(frozen=True)
class Ways:
    """The networks to compare, as ``Recipe.new_network``."""

    depth: int
    n_classes: int
    settings: FitSettings

    def summed(self, photos: Bytes, fold: Fold, lights: Lights | None) -> Fused:
        """One network for all photos, and the sum of the logits."""
        network = new_network(self.depth, self.n_classes, self.settings, photos, fold, lights)
        assert isinstance(network, Fused)
        return Fused(
            network.trunk, SumFusion(list(network.fusion.get_submodule("heads").children()))
        )

    def stacked(self, photos: Bytes, fold: Fold, lights: Lights | None) -> Fused:
        """The photos of all lights as the channels of one."""
        assert lights is not None
        own = self.settings.own
        with torch_seeded(self.settings.seed, "stacked", self.depth, fold.repeat, fold.fold):
            network = build_resnet(self.depth, "none", self.n_classes)
            channels = 3 * len(lights.names)
            network.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
        seen = photos[lights.photos_of(fold.train)] / np.float32(255)
        mean, std = (torch.tensor(f(seen, axis=(0, 1, 2))).float() for f in (np.mean, np.std))
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Fused(Standardised(nn.Flatten(), mean, std), Stacked(network, own.height, own.width))


def apart(photos: Dataset, folds: list[Fold]) -> tuple[Dataset, list[Fold]]:
    """Each photo a sample of its own, in the fold of its sample."""
    rows = photos.lights.photos_of
    alone = Dataset(photos.pixels, photos.photos.assign(sample=photos.photos["photo_id"]))
    return alone, [Fold(f.repeat, f.fold, rows(f.train), rows(f.held_out)) for f in folds]


def judged(
    photos: Dataset, folds: list[Fold], recipe: Recipe, settings: FitSettings, together: bool
) -> dict[str, float]:
    """Accuracy on the held-out samples, with all lights and with each alone."""
    data, parts = (photos, folds) if together else apart(photos, folds)
    said: dict[str, list[np.ndarray]] = {}
    lights = photos.lights
    results = fit_networks(recipe, Examples(data), parts, settings)
    for fold, result in zip(folds, results, strict=True):
        one_light = result.one_light
        chances = result.probabilities
        if not together:
            rows = result.fold.held_out
            one_light = {
                name: mean_of(chances, lights, fold, rows, lights.slot_of[rows] == slot)
                for slot, name in enumerate(lights.names)
            }
            chances = mean_of(chances, lights, fold, rows, np.isin(rows, rows))
        for name, found in {"together": chances, **one_light}.items():
            seen = np.isfinite(found).all(axis=1)
            right = found.argmax(axis=1) == photos.labels[fold.held_out]
            said.setdefault(name, []).append(right[seen])
    return {name: float(np.concatenate(right).mean()) for name, right in said.items()}


def mean_of(
    chances: np.ndarray, lights: Lights, fold: Fold, rows: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """(n_held_out, n_classes): the mean over the photos of each sample that count."""
    of = lights.sample_of[rows]
    picks = [(of == sample) & counts for sample in fold.held_out]
    return np.array([chances[p].mean(axis=0) if p.any() else chances[0] * np.nan for p in picks])


def main() -> None:
    """Print one line for each way to show the lights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--depth", default=18, type=int)
    parser.add_argument("--seeds", default=3, type=int)
    parser.add_argument("--size", default=64, type=int)
    parser.add_argument("--only", default="late mean,late sum,stacked,apart")
    given = parser.parse_args()
    photos = read_dataset(given.folder / "data/ingested")
    folds = read_folds(photos.table, given.folder / "data/folds.csv")
    folds = [fold for fold in folds if fold.repeat == 0]
    params = load_params()
    own = params.resnet.model_copy(update={"height": given.size, "width": given.size})
    for seed in range(given.seeds):
        for way in given.only.split(","):
            settings = replace(params.fit_settings("resnet"), seed=seed, own=own)
            n_classes = len(photos.classes)
            ways = Ways(given.depth, n_classes, settings)
            recipe = replace(recipe_of(given.depth, n_classes, settings), stages=lambda _: [])
            if way == "late sum":
                recipe = replace(recipe, new_network=ways.summed)
            elif way == "stacked":
                recipe = replace(recipe, new_network=ways.stacked, faster=lambda _n, _p: None)
            started = time.perf_counter()
            found = judged(photos, folds, recipe, settings, together=way != "apart")
            seconds = time.perf_counter() - started
            figures = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
            print(f"seed {seed}, {way}: {figures}; {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
