"""The indexes: the paper's five, and balanced accuracy."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class Outcomes:
    """
    A classifier's predictions for photos that it had not seen.

    Attributes
    ----------
    labels : (n_photos,) int, the true class
    predicted : (n_photos,) int, the predicted class
    probabilities : (n_photos, n_classes) float, each row sums to 1

    Examples
    --------
    Three photos, of which the second is named wrongly:

    >>> chances = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> outcomes = Outcomes(np.array([0, 0, 1]), chances.argmax(axis=1), chances)
    >>> outcomes.right.tolist()
    [True, False, True]
    >>> once = np.ones((1, 3))  # one weighting, in which every photo counts once
    >>> confusion(outcomes, once)[0].tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """

    labels: Ints
    predicted: Ints
    probabilities: Floats

    @property
    def n_classes(self) -> int:
        """The number of classes."""
        n_classes: int = self.probabilities.shape[1]
        return n_classes

    @property
    def right(self) -> Bools:
        """(n_photos,) bool: whether the photo was classified correctly."""
        right: Bools = self.labels == self.predicted
        return right


# How often each photo counts, (n_weightings, n_photos): a row of ones gives the plain index, a row
# of zeros and ones the index of a fold, and resampled counts a bootstrap draw.
Weights = np.ndarray


def confusion(outcomes: Outcomes, weights: Weights) -> Floats:
    """(n_weightings, n_classes true, n_classes predicted): number of photos."""
    n_classes = outcomes.n_classes
    cell = outcomes.labels * n_classes + outcomes.predicted
    # Sums, not a matrix product: on a busy machine BLAS's waiting threads make it 50 times slower.
    counts = [weights[:, cell == each].sum(axis=1) for each in range(n_classes**2)]
    return np.stack(counts, axis=1).reshape(-1, n_classes, n_classes)


def auc_per_class(outcomes: Outcomes, weights: Weights) -> Floats:
    """(n_weightings, n_classes): area under each class's one-versus-rest ROC curve, or NaN."""
    columns = [
        _weighted_auc(outcomes.probabilities[:, c], outcomes.labels == c, weights)
        for c in range(outcomes.n_classes)
    ]
    return np.stack(columns, axis=1)


def auc(outcomes: Outcomes, weights: Weights) -> Floats:
    """
    (n_weightings,): area under the ROC curve, one class versus the rest, weighted by class size.

    A class without photos has no curve and no weight; with only one class the result is NaN.
    """
    areas = auc_per_class(outcomes, weights)
    sizes = confusion(outcomes, weights).sum(axis=2)
    sizes = np.where(np.isnan(areas), 0, sizes)
    return _ratio((np.nan_to_num(areas) * sizes).sum(axis=1), sizes.sum(axis=1))


def ca(outcomes: Outcomes, weights: Weights) -> Floats:
    """
    (n_weightings,): classification accuracy, the share of photos classified correctly.

    Examples
    --------
    Two of three photos; three of four where the last counts twice.

    >>> chances = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> outcomes = Outcomes(np.array([0, 0, 1]), chances.argmax(axis=1), chances)
    >>> ca(outcomes, np.array([[1, 1, 1], [1, 1, 2]])).round(3).tolist()
    [0.667, 0.75]
    """
    return _ratio(weights[:, outcomes.right].sum(axis=1), weights.sum(axis=1))


def balanced(outcomes: Outcomes, weights: Weights) -> Floats:
    """
    (n_weightings,): mean recall of the classes, whatever their size (balanced accuracy).

    Examples
    --------
    Of the first class one of two photos is named rightly, of the second its only one.

    >>> chances = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> outcomes = Outcomes(np.array([0, 0, 1]), chances.argmax(axis=1), chances)
    >>> balanced(outcomes, np.ones((1, 3))).tolist()
    [0.75]
    """
    table = confusion(outcomes, weights)
    there = table.sum(axis=-1) > 0
    return _ratio((recall_per_class(table) * there).sum(axis=-1), there.sum(axis=-1))


def precision(outcomes: Outcomes, weights: Weights) -> Floats:
    """(n_weightings,): precision of each class, weighted by class size; 0 if never predicted."""
    table = confusion(outcomes, weights)
    return _by_class_size(precision_per_class(table), table)


def recall(outcomes: Outcomes, weights: Weights) -> Floats:
    """(n_weightings,): recall of each class, weighted by class size, which always equals CA."""
    table = confusion(outcomes, weights)
    return _by_class_size(recall_per_class(table), table)


def f1(outcomes: Outcomes, weights: Weights) -> Floats:
    """(n_weightings,): harmonic mean of precision and recall per class, weighted by class size."""
    table = confusion(outcomes, weights)
    return _by_class_size(f1_per_class(table), table)


def precision_per_class(table: Floats) -> Floats:
    """(..., n_classes) from confusion counts (..., true, predicted); 0 if never predicted."""
    return np.nan_to_num(_ratio(_hits(table), table.sum(axis=-2)))


def recall_per_class(table: Floats) -> Floats:
    """(..., n_classes) from confusion counts (..., true, predicted); 0 for a class with no photo."""
    return np.nan_to_num(_ratio(_hits(table), table.sum(axis=-1)))


def f1_per_class(table: Floats) -> Floats:
    """(..., n_classes) from confusion counts (..., true, predicted); 0 if empty."""
    return np.nan_to_num(_ratio(2 * _hits(table), table.sum(axis=-1) + table.sum(axis=-2)))


Metric = Callable[[Outcomes, Weights], np.ndarray]

METRICS: dict[str, Metric] = {
    "auc": auc,
    "ca": ca,
    "f1": f1,
    "precision": precision,
    "recall": recall,
    "balanced": balanced,
}

METRIC_TITLES = {
    "auc": "AUC",
    "ca": "CA",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "balanced": "Balanced",
}


def mean_over_repeats(metric: Metric, repeats: list[Outcomes], weights: Weights) -> Floats:
    """(n_weightings,): the index of each repeat's pooled predictions, averaged over repeats."""
    mean: Floats = np.mean([metric(outcomes, weights) for outcomes in repeats], axis=0)
    return mean


def _weighted_auc(scores: Floats, positive: Bools, weights: Weights) -> Floats:
    """
    Probability that a positive photo scores above a negative one; ties count half.

    By rank sums (Mann and Whitney 1947, Ann. Math. Statist. 18, 50-60): the wins of positive photos
    against all, minus their wins against each other, which are half of their pairs.
    """
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    below = np.zeros((len(weights), len(scores) + 1))  # weight of the photos before each rank
    np.cumsum(weights[:, order], axis=1, out=below[:, 1:])
    first = np.searchsorted(ranked, scores[positive], side="left")
    past = np.searchsorted(ranked, scores[positive], side="right")
    positives = weights[:, positive]
    n_positive = positives.sum(axis=1)
    won = (positives * (below[:, first] + below[:, past]) / 2).sum(axis=1) - n_positive**2 / 2
    return _ratio(won, n_positive * (weights.sum(axis=1) - n_positive))


def _hits(table: Floats) -> Floats:
    return np.diagonal(table, axis1=-2, axis2=-1)


def _by_class_size(values: Floats, table: Floats) -> Floats:
    sizes = table.sum(axis=-1)
    return _ratio((values * sizes).sum(axis=-1), sizes.sum(axis=-1))


def _ratio(above: Floats, below: Floats) -> Floats:
    """Above / below; NaN if below is 0."""
    ratio = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio
