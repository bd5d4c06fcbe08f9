"""The effect of a random split: one classifier, with specimens split and kept whole."""

from pathlib import Path

import pandas as pd

from thinsection.base.files import write_json
from thinsection.base.places import LEAKAGE_FOLDER, SPLITS, TESTED
from thinsection.base.tables import PREDICTIONS, write_table
from thinsection.dataset.folds import Fold, as_folds, assign_folds
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.learning.contract import FitSettings
from thinsection.learning.crossval import cross_validate
from thinsection.learning.examples.examples import Examples


def split_folds(
    photos: pd.DataFrame, split: str, n_folds: int, repeats: int, seed: int
) -> list[Fold]:
    """
    The folds of a split.

    Parameters
    ----------
    photos : photos.csv
    split : ``random``, treating every photo as independent, or ``grouped``, keeping specimens whole
    """
    scheme = "grouped" if split == "grouped" else "stratified"
    # Each photo is its own group: a random split, which leaks.
    alone = photos if split == "grouped" else photos.assign(group=photos["sample"])
    return as_folds(assign_folds(alone, scheme, n_folds, repeats, seed), photos)


def predict_both_ways(
    run: Run,
    examples: Examples,
    settings: FitSettings,
    n_folds: int,
    repeats: int,
    folder: Path = LEAKAGE_FOLDER,
) -> None:
    """Write random.csv and grouped.csv, out-of-fold predictions of a classifier, and which one it is."""
    fit_folds = FAMILIES[run.family].fit_folds()
    write_json({"model": run.model}, folder / TESTED)
    for split in SPLITS:
        folds = split_folds(examples.photos.table, split, n_folds, repeats, settings.seed)
        found = cross_validate(fit_folds, run.name, examples, folds, settings)
        write_table(found.predictions, folder / f"{split}.csv", PREDICTIONS)
