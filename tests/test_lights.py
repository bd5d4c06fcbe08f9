"""Samples in several lights: what is said of photos becomes what is said of a sample."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import photo_table
from modelling import cross_validated, dark_and_bright, folds_of, small_params, with_features
from thinsection.base.seeds import generator
from thinsection.dataset.packed import Dataset, Variants
from thinsection.dataset.samples import Lights, samples_of
from thinsection.evidence.lights import lights_per_class_table, lights_table
from thinsection.evidence.metrics import Outcomes
from thinsection.evidence.runs import InOneLight, OutOfFold, Study
from thinsection.families.run import Run
from thinsection.learning.examples.augment import stored_variants
from thinsection.learning.examples.examples import as_vectors
from thinsection.learning.examples.joining import in_each_way, of_samples, slot_weights
from thinsection.report import sentences
from thinsection.report.evidence import Evidence

# sample 0 in plane light and at two angles of crossed light, sample 1 in plane light alone
LIGHTS = Lights(("ppl", "xpl"), np.array([0, 0, 0, 1]), np.array([0, 1, 1, 0]))


def test_the_mean_is_over_the_angles_and_then_over_the_lights() -> None:
    chances = np.array([[0.5, 0.5], [0.8, 0.2], [0.2, 0.8], [0.9, 0.1]])
    everything, both = np.arange(4), np.arange(2)
    found = of_samples(chances, LIGHTS, everything, both)
    # crossed light cancels out: (0.8 * 0.2) ** 0.5 for each class
    assert found == pytest.approx(np.array([[0.5, 0.5], [0.9, 0.1]]))
    found = of_samples(chances[:2], LIGHTS, everything[:2], both[:1])
    odds = (0.5 * 0.8) ** 0.5 / (0.5 * 0.2) ** 0.5
    assert found == pytest.approx(np.array([[odds / (1 + odds), 1 / (1 + odds)]]))
    alone = in_each_way(chances, LIGHTS, everything, both)
    assert alone["ppl"] == pytest.approx(chances[[0, 3]])
    assert alone["xpl"][0] == pytest.approx([0.5, 0.5])
    assert np.isnan(alone["xpl"][1]).all()
    # in all lights at one angle: by the first of the two photos between crossed polarisers
    odds = (0.5 * 0.8) ** 0.5 / (0.5 * 0.2) ** 0.5
    expected = np.array([[odds / (1 + odds), 1 / (1 + odds)], [0.9, 0.1]])
    assert alone["one angle"] == pytest.approx(expected)


def test_the_weights_of_a_slot_sum_to_one_or_are_none() -> None:
    weights = slot_weights(LIGHTS, np.array([1, 0]), np.arange(4))
    assert weights[0].tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]
    assert weights[1].tolist() == [[1, 0, 0, 0], [0, 0.5, 0.5, 0]]


@given(st.permutations(range(4)))
def test_the_order_of_the_photos_says_nothing(order: list[int]) -> None:
    chances = np.array([[0.5, 0.5], [0.8, 0.2], [0.3, 0.7], [0.9, 0.1]])
    rows = np.array(order)
    found = of_samples(chances[rows], LIGHTS, rows, np.arange(2))
    assert found == pytest.approx(of_samples(chances, LIGHTS, np.arange(4), np.arange(2)))


def pairs(n: int = 24) -> Dataset:
    photos = dark_and_bright(2 * n)
    table = photos.photos.copy()
    table["sample"] = [f"s{i % n:02}" for i in range(2 * n)]
    table["light"] = ["ppl"] * n + ["xpl"] * n
    table["group"] = [f"g{i % 12:02}" for i in range(n)] * 2
    return Dataset(photos.pixels, table)


@pytest.mark.parametrize(
    ("family", "name"), [("baseline", "random_forest"), ("petrographic", "svm"), ("fcnn", "2")]
)
def test_a_sample_is_one_row_and_each_light_is_judged(family: str, name: str) -> None:
    photos, params = pairs(), small_params()
    kind = "colour_texture" if family == "petrographic" else "pixels"
    examples = with_features(photos, None, kind, params)
    folds = folds_of(photos)[1]
    found = cross_validated(family, name, examples, folds, params)
    assert sorted(found.predictions["sample"]) == sorted(photos.table["sample"])
    assert found.one_light.groupby("light").size().to_dict() == {"ppl": 24, "xpl": 24}
    # shown the plane light alone, the same as in a data set that has no other photos to judge by
    vectors = as_vectors(examples)
    for fold in folds:
        assert set(vectors.parents[vectors.train_rows(fold)]) == set(fold.train)
        assert not set(vectors.groups[vectors.held_out_rows(fold)]) & set(
            vectors.groups[vectors.train_rows(fold)]
        )


def test_photos_of_a_sample_move_alike_in_their_variants() -> None:
    photo = generator(1, "moved").integers(0, 256, (1, 16, 24, 3)).astype(np.uint8)
    operators = small_params().augment.model_copy(update={"noise": 0.0})
    both = np.repeat(photo, 2, axis=0)
    alike, _ = stored_variants(both, ["a", "b"], operators, 1, 0, np.array([0, 0]))
    apart, _ = stored_variants(both, ["a", "b"], operators, 1, 0, None)
    one, other = np.concatenate(list(alike)), np.concatenate(list(apart))
    assert np.array_equal(one[0], one[1])
    assert not np.array_equal(other[0], other[1])


def study() -> Study:
    """Four samples of two specimens in both lights: plane light names 2 rightly, crossed 1, both 3."""
    table = photo_table(["a", "b", "a", "b"] * 2, ["g", "g", "h", "h"] * 2)
    table["sample"] = ["s0", "s1", "s2", "s3"] * 2
    table["light"] = ["ppl"] * 4 + ["xpl"] * 4
    dataset = Dataset(np.zeros((8, 4, 4, 3), np.uint8), table)

    def outcomes(right: list[bool]) -> Outcomes:
        named = np.where(right, dataset.labels, 1 - dataset.labels)
        return Outcomes(dataset.labels, named, np.eye(2)[named] * 0.8 + 0.1)

    every = np.arange(4)
    result = OutOfFold(
        Run("fcnn", "2"), [outcomes([True, True, True, False])], np.zeros((1, 4)), {}, None, None,
        one_light={
            "ppl": InOneLight(every, [outcomes([True, True, False, False])]),
            "xpl": InOneLight(every, [outcomes([False, False, True, False])]),
        },
    )  # fmt: skip
    return Study(dataset, np.array([[0, 0, 1, 1]]), [result], pd.DataFrame())


def test_what_each_light_brings_by_hand() -> None:
    settings = small_params().evidence
    table = lights_table(study(), settings, generator(0, "lights")).set_index("light")
    assert table["ca"].to_dict() == {"ppl": 0.5, "xpl": 0.25, "together": 0.75}
    assert table["gain"].to_dict()["ppl"] == pytest.approx(0.25)
    assert table["gain"].to_dict()["xpl"] == pytest.approx(0.5)
    assert np.isnan(table["gain"].to_dict()["together"])
    assert (table["n_samples"] == 4).all()
    recalls = lights_per_class_table(study(), {"fcnn": "fcnn-2"})
    found = recalls.set_index(["light", "label"])["recall"].to_dict()
    assert found["together", "a"] == 1
    assert found["together", "b"] == 0.5
    assert found["xpl", "b"] == 0


def test_without_several_lights_there_is_nothing_to_tell() -> None:
    (only,) = study().results
    alone = replace(study(), results=[replace(only, one_light={})])
    assert lights_table(alone, small_params().evidence, generator(0, "lights")).empty


def test_rows_of_single_photos_are_those_of_photos_csv() -> None:
    table, lights = samples_of(photo_table(["a", "b", "a"]))
    assert (lights.names, lights.together) == (("",), False)
    assert table["sample"].tolist() == ["p000", "p001", "p002"]
    assert lights.photos_of(np.array([2, 0])).tolist() == [2, 0]


def test_vectors_of_variants_belong_to_the_sample_of_their_photo() -> None:
    photos = pairs(4)
    variants = Variants(photos.pixels[[5, 0]], np.array([5, 0]))
    vectors = as_vectors(with_features(photos, variants, "pixels", small_params()))
    assert vectors.parents.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 1, 0]


def test_the_report_says_what_lights_and_angles_add() -> None:
    table = pd.DataFrame(
        {
            "model": "random_forest", "light": ["ppl", "xpl", "one angle", "together"], "n_samples": 40,
            "ca": [0.6, 0.8, 0.85, 0.9], "gain": [0.3, 0.1, 0.05, np.nan],
            "gain_low": [0.2, 0.02, -0.02, np.nan], "gain_high": [0.4, 0.2, 0.1, np.nan],
            "p_holm": [0.001, 0.06, 0.2, np.nan],
        }
    )  # fmt: skip
    evidence = Evidence(
        small_params(), pairs(), {"lights": table, "models": table.assign(auc=0.5)}, {}, table, {}
    )
    said = sentences.lights(evidence)
    assert said[0] == (
        "Random forest names 90 % of the 40 samples that were seen in all lights, and 60 % of the same samples in "
        "ppl alone and 80 % of the same samples in xpl alone; all lights add +0.10 (+0.02 to +0.20) to the "
        "better one."
    )
    assert "At one angle of the stage, random forest names 85 % of them" in said[2]
    assert said[4].startswith("Of the 3 gains in the table, one is significant")
    assert not any("Less accurate together" in each for each in said)
    # of one light at several angles there is no light to compare
    evidence.tables["lights"] = table[table["light"].isin(["one angle", "together"])]
    assert [each.split(",")[0] for each in sentences.lights(evidence)] == [
        "At one angle of the stage",
        "On average of 1 classifier",
        "Of the 1 gains in the table",
    ]
