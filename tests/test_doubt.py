"""Prediction sets hold the true class as often as they say."""

import numpy as np

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


def specimens(
    rng: np.random.Generator, n_groups: int, n_photos: int = 6
) -> tuple[Outcomes, Ints, Ints]:
    """Photos whose difficulty is their specimen's own, as chances, labels, groups and folds."""
    groups = np.repeat(np.arange(n_groups), n_photos)
    labels = np.repeat(rng.integers(0, 4, n_groups), n_photos)
    hardness = rng.normal(0, 1.5, n_groups)[groups]
    scores = rng.normal(0, 1, (len(groups), 4))
    scores[np.arange(len(groups)), labels] += 1.5 + hardness
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return Outcomes(labels, chances.argmax(axis=1), chances), groups, groups % 3


def test_sets_cover_photos_of_new_specimens_as_often_as_asked() -> None:
    rng = generator(1, "coverage")
    covered, measured = [], []
    for _ in range(150):
        outcomes, groups, folds = specimens(rng, 40)
        sets = fit_sets([outcomes], folds[None], groups, 0.9)
        new, _, _ = specimens(rng, 20)
        inside = sets_of(at_temperature(new.probabilities, sets.temperature), sets.threshold)
        covered.append(inside[np.arange(len(new.labels)), new.labels].mean())
        measured.append(sets.measured_coverage)
    # 150 draws of 20 specimens: standard error below 0.006
    assert 0.885 < np.mean(covered) < 0.94
    assert abs(np.mean(measured) - np.mean(covered)) < 0.02


def test_more_coverage_needs_larger_sets_and_few_specimens_promise_nothing() -> None:
    outcomes, groups, folds = specimens(generator(2, "sizes"), 60)
    small, large = (fit_sets([outcomes], folds[None], groups, share) for share in (0.7, 0.95))
    assert small.mean_size < large.mean_size
    outcomes, groups, folds = specimens(generator(2, "few"), 6)
    everything = fit_sets([outcomes], folds[None], groups, 0.95)
    assert everything.threshold == 1
    assert everything.mean_size == 4


def test_a_set_names_the_most_probable_first_and_is_never_empty() -> None:
    classes = ("a", "b", "c")
    assert prediction_set(np.array([0.3, 0.5, 0.2]), 0.7, classes) == ("b", "a")
    assert prediction_set(np.array([0.3, 0.4, 0.3]), 0.1, classes) == ("b",)
