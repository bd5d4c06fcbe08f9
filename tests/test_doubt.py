"""Prediction sets hold the true class as often as they say."""

import numpy as np
import pytest

from thinsection.base.arrays import Ints
from thinsection.base.seeds import generator
from thinsection.evidence.calibration import at_temperature
from thinsection.evidence.metrics import Outcomes
from thinsection.final.doubt import fit_sets, group_quantile, sets_of
from thinsection.predict.predictor import prediction_set


def test_the_quantile_of_single_photos_is_that_of_split_conformal() -> None:
    # 9 scores and one unknown: the 0.8 quantile is the ceil(0.8 * 10) = 8th smallest
    scores = np.array([0.9, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    assert group_quantile(scores, np.arange(9), 0.8) == 0.8
    assert group_quantile(scores, np.arange(9), 0.91) == np.inf  # 9 specimens can't promise that


def test_a_specimen_of_many_photos_weighs_as_much_as_one_of_few() -> None:
    # groups a (99 photos of score 0.1), b and c: 1/4 each, 1/4 unknown. 0.1 reaches 1/4, 0.5 1/2
    scores = np.array([0.1] * 99 + [0.5, 0.9])
    groups = np.array(["a"] * 99 + ["b", "c"])
    assert group_quantile(scores, groups, 0.25) == 0.1
    assert group_quantile(scores, groups, 0.5) == 0.5
    assert group_quantile(scores, groups, 0.75) == 0.9


def test_an_unknown_specimen_may_weigh_less() -> None:
    # four specimens of a photo each: with the unknown one they are 5 (1/5 each), 4.5 or 4
    scores, groups = np.array([0.1, 0.2, 0.3, 0.4]), np.arange(4)
    assert group_quantile(scores, groups, 0.65) == 0.4  # 0.3 reaches 3/5
    assert group_quantile(scores, groups, 0.65, unknown=0.5) == 0.3  # 3/4.5
    assert group_quantile(scores, groups, 0.5, unknown=0) == 0.2  # 2/4
    assert group_quantile(scores, groups, 0.85) == np.inf  # 0.4 reaches 4/5
    assert group_quantile(scores, groups, 0.85, unknown=0.5) == 0.4


def specimens(rng: np.random.Generator, n_groups: int, n_photos: int = 6) -> tuple[Outcomes, Ints]:
    """Photos whose difficulty is their specimen's own, as chances, labels and groups."""
    groups = np.repeat(np.arange(n_groups), n_photos)
    labels = np.repeat(rng.integers(0, 4, n_groups), n_photos)
    hardness = rng.normal(0, 1.5, n_groups)[groups]
    scores = rng.normal(0, 1, (len(groups), 4))
    scores[np.arange(len(groups)), labels] += 1.5 + hardness
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return Outcomes(labels, chances.argmax(axis=1), chances), groups


def test_sets_cover_photos_of_new_specimens_as_often_as_asked() -> None:
    rng = generator(1, "coverage")
    covered, measured = [], []
    for _ in range(150):
        outcomes, groups = specimens(rng, 40)
        sets = fit_sets([outcomes], groups, 0.9)
        new, _ = specimens(rng, 20)
        inside = sets_of(at_temperature(new.probabilities, sets.temperature), sets.thresholds)
        covered.append(inside[np.arange(len(new.labels)), new.labels].mean())
        measured.append(sets.measured_coverage)
    # 150 draws of 20 specimens: standard error below 0.006
    assert 0.885 < np.mean(covered) < 0.94
    assert abs(np.mean(measured) - np.mean(covered)) < 0.02


def uneven(rng: np.random.Generator, n_groups: int, n_photos: int = 3) -> tuple[Outcomes, Ints]:
    """As many specimens of each of three classes, the last of which is often taken for the second."""
    labels = np.repeat(np.arange(3 * n_groups) % 3, n_photos)
    groups = np.repeat(np.arange(3 * n_groups), n_photos)
    scores = rng.normal(0, 1, (len(labels), 3)) + rng.normal(0, 0.7, (3 * n_groups, 3))[groups]
    scores[np.arange(len(labels)), labels] += np.array([3.0, 3.0, 0.5])[labels]
    scores[labels == 2, 1] += 0.8
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return Outcomes(labels, chances.argmax(axis=1), chances), groups


def test_each_class_is_covered_where_its_specimens_allow() -> None:
    rng = generator(3, "classes")
    of_class = {n_groups: np.zeros(3) for n_groups in (20, 8)}
    measured = np.zeros(3)
    for _ in range(60):
        new, _ = uneven(rng, 40)
        for n_groups, covered in of_class.items():
            sets = fit_sets([(seen := uneven(rng, n_groups))[0]], seen[1], 0.9)
            calibrated = at_temperature(new.probabilities, sets.temperature)
            held = sets_of(calibrated, sets.thresholds)[np.arange(len(new.labels)), new.labels]
            covered += [held[new.labels == k].mean() / 60 for k in range(3)]
            if n_groups == 20:
                measured += sets.covered / 60
            else:  # 8 specimens can't promise 0.9: one threshold for all
                assert len(set(sets.thresholds)) == 1
    assert (of_class[20] > 0.88).all()
    assert measured == pytest.approx(of_class[20], abs=0.03)
    # the hard class gets less than was asked, and the easy ones more
    assert of_class[8][2] < 0.86 < 0.94 < of_class[8][0]


def test_more_coverage_needs_larger_sets_and_few_specimens_promise_nothing() -> None:
    outcomes, groups = specimens(generator(2, "sizes"), 60)
    small, large = (fit_sets([outcomes], groups, share) for share in (0.7, 0.95))
    assert small.mean_size < large.mean_size
    outcomes, groups = specimens(generator(2, "few"), 6)
    everything = fit_sets([outcomes], groups, 0.95)
    assert (everything.thresholds == 1).all()
    assert everything.mean_size == 4


def test_a_set_names_the_most_probable_first_and_is_never_empty() -> None:
    classes = ("a", "b", "c")
    assert prediction_set(np.array([0.3, 0.5, 0.2]), 0.7, classes) == ("b", "a")
    assert prediction_set(np.array([0.3, 0.4, 0.3]), 0.1, classes) == ("b",)
