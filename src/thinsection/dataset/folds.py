"""Assignment of photos to folds. A group is never split."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.base.arrays import Ints, Texts
from thinsection.base.errors import InputError
from thinsection.base.places import FOLDS_FILE
from thinsection.base.seeds import generator
from thinsection.base.tables import FOLDS, read_table

SHUFFLES = 200  # tried before giving up on having every class in every fold


@dataclass(frozen=True)
class Fold:
    """
    The photos of one training: those to learn from, and those held out.

    Attributes
    ----------
    train, held_out : int64 arrays of rows of the data set, in ascending order
    """

    repeat: int
    fold: int
    train: Ints
    held_out: Ints

    @property
    def is_whole(self) -> bool:
        """Whether training and held-out photos are the same, as for the final model."""
        return np.array_equal(self.train, self.held_out)


def assign_folds(
    photos: pd.DataFrame, scheme: str, n_folds: int, repeats: int, seed: int
) -> pd.DataFrame:
    """
    The fold of every photo in every repeat: classes spread evenly, groups kept whole.

    Photos of one specimen share grains, stain and lamp, so splitting a specimen
    inflates every score (Roberts et al. 2017). With ``grouped`` each group is in one fold;
    ``stratified`` is for independent photos, and is refused if there are groups.

    Parameters
    ----------
    photos : photos.csv (tables.PHOTOS)
    scheme : grouped | stratified
    n_folds : 2..10
    repeats : number of independent assignments

    Returns
    -------
    folds : tables.FOLDS, one row per photo and repeat, fold in 0..n_folds-1

    Raises
    ------
    InputError
        If a class has fewer photos or groups than folds, or the scheme would split a group.

    Examples
    --------
    Two specimens of each mineral: one of each is held out in either fold, with all of its photos.

    >>> photos = pd.DataFrame(
    ...     {
    ...         "sample": ["a1", "a2", "b1", "c1", "d1", "d2"],
    ...         "label": ["augite"] * 3 + ["olivine"] * 3,
    ...         "group": ["A", "A", "B", "C", "D", "D"],
    ...     }
    ... )
    >>> folds = assign_folds(photos, "grouped", n_folds=2, repeats=1, seed=0)
    >>> folds["fold"].groupby(photos["group"]).nunique().tolist()
    [1, 1, 1, 1]
    >>> folds["fold"].groupby(photos["label"]).nunique().tolist()
    [2, 2]
    """
    labels = photos["label"].to_numpy(str)
    # numbered by first appearance, so that names of files and specimens have no effect
    groups = pd.factorize(photos["group"])[0]
    _check_enough(photos, n_folds)
    if scheme == "stratified" and len(np.unique(groups)) < len(photos):
        raise InputError(_would_part(photos))
    tables = []
    for repeat in range(repeats):
        rng = generator(seed, "split", repeat)
        fold = _spread(labels, groups, scheme, n_folds, rng)
        tables.append(pd.DataFrame({"sample": photos["sample"], "repeat": repeat, "fold": fold}))
    return pd.concat(tables, ignore_index=True)


def read_folds(photos: pd.DataFrame, path: Path = FOLDS_FILE) -> list[Fold]:
    """
    The folds in folds.csv, by repeat and fold, as rows of ``photos``.

    Raises
    ------
    InputError
        If a photo has no fold, or folds.csv lists an unknown photo.
    """
    table = read_table(path, FOLDS)
    if (
        set(table["sample"]) != set(photos["sample"])
        or table.groupby("repeat").size().nunique() > 1
    ):
        raise InputError(
            f"{path}: its photos are not those of photos.csv. Run `dvc repro split` to make it again."
        )
    return as_folds(table, photos)


def as_folds(table: pd.DataFrame, photos: pd.DataFrame) -> list[Fold]:
    """The trainings of a table of folds (tables.FOLDS), as rows of ``photos``."""
    trainings = []
    for repeat, rows in table.groupby("repeat"):
        folds = rows.set_index("sample")["fold"].loc[photos["sample"]].to_numpy()
        for fold in np.unique(folds):
            held_out = folds == fold
            train = np.flatnonzero(~held_out)
            trainings.append(Fold(int(str(repeat)), int(fold), train, np.flatnonzero(held_out)))
    return trainings


def as_numbered_by_first(folds: Ints) -> Ints:
    """
    The folds of each repeat, numbered in the order in which the samples first meet them.

    Two repeats are then equal exactly if they part the samples alike: with few specimens there are few
    ways to part them.

    Parameters
    ----------
    folds : (n_repeats, n_samples) int

    Examples
    --------
    Two and two specimens can be parted in two ways, the third repeat is the first one again.

    >>> as_numbered_by_first(np.array([[0, 1, 0, 1], [1, 0, 0, 1], [1, 0, 1, 0]])).tolist()
    [[0, 1, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]]
    """
    return np.array([pd.factorize(of_repeat)[0] for of_repeat in folds])


def _check_enough(photos: pd.DataFrame, n_folds: int) -> None:
    """Raise an InputError if a class can't have a photo in every fold."""
    counts = photos.groupby("label").agg(photos=("sample", "size"), groups=("group", "nunique"))
    problems = []
    for label, n_photos, n_groups in counts.itertuples():
        if n_groups < n_folds:
            least = max(int(n_groups), 2)
            what = (
                f"{n_photos} photo{'s' if n_photos > 1 else ''}"
                if n_photos == n_groups
                else f"{n_photos} photos of only {n_groups} specimen{'s' if n_groups > 1 else ''}"
            )
            problems.append(
                f"class {label} has {what}, fewer than split.folds = {n_folds}. "
                + (f"Set split.folds to {least}, or add" if n_groups >= 2 else "Add")
                + f" {'photos' if n_photos == n_groups else 'photos of more specimens'} of {label}."
            )
    if problems:
        raise InputError.of_all("photos.csv", problems)


def _would_part(photos: pd.DataFrame) -> str:
    sizes = photos["group"].value_counts()
    shared = sizes[sizes > 1]
    return (
        f"params.yaml: split.scheme is 'stratified', but {int(shared.sum())} photos share a "
        f"specimen or grain with another or are copies of one ({len(shared)} groups; the largest, "
        f"{shared.index[0]}, has {shared.iloc[0]} photos). Splitting them would inflate the "
        "accuracy of every model. Set split.scheme to grouped."
    )


def _spread(
    labels: Texts, groups: Ints, scheme: str, n_folds: int, rng: np.random.Generator
) -> Ints:
    """(n_photos,) int: the folds of the first shuffle that has every class in every fold."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    splitter, tied = (
        (StratifiedGroupKFold, groups) if scheme == "grouped" else (StratifiedKFold, None)
    )
    for _ in range(SHUFFLES):
        state = int(rng.integers(2**31))
        fold = np.empty(len(labels), int)
        split = splitter(n_folds, shuffle=True, random_state=state).split(labels, labels, tied)
        for number, (_, held_out) in enumerate(split):
            fold[held_out] = number
        present = pd.crosstab(labels, fold).gt(0)
        if present.all(axis=None):
            return fold
    lacking = present.index[~present.all(axis=1)].tolist()
    raise InputError(
        f"photos.csv: no split into {n_folds} folds was found in which every fold has photos of "
        f"{', '.join(lacking)} and every specimen stays whole. Lower split.folds, or add photos "
        "of more specimens."
    )
