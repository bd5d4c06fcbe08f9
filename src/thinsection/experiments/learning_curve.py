"""Learning curve: the best classifiers, trained on a part of the training specimens."""

from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.base.places import LEARNING_CURVE_FOLDER, curve_file
from thinsection.base.tables import PREDICTIONS, SHARES, write_table
from thinsection.dataset.folds import Fold
from thinsection.dataset.parts import fold_on_share, folds_on_shares
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.learning.contract import FitSettings
from thinsection.learning.crossval import cross_validate
from thinsection.learning.examples.examples import Examples


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

    Those of ``fcnn-4`` go to ``folder``/fcnn-4/025.csv and so on. A share that leaves the same
    specimens as a larger one (``folds_on_shares``) has no file.

    Parameters
    ----------
    shares : below 1
    """
    fit_folds = FAMILIES[run.family].fit_folds()
    photos = examples.photos.table
    dealt, _ = folds_on_shares(folds, photos, shares, settings.seed)
    for share, parts in dealt.items():
        found = cross_validate(fit_folds, run.name, examples, parts, settings)
        write_table(found.predictions, curve_file(folder, run.model, share), PREDICTIONS)


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
