"""
What a card's promises are worth that few specimens made: temperature and prediction sets.

    python benchmarks/few_specimens.py [photos] [specimens of each class] [draws]

PHOTOS is a set of the study (`dvc repro study/dvc.yaml:photos@many`), study/data/photos/many by default. Each
draw takes some of its specimens as a data set of its own: classifiers are cross-validated there, which gives
temperature and sets as the final model has them, then fitted to all of these and judged by the other
specimens, which are many. So it shows whether out-of-fold predictions fit the model fitted to all, and
how much luck there is in them.
"""

import sys
from pathlib import Path

import numpy as np

from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset, read_dataset
from thinsection.evidence.calibration import at_temperature, fit_temperature
from thinsection.evidence.metrics import Outcomes
from thinsection.families import FAMILIES
from thinsection.final.doubt import fit_sets, sets_of
from thinsection.learning.examples.examples import groups_of, read_examples
from thinsection.params import load_params

RUNS = [("petrographic", "svm"), ("petrographic", "random_forest"), ("transfer", "linear")]
FOLDS, COVERAGE, BAND = 3, 0.9, (0.6, 0.9)


def trainings(photos: Dataset, n_specimens: int, draw: int) -> list[Fold]:
    """The folds of a draw of specimens, and last all of them against all others."""
    groups, rng = groups_of(photos), np.random.default_rng([7, draw])
    drawn = {}
    for k in range(len(photos.classes)):
        order = rng.permutation(np.unique(groups[photos.labels == k]))[:n_specimens]
        drawn |= {int(group): place % FOLDS for place, group in enumerate(order)}
    fold_of = np.array([drawn.get(int(group), -1) for group in groups])
    used = np.flatnonzero(fold_of >= 0)
    folds = [
        Fold(draw, k, used[fold_of[used] != k], used[fold_of[used] == k]) for k in range(FOLDS)
    ]
    return [*folds, Fold(draw, FOLDS, used, np.flatnonzero(fold_of < 0))]


def judged(family: str, name: str, photos: Dataset, folds: list[Fold], folder: Path) -> list[float]:
    """Ratio of temperatures, right less said within the band, size of sets, coverage of each class."""
    settings = load_params().fit_settings(family)
    examples = read_examples(photos, settings.own, folder=folder / "features")
    *parts, whole = FAMILIES[family].fit_folds()(name, examples, folds, settings)
    rows = np.concatenate([part.fold.held_out for part in parts])
    chances = np.concatenate([part.probabilities for part in parts])
    seen = Outcomes(photos.labels[rows], chances.argmax(axis=1), chances)
    sets = fit_sets([seen], groups_of(photos)[rows], COVERAGE)
    labels = photos.labels[whole.fold.held_out]
    wanted = fit_temperature(whole.probabilities, labels)
    calibrated = at_temperature(whole.probabilities, sets.temperature)
    surest = calibrated.max(axis=1)
    within = (surest >= BAND[0]) & (surest < BAND[1])
    right = calibrated.argmax(axis=1) == labels
    inside = sets_of(calibrated, sets.thresholds)
    held = inside[np.arange(len(labels)), labels]
    return [
        np.log(wanted / sets.temperature),
        right[within].mean() - surest[within].mean(),
        inside.sum(axis=1).mean(),
        *(held[labels == k].mean() for k in range(len(photos.classes))),
    ]


def main(folder: Path, n_specimens: int = 10, n_draws: int = 20) -> None:
    photos = read_dataset(folder)
    print(f"{n_draws} draws of {n_specimens} specimens of each of {', '.join(photos.classes)}")
    for family, name in RUNS:
        draws = [trainings(photos, n_specimens, draw) for draw in range(n_draws)]
        found = np.array([judged(family, name, photos, folds, folder) for folds in draws])
        ratio, gap, size, *covered = np.nanmean(found, axis=0)
        print(f"{family}-{name}: new specimens want {np.exp(ratio):.2f} times the temperature, from draw to draw "
              f"by a factor of {np.exp(found[:, 0].std()):.2f}; named with {BAND[0]} to {BAND[1]}, right by "
              f"{gap:+.3f}, in a draw by {np.nanmean(np.abs(found[:, 1])):.3f}; sets of {size:.2f} classes hold "
              + ", ".join(f"{c} {share:.0%}" for c, share in zip(photos.classes, covered, strict=True)))  # fmt: skip


if __name__ == "__main__":
    path, *numbers = sys.argv[1:] or ["study/data/photos/many"]
    main(Path(path), *map(int, numbers))
