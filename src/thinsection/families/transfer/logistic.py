"""Logistic regression whose strength of ridge is chosen by inner folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thinsection.base.arrays import Floats, Ints
from thinsection.learning.inner_folds import inner_folds

LEAST_SPREAD = 1e-6  # of a number that is standardised
STEPS = 2000  # of the solver, at most
LEAST_PROBABILITY = 1e-9


@dataclass(frozen=True)
class Logistic:
    """
    A fitted logistic regression: x (n, d) to softmax((x - mean) / std @ weight.T + bias).

    Attributes
    ----------
    mean, std : (d,) of the training rows; the spread divided by the weight of the feature's kind
    weight, bias : (n_classes, d), (n_classes,)
    c : inverse strength of ridge
    """

    mean: Floats
    std: Floats
    weight: Floats
    bias: Floats
    c: float


def fit_logistic(
    x: Floats,
    labels: Ints,
    groups: Ints,
    strengths: list[float],
    random_state: int,
    *,
    sizes: Sequence[int] = (),
    weights: Floats | None = None,
) -> Logistic:
    """
    Fit with the inverse strength that has the least log loss on inner folds, which keep groups whole.

    Of several kinds of features in a row, each counts as much as the others in total, however many
    there are: 1,280 numbers of an embedding would otherwise drown 126 of colour and texture.

    Parameters
    ----------
    x : (n, d) of the training photos
    labels, groups : (n,) their classes 0, 1, ..., each of which occurs, and their groups
    strengths : inverse strengths of ridge to choose from
    sizes : how many of the features are of each kind; empty: all are of one
    weights : (n_classes,) of the classes; None: all photos count alike
    """
    each = sizes or (x.shape[1],)
    counts_for = np.concatenate([np.full(size, np.sqrt(min(each) / size)) for size in each])
    c = strengths[0]
    if len(strengths) > 1:
        splits = inner_folds(labels, groups, np.arange(len(labels)), random_state)
        losses = [
            sum(_loss(x, labels, split, strength, counts_for, weights) for split in splits)
            for strength in strengths
        ]
        c = strengths[int(np.argmin(losses))]
    mean, std, model = _fitted(x, labels, c, counts_for, weights)
    weight, bias = model.coef_, model.intercept_
    if len(weight) == 1:  # two classes: scikit-learn fits the difference of their logits
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return Logistic(mean, std, weight, bias, c)


def _loss(
    x: Floats,
    labels: Ints,
    split: tuple[Ints, Ints],
    c: float,
    counts_for: Floats,
    weights: Floats | None,
) -> float:
    """The log loss on the held-out rows, summed."""
    train, held_out = split
    mean, std, model = _fitted(x[train], labels[train], c, counts_for, weights)
    chances = model.predict_proba((x[held_out] - mean) / std)
    of_true = chances[np.arange(len(held_out)), labels[held_out]]
    each = 1 if weights is None else weights[labels[held_out]]
    return float((-np.log(np.maximum(of_true, LEAST_PROBABILITY)) * each).sum())


def _fitted(
    x: Floats, labels: Ints, c: float, counts_for: Floats, weights: Floats | None
) -> tuple[Floats, Floats, Any]:
    """Mean and spread of the features, and scikit-learn's model of the standardised ones."""
    from sklearn.linear_model import LogisticRegression

    mean, std = x.mean(axis=0), np.maximum(x.std(axis=0), LEAST_SPREAD) / counts_for
    each = None if weights is None else weights[labels]
    model = LogisticRegression(C=c, max_iter=STEPS)
    return mean, std, model.fit((x - mean) / std, labels, sample_weight=each)
