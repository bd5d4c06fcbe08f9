"""
Facts that let a model recognise the classes without looking at the mineral.

A class photographed with another microscope, saved by another program or cropped to another size
can be recognised by that alone, and every model of the comparison will learn it first. A small
decision tree on five facts unrelated to the mineral detects this before training.
"""

from dataclasses import dataclass
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from thinsection.base.arrays import Ints, Texts

if TYPE_CHECKING:
    import pandas as pd

FACTS = {  # fact -> its columns in the table
    "image size": ("width", "height", "area", "aspect"),
    "file format": ("format_code",),
    "JPEG quality": ("jpeg_quality",),
    "mean brightness": ("brightness",),
    "scale bar or border": ("scale_bar", "border"),
}
ALL = "all five together"
MARGIN = 0.15  # accuracy above the share of the largest class that gives a warning
CHANCE = 0.01  # a warning needs a probability below this of doing as well by chance
FOLDS = 5
TREE_DEPTH = 3
MIN_LEAF = 3
MANY_GROUPS = 500  # above this, balancing folds by photos takes too long, 1 ms per group


@dataclass(frozen=True)
class Cheat:
    """
    How well one fact predicts the classes, out-of-fold.

    Attributes
    ----------
    fact : a key of ``FACTS``, or ``ALL``
    accuracy : share of photos whose class the tree predicts correctly
    majority : share of the largest class, the accuracy of guessing
    easiest : the class recognised best, by recall minus false-positive rate
    beyond_chance : whether so many correct answers are unlikely by chance
    """

    fact: str
    accuracy: float
    majority: float
    easiest: str
    beyond_chance: bool

    @property
    def warns(self) -> bool:
        """Whether this fact would spoil a comparison on these photos."""
        return self.accuracy - self.majority >= MARGIN and self.beyond_chance


def import_meanwhile() -> None:
    """Start the imports of ``find_cheats``, which take most of its time, while processes work."""
    Thread(target=import_module, args=("sklearn.model_selection",)).start()


def find_cheats(facts: "pd.DataFrame", labels: Texts, groups: Texts) -> list[Cheat]:
    """
    Every fact alone and all together, cross-validated.

    Groups are kept whole if every class has at least two; otherwise single photos are assigned
    to folds, because a class with one specimen could never be both trained on and held out.

    Parameters
    ----------
    facts : one row per photo, with the columns in ``FACTS``, all numbers
    labels, groups : (n_photos,) str

    Returns
    -------
    One entry per fact, then one for all; empty if a class has fewer than two photos.
    """
    folds = _folds(labels, groups)
    if folds is None:
        return []
    columns = {**FACTS, ALL: tuple(name for names in FACTS.values() for name in names)}
    return [
        _cheat(fact, facts[list(names)].to_numpy(float), labels, folds)
        for fact, names in columns.items()
    ]


def _folds(labels: Texts, groups: Texts) -> list[tuple[Ints, Ints]] | None:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    blank = np.zeros(len(labels))
    n_groups = min(len(set(groups[labels == label])) for label in set(labels))
    if n_groups >= 2 and len(set(groups)) > MANY_GROUPS:
        return _folds_of_groups(labels, groups, min(FOLDS, n_groups))
    if n_groups >= 2:
        grouped = StratifiedGroupKFold(min(FOLDS, n_groups))
        return list(grouped.split(blank, labels, groups))
    n_photos = min(int((labels == label).sum()) for label in set(labels))
    if n_photos < 2:
        return None
    return list(StratifiedKFold(min(FOLDS, n_photos)).split(blank, labels))


def _folds_of_groups(labels: Texts, groups: Texts, n_folds: int) -> list[tuple[Ints, Ints]]:
    """Folds of whole groups, stratified by the label of each group's first photo."""
    from sklearn.model_selection import StratifiedKFold

    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    dealt = StratifiedKFold(n_folds).split(first, labels[first])
    held_out = [np.isin(member, groups_out) for _, groups_out in dealt]
    return [(np.flatnonzero(~out), np.flatnonzero(out)) for out in held_out]


def _cheat(
    fact: str,
    values: np.ndarray,
    labels: Texts,
    folds: list[tuple[Ints, Ints]],
) -> Cheat:
    from scipy.stats import binom
    from sklearn.tree import DecisionTreeClassifier

    told = np.empty(len(labels), labels.dtype)
    for train, held_out in folds:
        # random_state breaks ties between equally good splits
        tree = DecisionTreeClassifier(
            max_depth=TREE_DEPTH, min_samples_leaf=MIN_LEAF, random_state=0
        )
        told[held_out] = tree.fit(values[train], labels[train]).predict(values[held_out])
    classes = sorted(set(labels))
    majority = max(float(np.mean(labels == label)) for label in classes)
    right = int((told == labels).sum())
    informed = [
        np.mean(told[labels == label] == label) - np.mean(told[labels != label] == label)
        for label in classes
    ]
    return Cheat(
        fact,
        accuracy=right / len(labels),
        majority=majority,
        easiest=classes[int(np.argmax(informed))],
        beyond_chance=bool(binom.sf(right - 1, len(labels), majority) < CHANCE),
    )
