"""Parts of a training: a share of its specimens, and what it sets aside. Specimens stay whole."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from thinsection.base.arrays import Bools, Ints
from thinsection.base.seeds import generator
from thinsection.dataset.folds import Fold


def fold_on_share(fold: Fold, photos: pd.DataFrame, share: float, seed: int) -> Fold:
    """
    The same training with a share of its specimens, whole ones, the same share of each class.

    A specimen counts for the class that most of its photos have. Smaller shares are parts of larger
    ones, so that a curve shows the number of specimens and not which they were. One specimen of
    each class always stays, also of a class that is the commonest in none.
    """
    train = photos.iloc[fold.train]
    counts = pd.crosstab(train["group"], train["label"])
    label_of = counts.idxmax(axis=1).loc[train["group"].unique()]
    kept: list[str] = []
    always: list[str] = []
    for label in sorted(label_of.unique()):
        groups = label_of.index[label_of == label].to_numpy()
        rng = generator(seed, "learning curve", fold.repeat, fold.fold, label)
        n_kept = max(1, round(share * len(groups)))
        kept += list(rng.permutation(groups)[:n_kept])
        always.append(kept[-n_kept])
    for label in sorted(train["label"].unique()):
        if label not in set(train["label"][train["group"].isin(always)]):
            # whatever the share, or a smaller one would be no part of a larger one
            groups = train["group"][train["label"] == label].unique()
            rng = generator(seed, "learning curve", fold.repeat, fold.fold, label)
            always.append(rng.permutation(groups)[0])
    stays = train["group"].isin({*kept, *always})
    return Fold(fold.repeat, fold.fold, fold.train[stays], fold.held_out)


def folds_on_shares(
    folds: list[Fold], photos: pd.DataFrame, shares: Iterable[float], seed: int
) -> tuple[dict[float, list[Fold]], dict[float, float]]:
    """
    The trainings of every share that leaves fewer specimens than any larger one.

    Of few specimens several shares leave the same, or all: to train on them again tells nothing.

    Parameters
    ----------
    shares : below 1

    Returns
    -------
    parts : share -> trainings, in the order of ``shares``
    skipped : share -> the next larger one, or 1, which leaves the same specimens
    """
    dealt = {s: [fold_on_share(fold, photos, s, seed) for fold in folds] for s in shares}
    skipped, larger, of_larger = {}, 1.0, folds
    for share in sorted(dealt, reverse=True):
        pairs = zip(dealt[share], of_larger, strict=True)
        if all(np.array_equal(part.train, other.train) for part, other in pairs):
            skipped[share] = larger
        larger, of_larger = share, dealt[share]
    return {s: parts for s, parts in dealt.items() if s not in skipped}, skipped


def set_aside(labels: Ints, groups: Ints, share: float, rng: np.random.Generator) -> Bools:
    """
    Which training photos are set aside to end a training by: whole groups, a share of each class.

    A group counts for the class that most of its photos have. Each class keeps at least one such
    group to learn from; a class of one sets none aside, any other at least one. A group without
    which another class of its photos would be gone is not set aside either. Where no group can be
    spared, nothing is.

    Parameters
    ----------
    labels, groups : (n_photos,) int, of the training photos of one fold
    share : of the groups, 0..0.5

    Returns
    -------
    aside : (n_photos,) bool
    """
    numbers, group_of = np.unique(groups, return_inverse=True)
    # (n_groups, n_classes): which classes a group has photos of
    counts = np.array([np.bincount(labels[group_of == g], minlength=labels.max() + 1)
                       for g in range(len(numbers))])  # fmt: skip
    label_of, holds = counts.argmax(axis=1), counts > 0
    chosen = np.zeros(len(numbers), bool)
    for label in np.unique(label_of):
        own = rng.permutation(np.flatnonzero(label_of == label))
        wanted = min(max(1, round(share * len(own))), len(own) - 1)
        for group in own:
            left = ~chosen
            left[group] = False
            if wanted and not (holds[group] & ~holds[left].any(axis=0)).any():
                chosen[group] = True
                wanted -= 1
    return chosen[group_of]
