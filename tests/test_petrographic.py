"""The family petrographic: colour and texture alone, and random numbers of its own."""

from pathlib import Path

import numpy as np
import pytest

from modelling import (
    cross_validated,
    dark_and_bright,
    folds_of,
    make_model,
    small_params,
    with_features,
)
from thinsection.base.errors import InputError
from thinsection.dataset import colour_texture
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.learning.examples.examples import Examples
from thinsection.params import load_params
from thinsection.predict import Predictor
from tiny import TOP


def test_it_learns_from_colour_and_texture_of_photos_whatever_the_others_learn_from() -> None:
    for kind, asked in (("pixels", "photos"), ("colour_texture", "photos and variants")):
        params = small_params(baselines={"features": kind})
        assert params.plan()["colour_texture"]["asked"] == asked
        own = params.family_settings("petrographic")
        assert (own.kinds, own.takes_variants) == (("colour_texture",), False)


@pytest.fixture(scope="module")
def hard() -> Dataset:
    """Photos of two classes that differ little, so that chance shows in the probabilities."""
    photos = dark_and_bright(48)
    mixed = photos.pixels.copy()
    mixed[::3] = photos.pixels[np.roll(np.arange(48), 1)][::3]
    return Dataset(mixed, photos.photos)


@pytest.fixture(scope="module")
def examples(hard: Dataset) -> Examples:
    return with_features(hard, None, "colour_texture", small_params())


@pytest.fixture(scope="module")
def folds(hard: Dataset) -> list[Fold]:
    return folds_of(hard)[1]


def test_its_forest_is_another_than_the_baseline_s_on_the_same_vectors(
    examples: Examples, folds: list[Fold]
) -> None:
    params = small_params(baselines={"features": "colour_texture"})
    assert params.baselines.random_forest == params.petrographic.random_forest
    own, other = (
        cross_validated(family, "random_forest", examples, folds, params).predictions["p_basalt"]
        for family in ("petrographic", "baseline")
    )
    assert not np.allclose(own, other)  # other trees
    assert np.abs(own - other).mean() < 0.3  # of the same photos


def test_each_of_its_settings_reaches_its_classifier(examples: Examples, folds: list[Fold]) -> None:
    for name, key, value in (("svm", "c", 0.01), ("random_forest", "trees", 3)):
        changed = small_params(petrographic={name: {key: value}})
        one, two = (
            cross_validated("petrographic", name, examples, folds, params).predictions["p_basalt"]
            for params in (small_params(), changed)
        )
        assert not np.allclose(one, two)


def test_a_model_that_takes_the_numbers_of_another_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model(tmp_path / "model", Run("petrographic", "random_forest"))
    monkeypatch.setattr(colour_texture, "N_VALUES", 130)
    with pytest.raises(InputError, match=r"takes 126 numbers of .* computes 130\. Make the model"):
        Predictor.load(folder)


def test_no_other_family_has_its_mark_or_its_colours() -> None:
    marks = [family.mark for family in FAMILIES.values()]
    assert len(set(marks)) == len(marks)
    params = load_params(TOP / "params.yaml")
    names = {key: params.family_settings(key).runs for key in FAMILIES}
    colours = [colour for key, runs in names.items() for colour in FAMILIES[key].colours(runs)]
    assert len(set(colours)) == len(colours)
