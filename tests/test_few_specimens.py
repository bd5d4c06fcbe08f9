"""Classes of two or three specimens, specimens of several minerals, and copies: every step of the way."""

import numpy as np
import pytest

from conftest import photo_table
from modelling import cross_validated, dark_and_bright, with_features
from thinsection.base.arrays import Ints
from thinsection.dataset.folds import Fold
from thinsection.dataset.parts import fold_on_share, set_aside
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


def mixed() -> tuple[Ints, list[str]]:
    """Four specimens of three minerals: the third is the commonest in none, and in two of them."""
    of_specimen = {"a": [0, 0, 0, 2], "b": [0, 0], "c": [1, 1, 1, 2], "d": [1, 1]}
    labels = np.array([label for each in of_specimen.values() for label in each])
    return labels, [name for name, each in of_specimen.items() for _ in each]


@pytest.mark.parametrize("seed", range(8))
def test_a_mineral_that_is_the_commonest_of_no_specimen_stays_in_every_share(seed: int) -> None:
    labels, groups = mixed()
    photos = photo_table([("augite", "biotite", "opaque")[n] for n in labels], groups)
    fold = Fold(0, 0, np.arange(len(labels)), np.arange(0))
    parts = [fold_on_share(fold, photos, share, seed).train for share in (0.05, 0.5, 0.99)]
    for part in parts:
        assert set(labels[part]) == {0, 1, 2}
    assert set(parts[0]) <= set(parts[1]) <= set(parts[2])
    # one specimen of each class, and the carrier of the third where neither is one
    kept = {groups[row] for row in parts[0]}
    assert len(kept) == 2 + (kept & {"b", "d"} == {"b", "d"})


@pytest.mark.parametrize("seed", range(8))
def test_what_is_set_aside_leaves_every_mineral_to_learn_from(seed: int) -> None:
    labels, names = mixed()
    groups = np.unique(names, return_inverse=True)[1]
    aside = set_aside(labels, groups, 0.5, np.random.default_rng(seed))
    # one specimen of each class that has two: never both that hold the third mineral
    assert len(np.unique(groups[aside])) == 2
    assert set(labels[~aside]) == {0, 1, 2}
    # without the third mineral in c, a can't be spared
    alone = (labels != 2) | (groups == 0)
    aside = set_aside(labels[alone], groups[alone], 0.5, np.random.default_rng(seed))
    assert 0 not in groups[alone][aside]


def test_early_stopping_trains_where_no_specimen_can_be_spared_and_says_so(tiny: Params) -> None:
    photos = dark_and_bright(24)  # specimens g00 to g11 in turn, of two photos each
    examples = with_features(photos, None, "pixels", tiny)
    number = np.arange(24) % 12
    # two specimens of each class train in the first fold, one of each in the second
    folds = [Fold(0, k, np.flatnonzero(number < 4 - 2 * k), np.flatnonzero(number > 3))
             for k in range(2)]  # fmt: skip
    fcnn = tiny.fcnn.model_copy(update={"early_stopping_share": 0.25})
    params = tiny.model_copy(update={"fcnn": fcnn})
    run = cross_validated("fcnn", "2", examples, folds, params)
    by_fold = run.history.groupby("fold")["set_aside_loss"]
    assert by_fold.count().tolist() == [by_fold.size()[0], 0]
    assert "no specimen of a fold could be set aside" in run.facts["ended_by"]
