"""Weights of the classes in training."""

import numpy as np

from thinsection.base.arrays import Floats, Ints
from thinsection.settings import TrainingSettings


def class_weights(labels: Ints, n_classes: int, settings: TrainingSettings) -> Floats | None:
    """
    The weight of a photo of each class, 1 on average; None if all photos have the same weight.

    ``balanced``: n / (classes x n of the class), so that every class counts alike, whatever its
    number of photos (King and Zeng 2001, Political Analysis 9, 137-163).

    Parameters
    ----------
    labels : (n,) int, of the training photos

    Returns
    -------
    (n_classes,) float32; 0 for a class without photos
    """
    if settings.class_weight == "none":
        return None
    from sklearn.utils.class_weight import compute_class_weight  # takes a second to import

    present = np.unique(labels)
    weights = np.zeros(n_classes, np.float32)
    weights[present] = compute_class_weight("balanced", classes=present, y=labels)
    return weights
