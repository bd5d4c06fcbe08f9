"""The indexes: worked by hand on six photos, and against scikit-learn on many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from thinsection.evidence.metrics import (
    METRICS,
    Outcomes,
    auc_per_class,
    confusion,
    mean_over_repeats,
)

# Six photos: three of class 0, two of class 1, one of class 2.
SIX = Outcomes(
    labels=np.array([0, 0, 0, 1, 1, 2]),
    predicted=np.array([0, 0, 1, 1, 0, 2]),
    probabilities=np.array(
        [
            [0.8, 0.1, 0.1],
            [0.6, 0.3, 0.1],
            [0.3, 0.5, 0.2],
            [0.2, 0.7, 0.1],
            [0.5, 0.4, 0.1],
            [0.1, 0.1, 0.8],
        ]
    ),
)
ONCE = np.ones((1, 6))


def value(name: str, outcomes: Outcomes = SIX, weights: np.ndarray = ONCE) -> float:
    return float(METRICS[name](outcomes, weights)[0])


def test_confusion_counts_rows_by_label() -> None:
    assert confusion(SIX, ONCE)[0].tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_indexes_by_hand() -> None:
    # Right: photos 1, 2, 4, 6 of six.
    assert value("ca") == pytest.approx(4 / 6)
    # Precision per class: 2/3, 1/2, 1; weighted by 3, 2, 1 photos: (2 + 1 + 1) / 6.
    assert value("precision") == pytest.approx(4 / 6)
    # Recall per class: 2/3, 1/2, 1; weighted: (2 + 1 + 1) / 6.
    assert value("recall") == pytest.approx(4 / 6)
    # F1 per class: 2*2/(3+3), 2*1/(2+2), 2*1/(1+1); weighted: (3*2/3 + 2*1/2 + 1) / 6.
    assert value("f1") == pytest.approx(4 / 6)


def test_every_class_counts_alike_in_balanced_accuracy() -> None:
    # Recall per class: 2/3, 1/2, 1.
    assert value("balanced") == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    # without the last class: (2/3 + 1/2) / 2
    assert value("balanced", SIX, np.array([[1.0, 1, 1, 1, 1, 0]])) == pytest.approx(7 / 12)


def test_auc_by_hand() -> None:
    # Class 0: positives .8 .6 .3 against .2 .5 .1: .8 and .6 win 3 each, .3 wins 2: 8/9.
    # Class 1: .7 .4 against .1 .3 .5 .1: .7 wins 4, .4 wins 3: 7/8. Class 2: 5/5.
    assert auc_per_class(SIX, ONCE)[0] == pytest.approx([8 / 9, 7 / 8, 1])
    assert value("auc") == pytest.approx((3 * 8 / 9 + 2 * 7 / 8 + 1) / 6)


def test_a_photo_counted_twice_is_a_photo_that_is_there_twice() -> None:
    weights = np.array([[2.0, 1, 0, 1, 3, 1]])
    copies = np.repeat(np.arange(6), weights[0].astype(int))
    doubled = Outcomes(SIX.labels[copies], SIX.predicted[copies], SIX.probabilities[copies])
    for name in METRICS:
        assert value(name, SIX, weights) == pytest.approx(value(name, doubled, np.ones((1, 8))))


def test_class_never_predicted_has_precision_0() -> None:
    never = Outcomes(np.array([0, 0, 1]), np.array([0, 0, 0]), np.array([[1.0, 0]] * 3))
    # Precision: class 0 is 2/3 with weight 2, class 1 is 0 with weight 1.
    assert value("precision", never, np.ones((1, 3))) == pytest.approx(4 / 9)
    assert value("auc", never, np.ones((1, 3))) == pytest.approx(0.5)  # all scores tie


def test_one_class_only_has_no_auc() -> None:
    one = Outcomes(np.array([0, 0]), np.array([0, 1]), np.array([[0.9, 0.1], [0.4, 0.6]]))
    assert np.isnan(value("auc", one, np.ones((1, 2))))
    assert value("ca", one, np.ones((1, 2))) == 0.5


def test_repeats_are_averaged() -> None:
    wrong = Outcomes(SIX.labels, (SIX.labels + 1) % 3, SIX.probabilities)
    mean = mean_over_repeats(METRICS["ca"], [SIX, wrong], ONCE)
    assert mean[0] == pytest.approx((4 / 6 + 0) / 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(8, 60))
def test_agrees_with_scikit_learn(seed: int, n_classes: int, n_photos: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.r_[np.arange(n_classes), rng.integers(0, n_classes, n_photos)]
    scores = np.round(rng.dirichlet(np.ones(n_classes), len(labels)), 2) + 1e-9  # with ties
    scores /= scores.sum(axis=1, keepdims=True)
    outcomes = Outcomes(labels, scores.argmax(axis=1), scores)
    weighted = {"average": "weighted", "zero_division": 0}
    truth, named = outcomes.labels, outcomes.predicted
    areas = [sk.roc_auc_score(labels == c, scores[:, c]) for c in range(n_classes)]
    expected = {
        "auc": np.average(areas, weights=np.bincount(labels)),
        "ca": sk.accuracy_score(truth, named),
        "f1": sk.f1_score(truth, named, **weighted),
        "precision": sk.precision_score(truth, named, **weighted),
        "recall": sk.recall_score(truth, named, **weighted),
        "balanced": sk.balanced_accuracy_score(truth, named),
    }
    for name, number in expected.items():
        assert value(name, outcomes, np.ones((1, len(labels)))) == pytest.approx(number)
    assert expected["recall"] == pytest.approx(expected["ca"])  # as in every row of the paper
