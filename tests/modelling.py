"""Small model folders, made in this process from photos that are easy to tell apart."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from conftest import photo_table
from thinsection.base.seeds import generator
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset, Variants
from thinsection.evidence.choice import Expected
from thinsection.evidence.metrics import Outcomes
from thinsection.evidence.runs import OutOfFold
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.final.fitting import whole
from thinsection.final.write import Chosen, write_final
from thinsection.learning.crossval import CrossValidation, cross_validate
from thinsection.learning.examples.examples import Examples
from thinsection.learning.examples.features import Features, as_features, extract
from thinsection.params import Params, params_of
from tiny import tiny_params

HEIGHT, WIDTH = 32, 48
GROUPS = 12


def small_params(**sections: dict[str, Any]) -> Params:
    """The settings of the tiny run with fewer trees and views, and what a test changes."""
    raw = tiny_params()
    raw["resnet"] |= {"height": 16, "width": 24, "epochs": 1, "batch_size": 8}
    raw["baselines"]["random_forest"] = {"trees": 5}
    raw["petrographic"]["random_forest"] |= {"trees": 5}
    raw["baselines"]["adaptive_boosting"]["rounds"] = 5
    raw["embedding"]["views"] = raw["transfer"]["fine_tuned"]["views"] = 1
    for section, entries in sections.items():
        raw[section] |= entries
    return params_of(raw)


def eight_views() -> dict[str, Any]:
    """Sections for ``small_params``: pretrained networks look at eight views, as by default."""
    tuned = tiny_params()["transfer"]["fine_tuned"]
    return {"embedding": {"views": 8}, "transfer": {"fine_tuned": tuned | {"views": 8}}}


def cross_validated(
    family: str, name: str, examples: Examples, folds: list[Fold], params: Params
) -> CrossValidation:
    """A run of a family on some folds."""
    settings = params.fit_settings(family)
    return cross_validate(FAMILIES[family].fit_folds(), name, examples, folds, settings)


def dark_and_bright(n: int = 48, classes: Sequence[str] = ("basalt", "chalk")) -> Dataset:
    """Photos of 12 specimens with cells of their own, each class brighter than the one before."""
    rng = generator(5, "dark and bright")
    place = np.arange(n) % len(classes)
    labels = [classes[i % len(classes)] for i in range(n)]
    level = 70 + 110 * place // (len(classes) - 1)
    cells = rng.integers(-60, 60, (n, HEIGHT // 4, WIDTH // 4, 3)).repeat(4, 1).repeat(4, 2)
    noise = rng.integers(-8, 9, (n, HEIGHT, WIDTH, 3))
    pixels = np.clip(level[:, None, None, None] + cells + noise, 0, 255).astype(np.uint8)
    return Dataset(pixels, photo_table(labels, [f"g{i % GROUPS:02}" for i in range(n)]))


def folds_of(photos: Dataset) -> tuple[np.ndarray, list[Fold]]:
    """Three folds that keep every specimen whole."""
    number = np.array([int(group[1:]) // 2 % 3 for group in photos.table["group"]])
    parts = [Fold(0, k, np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in range(3)]
    return number[None], parts


def out_of_fold(photos: Dataset, run: Run, seed: int = 0) -> OutOfFold:
    """Predictions that are right more often than not."""
    rng = generator(seed, "out of fold")
    n_classes = len(photos.classes)
    scores = (
        rng.normal(0, 1, (len(photos.labels), n_classes)) + 2 * np.eye(n_classes)[photos.labels]
    )
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    outcomes = Outcomes(photos.labels, chances.argmax(axis=1), chances)
    return OutOfFold(run, [outcomes], np.zeros((1, len(chances))), {}, None, None)


def row_of(run: Run) -> pd.Series:
    figures = {"ca": 0.8, "ca_low": 0.7, "ca_high": 0.9, "n_parameters": 10}
    return pd.Series({"model": run.model, "family": run.family, "name": run.name} | figures)


def examples_of(photos: Dataset, run: Run, params: Params) -> Examples:
    """The photos without variants, and the features that the family of a run learns from."""
    settings = params.family_settings(params.members(run)[0].family)
    if not settings.kinds:
        return Examples(photos)
    each = [with_features(photos, None, kind, params).features for kind in settings.kinds]
    x = [features.x for features in each if features]
    sizes = tuple(part.shape[1] for part in x)
    together = Features(np.concatenate(x, axis=1), np.arange(len(photos.photos)), sizes=sizes)
    return Examples(photos, together)


def with_features(
    photos: Dataset, variants: Variants | None, kind: str, params: Params
) -> Examples:
    """Photos and variants as vectors, as stage features makes them."""
    variants = variants or Variants(photos.pixels[:0], np.empty(0, np.int64))
    settings = params.pixels, params.embedding
    of_photos = extract(kind, photos.pixels, *settings)
    of_variants = extract(kind, variants.pixels, *settings)
    return Examples(photos, as_features(of_photos, of_variants, variants.parents))


def make_model(
    folder: Path,
    run: Run,
    photos: Dataset | None = None,
    fold: Fold | None = None,
    deep_ranges: dict[str, tuple[float, float]] | None = None,
    others: np.ndarray | None = None,
    **sections: dict[str, Any],
) -> Path:
    """A model folder, as the stage writes it."""
    photos = photos or dark_and_bright()
    folder.mkdir(parents=True)
    result = out_of_fold(photos, run)
    number, _ = folds_of(photos)
    if run.family not in ("transfer", "average"):  # its graph then needs no embedding
        none: dict[str, Any] = {
            "transfer": {"models": ["fine_tuned"]},
            "average": {"of": []},
        }
        sections = none | sections
    params = small_params(**sections)
    examples, fold = examples_of(photos, run, params), fold or whole(len(photos.table), 3)
    chosen = Chosen(row_of(run), Expected(0.7, 0.6, 0.8), result)
    write_final(
        folder, chosen, examples, fold, number,
        data={}, params=params, deep_ranges=deep_ranges, others=others,
    )  # fmt: skip
    return folder
