"""Would more photos help? The best classifiers, trained on a part of the training specimens."""

from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.base.places import LEARNING_CURVE_FOLDER, curve_file
from thinsection.base.seeds import generator
from thinsection.base.tables import PREDICTIONS, SHARES, write_table
from thinsection.dataset.folds import Fold
from thinsection.examples.examples import Examples
from thinsection.learning.crossval import FitFolds, cross_validate
from thinsection.params import Params

# Specimens of each class without which a classifier can't be trained: the SVM turns its margins
# into probabilities on three inner folds. Shares that leave fewer are skipped.
NEEDED_SPECIMENS = {"svm": 3}


def fold_on_share(fold: Fold, photos: pd.DataFrame, share: float, seed: int) -> Fold:
    """
    The same training with a share of its specimens, whole ones, the same share of each class.

    Smaller shares are parts of larger ones, so that a curve shows the number of specimens and
    not which they were. At least one specimen of a class stays.
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
    fit_folds: FitFolds,
    model: str,
    name: str,
    examples: Examples,
    folds: list[Fold],
    params: Params,
    folder: Path = LEARNING_CURVE_FOLDER,
) -> None:
    """
    Write the out-of-fold predictions of one model for every share below 1.

    A share that leaves too few specimens for the classifier (NEEDED_SPECIMENS) has no file.

    Parameters
    ----------
    fit_folds : the family of the model
    model : its id, e.g. ``fcnn-4``; its predictions go to ``folder``/model/025.csv and so on
    name : its name in the family, e.g. ``4``
    """
    for share in params.evidence.learning_curve_shares:
        parts = [fold_on_share(f, examples.photos.table, share, params.seed) for f in folds]
        if _fewest_specimens(parts, examples.photos.table) < NEEDED_SPECIMENS.get(name, 1):
            continue
        run = cross_validate(fit_folds, name, examples, parts, params)
        write_table(run.predictions, curve_file(folder, model, share), PREDICTIONS)


def _fewest_specimens(folds: list[Fold], photos: pd.DataFrame) -> int:
    """Training specimens of the class that has the fewest, in the fold where it has."""
    counts = [photos.iloc[fold.train].groupby("label")["group"].nunique().min() for fold in folds]
    return int(min(counts))


def write_shares(folds: list[Fold], photos: pd.DataFrame, params: Params, folder: Path) -> None:
    """shares.csv: training specimens at each share, mean over folds."""
    groups = photos["group"].to_numpy()
    rows = []
    for share in [*params.evidence.learning_curve_shares, 1.0]:
        parts = [fold_on_share(fold, photos, share, params.seed) for fold in folds]
        counts = [len(np.unique(groups[part.train])) for part in parts]
        rows.append({"share": share, "n_specimens": np.mean(counts)})
    write_table(pd.DataFrame(rows), folder / "shares.csv", SHARES)
