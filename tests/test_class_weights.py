"""Classes of few photos: every family counts them as params.yaml says."""

from functools import partial

import numpy as np
import pytest

from conftest import photo_table
from modelling import cross_validated, with_features
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.dataset.samples import ANY_LIGHT, Lights
from thinsection.families.baselines import NAMES, make_classifier
from thinsection.families.scikit_learn import fit_one
from thinsection.final.fitting import whole
from thinsection.learning.class_weights import class_weights
from thinsection.learning.examples.examples import Vectors
from thinsection.params import Params
from thinsection.settings import TrainingSettings

BALANCED, NONE = TrainingSettings(class_weight="balanced"), TrainingSettings(class_weight="none")


def test_balanced_classes_weigh_the_same_together() -> None:
    # six photos, three, and one of three classes: 10 / (3 x 6), 10 / (3 x 3), 10 / 3
    labels = np.array([0] * 6 + [1] * 3 + [2])
    weights = class_weights(labels, 3, BALANCED)
    assert weights == pytest.approx([5 / 9, 10 / 9, 10 / 3])
    assert np.bincount(labels, weights[labels]) == pytest.approx([10 / 3] * 3)
    assert class_weights(labels, 3, NONE) is None


def test_a_class_that_is_not_there_weighs_nothing() -> None:
    assert class_weights(np.array([0, 2, 2, 2]), 3, BALANCED) == pytest.approx([2, 0, 2 / 3])


@pytest.fixture(scope="module")
def rare() -> Dataset:
    """96 photos of chalk and 24 of basalt, a little darker: hard to tell, and one is rare."""
    rng = np.random.default_rng(5)
    labels = np.array(["chalk"] * 96 + ["basalt"] * 24)
    level = np.where(labels == "basalt", 112, 128) + rng.normal(0, 14, len(labels))
    pixels = level[:, None, None, None] + rng.normal(0, 10, (len(labels), 16, 24, 3))
    groups = [f"g{i}" for i in range(len(labels))]
    return Dataset(np.clip(pixels, 0, 255).astype(np.uint8), photo_table(list(labels), groups))


def recalls(photos: Dataset, family: str, name: str, params: Params) -> np.ndarray:
    """Of basalt, which is rare, and of chalk: photos named rightly, each held out once."""
    examples = with_features(photos, None, "pixels", params)
    number = np.arange(len(photos.labels)) % 2
    folds = [Fold(0, k, np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in (0, 1)]
    rows = cross_validated(family, name, examples, folds, params).predictions
    right = rows["label"] == rows["predicted"]
    return right.groupby(rows["label"]).mean()[["basalt", "chalk"]].to_numpy()


@pytest.mark.parametrize(("family", "name"), [("fcnn", "2"), ("resnet", "18"), ("baseline", "svm")])
def test_a_rare_class_is_named_more_often_where_classes_count_alike(
    family: str, name: str, rare: Dataset, tiny: Params
) -> None:
    resnet = {"epochs": 4, "height": 16, "width": 24, "batch_size": 16}
    settings = tiny.model_copy(
        update={
            "fcnn": tiny.fcnn.model_copy(update={"epochs": 8, "batch_size": 16}),
            "resnet": tiny.resnet.model_copy(update=resnet),
        }
    )
    counted = settings.model_copy(update={"training": BALANCED})
    alone, common = recalls(rare, family, name, settings)
    balanced, common_then = recalls(rare, family, name, counted)
    assert balanced > alone
    assert common_then <= common


@pytest.mark.parametrize("name", NAMES)
def test_the_border_between_two_classes_moves_away_from_the_rare_one(
    name: str, tiny: Params
) -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1], [400, 40])
    x = (labels * 1.5 + rng.normal(0, 1, len(labels)))[:, None].astype(np.float32)
    rows = np.arange(len(labels))
    each_alone = Lights(ANY_LIGHT, rows, np.zeros(len(rows), int))
    vectors = Vectors(x, labels, rows, rows, each_alone)
    given = tiny.baselines
    settings = given.model_copy(
        update={
            "decision_tree": given.decision_tree.model_copy(update={"min_leaf": 40}),
            "adaptive_boosting": given.adaptive_boosting.model_copy(update={"rounds": 1}),
        }
    )
    named_rare = []
    for training in (NONE, BALANCED):
        params = tiny.model_copy(update={"training": training, "baselines": settings})
        fold, fit_settings = whole(len(rows), 0), params.fit_settings("baseline")
        make = partial(make_classifier, name, settings)
        classifier = fit_one(make, ("baseline", name), vectors, fold, fit_settings)
        named_rare.append(classifier.predict_proba(x[labels == 1])[:, 1].mean())
    assert named_rare[1] > named_rare[0] + 0.1


@pytest.mark.parametrize(("family", "name"), [("fcnn", "2"), ("baseline", "svm")])
def test_classes_of_one_size_are_learned_as_without_weights(
    family: str, name: str, rare: Dataset, tiny: Params
) -> None:
    rows = np.r_[72:96, 96:120]
    equal = Dataset(rare.pixels[rows], rare.photos.iloc[rows.tolist()].reset_index(drop=True))
    counted = tiny.model_copy(update={"training": BALANCED})
    assert (recalls(equal, family, name, tiny) == recalls(equal, family, name, counted)).all()
