"""Training photos set aside for early stopping, so that no held-out photo is used for it."""

import numpy as np

from thinsection.base.arrays import Bools, Ints
from thinsection.base.errors import InputError


def set_aside(labels: Ints, groups: Ints, share: float, rng: np.random.Generator) -> Bools:
    """
    The training photos to set aside: whole groups, the same share of each class.

    A group belongs to the class of most of its photos. Each class keeps at least one
    group for learning; a class with one group sets none aside, any other at least one.

    Parameters
    ----------
    labels, groups : (n_photos,) int, of the training photos of one fold
    share : of the groups, 0..0.5

    Returns
    -------
    aside : (n_photos,) bool

    Raises
    ------
    InputError
        If no class has two groups.
    """
    numbers, group_of = np.unique(groups, return_inverse=True)
    label_of = np.array([np.bincount(labels[group_of == g]).argmax() for g in range(len(numbers))])
    chosen = np.zeros(len(numbers), bool)
    for label in np.unique(label_of):
        own = rng.permutation(np.flatnonzero(label_of == label))
        n = min(max(1, round(share * len(own))), len(own) - 1)
        chosen[own[:n]] = True
    if not chosen.any():
        raise InputError(
            f"params.yaml: fcnn.early_stopping_share is {share:g}, but no class has two specimens "
            "in the training part of a fold, and a specimen can't be split. Set it to 0, or add "
            "photos of more specimens."
        )
    return chosen[group_of]
