"""Classes of two or three specimens, specimens of several minerals, and copies: every step of the way."""

import numpy as np
import pytest

from modelling import cross_validated, dark_and_bright, with_features
from thinsection.base.arrays import Ints
from thinsection.dataset.folds import Fold
from thinsection.families.baselines import calibration_folds
from thinsection.params import Params


def rows_of(groups: list[int], labels: list[int]) -> tuple[Ints, Ints, Ints]:
    """Labels, groups and photos of rows: each photo of a group, and a variant of it."""
    photos = np.arange(len(groups)).repeat(2)
    return np.array(labels)[photos], np.array(groups)[photos], photos


@pytest.mark.parametrize(
    ("groups", "labels", "n_folds", "whole"),
    [
        # three specimens of each class and more: three inner folds of whole specimens
        ([0, 1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 1, 1, 1], 3, "groups"),
        # two of class 1: two
        ([0, 1, 2, 3, 4], [0, 0, 0, 1, 1], 2, "groups"),
        # specimen 0 holds both: class 1 is in 0 and 3
        ([0, 0, 1, 2, 3], [0, 1, 0, 0, 1], 2, "groups"),
        # one specimen of class 1, of two photos
        ([0, 1, 2, 3, 3], [0, 0, 0, 1, 1], 2, "photos"),
        # one photo of class 1: all rows at once
        ([0, 1, 2, 3], [0, 0, 0, 1], 1, "nothing"),
    ],
)
def test_the_svm_is_calibrated_on_as_many_inner_folds_as_its_classes_allow(
    groups: list[int], labels: list[int], n_folds: int, whole: str
) -> None:
    y, group, photo = rows_of(groups, labels)
    splits = calibration_folds(y, group, photo, 0)
    assert len(splits) == n_folds
    assert sorted(np.concatenate([held_out for _, held_out in splits])) == list(range(len(y)))
    for train, held_out in splits:
        assert set(y[train]) == {0, 1}
        assert (not set(group[train]) & set(group[held_out])) == (whole == "groups")
        assert (not set(photo[train]) & set(photo[held_out])) == (whole != "nothing")


@pytest.mark.parametrize(("n_specimens", "told"), [(6, False), (4, True)])
def test_the_svm_is_trained_on_one_or_two_specimens_a_class(
    tiny: Params, n_specimens: int, told: bool
) -> None:
    # specimens alternate between the classes; the first two are held out
    photos = dark_and_bright(24)
    number = np.arange(24) % n_specimens
    photos.table["group"] = [f"g{n}" for n in number]
    fold = Fold(0, 0, np.flatnonzero(number > 1), np.flatnonzero(number < 2))
    examples = with_features(photos, None, "pixels", tiny)
    run = cross_validated("baseline", "svm", examples, [fold], tiny)
    assert ("calibrated_on" in run.facts) == told
    probabilities = run.predictions[["p_basalt", "p_chalk"]].to_numpy()
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (run.predictions["predicted"] == run.predictions["label"]).mean() > 0.8
