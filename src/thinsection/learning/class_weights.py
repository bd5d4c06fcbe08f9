"""How much the photos of each class count in training."""

import numpy as np

from thinsection.params import TrainingSettings


def class_weights(
    labels: np.ndarray, n_classes: int, settings: TrainingSettings
) -> np.ndarray | None:
    """
    The weight of a photo of each class, 1 on average; None where every photo counts alike.

    ``balanced``: n / (classes x n of the class), so that every class counts alike, however many
    photos it has (King and Zeng 2001, Political Analysis 9, 137-163).

    Parameters
    ----------
    labels : (n,) int, of what is learned from

    Returns
    -------
    (n_classes,) float32; 0 for a class that is not there
    """
    if settings.class_weight == "none":
        return None
    counts = np.bincount(labels, minlength=n_classes)
    alike = len(labels) / np.count_nonzero(counts)
    return np.where(counts, alike / np.maximum(counts, 1), 0).astype(np.float32)
