"""Learning curve: the best classifiers, trained on a part of the training specimens."""

from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.base.places import LEARNING_CURVE_FOLDER, curve_file
from thinsection.base.seeds import generator
from thinsection.base.tables import PREDICTIONS, SHARES, write_table
from thinsection.dataset.folds import Fold
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.learning.contract import FitSettings
from thinsection.learning.crossval import cross_validate
from thinsection.learning.examples.examples import Examples

# Least number of specimens in each class for training: the SVM calibrates its margins on three
# inner folds. Shares that leave fewer are skipped.
NEEDED_SPECIMENS = {"svm": 3}


def fold_on_share(fold: Fold, photos: pd.DataFrame, share: float, seed: int) -> Fold:
    """
    The same fold with a share of its training specimens: whole ones, the same share of each class.

    Smaller shares are subsets of larger ones, so that a curve shows the effect of the number of
    specimens, not of their choice. At least one specimen of each class stays.
    """
    train = photos.iloc[fold.train]
    label_of = train.groupby("group", sort=False)["label"].agg(lambda labels: labels.mode()[0])
    kept: list[str] = []
    for label in sorted(label_of.unique()):
        groups = label_of.index[label_of == label].to_numpy()
        rng = generator(seed, "learning curve", fold.repeat, fold.fold, label)
        n_kept = max(1, round(share * len(groups)))
        kept += list(rng.permutation(groups)[:n_kept])
    return Fold(fold.repeat, fold.fold, fold.train[train["group"].isin(kept)], fold.held_out)


def predict_on_shares(
    run: Run,
    examples: Examples,
    folds: list[Fold],
    shares: list[float],
    settings: FitSettings,
    folder: Path = LEARNING_CURVE_FOLDER,
) -> None:
    """
    Write the out-of-fold predictions of one run for every share of the training specimens.

    Those of ``fcnn-4`` go to ``folder``/fcnn-4/025.csv etc. A share that leaves too few
    specimens for the classifier (NEEDED_SPECIMENS) has no file.

    Parameters
    ----------
    shares : below 1
    """
    fit_folds = FAMILIES[run.family].fit_folds()
    photos = examples.photos.table
    for share in shares:
        parts = [fold_on_share(fold, photos, share, settings.seed) for fold in folds]
        if _fewest_specimens(parts, photos) < NEEDED_SPECIMENS.get(run.name, 1):
            continue
        found = cross_validate(fit_folds, run.name, examples, parts, settings)
        write_table(found.predictions, curve_file(folder, run.model, share), PREDICTIONS)


def _fewest_specimens(folds: list[Fold], photos: pd.DataFrame) -> int:
    """The smallest number of training specimens of any class in any fold."""
    counts = [photos.iloc[fold.train].groupby("label")["group"].nunique().min() for fold in folds]
    return int(min(counts))


def write_shares(
    folds: list[Fold], photos: pd.DataFrame, shares: list[float], seed: int, folder: Path
) -> None:
    """Write shares.csv: training specimens at each share and at 1, mean over folds."""
    groups = photos["group"].to_numpy()
    rows = []
    for share in [*shares, 1.0]:
        parts = [fold_on_share(fold, photos, share, seed) for fold in folds]
        counts = [len(np.unique(groups[part.train])) for part in parts]
        rows.append({"share": share, "n_specimens": np.mean(counts)})
    write_table(pd.DataFrame(rows), folder / "shares.csv", SHARES)
