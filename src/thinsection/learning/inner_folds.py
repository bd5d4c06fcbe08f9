"""Folds inside a training part, by which a setting is chosen or margins are calibrated."""

import numpy as np

from thinsection.base.arrays import Ints

N_FOLDS = 3
SHUFFLES = 20  # tried before so many folds are given up


def inner_folds(
    labels: Ints, groups: Ints, photos: Ints, random_state: int
) -> list[tuple[Ints, Ints]]:
    """
    Inner folds of a training part, each with every class to learn from.

    They keep groups whole, for a variant or a specimen on both sides would make every answer look
    certain: three folds, or two where a class has only two groups. A class of one group can't be
    learned from and left out too; then photos are kept whole, each with its variants, and where a
    class has a single photo, the rows to judge by are the very rows that are learned from.

    Parameters
    ----------
    labels, groups, photos : (n_train,)

    Returns
    -------
    splits : rows to learn from and rows to judge by, of each inner fold
    """
    from sklearn.model_selection import StratifiedGroupKFold

    classes = np.unique(labels)
    for tied in (groups, photos):
        fewest = min(len(np.unique(tied[labels == label])) for label in classes)
        for n_folds in range(min(fewest, N_FOLDS), 1, -1):
            for state in range(random_state, random_state + SHUFFLES):
                inner = StratifiedGroupKFold(n_folds, shuffle=True, random_state=state)
                splits = list(inner.split(labels, labels, tied))
                learned = [len(np.unique(labels[train])) for train, _ in splits]
                if min(learned) == len(classes) and all(len(rows) for _, rows in splits):
                    return splits
    every = np.arange(len(labels))
    return [(every, every)]
