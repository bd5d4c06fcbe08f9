"""The study: its estimates by hand, its rules, and its stages on a few photos."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from thinsection.dataset.packed import read_dataset
from thinsection.params import Params, params_of
from thinsection.settings import FamilySettings
from thinsection.study.designs.networks import Outcomes, examples_of, settings_of, trained
from thinsection.study.designs.numbers import draws_of
from thinsection.study.designs.numbers import trained as trained_on_numbers
from thinsection.study.designs.photos import folds_of, write_photos
from thinsection.study.findings import claims, effects, tables
from thinsection.study.findings.claims import FAILS, HOLDS, OPEN
from thinsection.study.findings.effects import Estimate, Resampled
from thinsection.study.findings.page import page
from thinsection.study.findings.verdicts import verdicts
from thinsection.study.settings import DesignSettings, StudySettings, read_settings
from tiny import TOP, tiny_params


def test_a_slope_is_that_of_the_line() -> None:
    # 0.8, 0.7, 0.6 at 2, 12, 22 layers: a tenth less for each ten
    found = effects.slope(np.array([[0.8, 0.7, 0.6], [0.5, 0.5, 0.5]]), [2, 12, 22])
    assert found == pytest.approx([-0.1, 0])


def test_specimens_and_repeats_are_both_drawn() -> None:
    # two specimens of two photos each, two repeats: one repeat names all of the first specimen rightly
    right = np.array([[[1, 1, 0, 0], [0, 0, 0, 0]]], bool)
    group_of = np.array([0, 0, 1, 1])
    found = Resampled(group_of, 2, 500, np.random.default_rng(0)).accuracies(right)[:, 0]
    assert found[0] == 0.25
    # shares of the first specimen times shares of the first repeat: 0, 1/2 and 1 each
    assert set(np.round(found[1:], 6)) == {0, 0.25, 0.5, 1}
    assert found[1:].mean() == pytest.approx(0.25, abs=0.03)
    once = Resampled(group_of, 1, 500, np.random.default_rng(0)).accuracies(right[:, :1])[:, 0]
    assert once[1:].std() / once[0] < found[1:].std() / found[0]


def test_how_many_specimens_find_a_change() -> None:
    # a standard error of 0.02 with 40 specimens; 2.80 of them are 0.056, so 0.028 takes four times as many
    needed = effects.specimens_needed(Estimate(0, -0.0392, 0.0392), 40, 0.028, 0.95)
    assert needed == pytest.approx(160, rel=0.01)


def test_effects_are_means_over_the_other_factors() -> None:
    factors = pd.DataFrame(
        {"normalisation": ["none", "none", "batch", "batch"], "shortcuts": [False, True] * 2},
        index=list("abcd"),
    )
    accuracies = {"a": [0.8, 0.4], "b": [0.8, 0.6], "c": [0.8, 0.8], "d": [0.8, 1.0]}
    draws = {name: np.array([each] * 3) for name, each in accuracies.items()}
    rows = effects.factorial_effects(draws, factors, 0.95).set_index("factor")
    assert rows.loc["normalisation", "deep"] == pytest.approx(0.4)
    assert rows.loc["shortcuts", "deep"] == pytest.approx(0.2)
    assert rows.loc["shortcuts", "shallow"] == pytest.approx(0)
    assert rows.loc["shortcuts", "depth_effect_low"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.05, -0.01, HOLDS), (-0.01, 0.02, FAILS), (-0.03, 0.02, OPEN), (-0.01, -0.005, HOLDS)],
)
def test_the_rule_for_a_fall(low: float, high: float, verdict: str) -> None:
    assert claims.of_fall(Estimate((low + high) / 2, low, high), 0.019) == verdict


def test_the_rule_for_a_cause_and_a_cure() -> None:
    gain = Estimate(0.1, 0.05, 0.15)
    assert claims.of_cause(gain, faded=True) == HOLDS
    assert claims.of_cause(gain, faded=False) == FAILS  # whatever it gains by, nothing has vanished
    assert claims.of_cause(Estimate(0, -0.05, 0.05), faded=True) == OPEN
    assert claims.of_cause(Estimate(0, -0.01, 0.005), faded=True) == FAILS
    assert claims.of_cure(gain, 0.019) == HOLDS
    assert claims.of_cure(Estimate(0, -0.01, 0.01), 0.019) == FAILS
    assert claims.of_cure(Estimate(0.01, -0.01, 0.03), 0.019) == OPEN


def test_the_rules_for_residual_networks() -> None:
    assert claims.of_no_fall(Estimate(0.02, -0.01, 0.05), 0.05) == HOLDS
    assert claims.of_no_fall(Estimate(-0.02, -0.04, -0.01), 0.05) == FAILS  # a fall, if a small one
    assert claims.of_no_fall(Estimate(0, -0.06, 0.06), 0.05) == OPEN
    assert claims.of_alike(Estimate(0, -0.04, 0.04), 0.05) == HOLDS
    assert claims.of_alike(Estimate(0.1, 0.06, 0.14), 0.05) == FAILS
    assert claims.of_alike(Estimate(0.05, 0.01, 0.09), 0.05) == OPEN


def test_the_rule_for_one_above_all_others() -> None:
    above, below, unclear = (
        Estimate(0.1, 0.05, 0.15),
        Estimate(-0.1, -0.2, -0.05),
        Estimate(0, -1, 1),
    )
    assert claims.of_all_above([above, above]) == HOLDS
    assert claims.of_all_above([above, below]) == FAILS
    assert claims.of_all_above([above, unclear]) == OPEN


def test_the_mean_of_trainings_has_students_interval() -> None:
    # 0.1 and 0.3: standard error 0.1; Student's quantile for one degree of freedom is 12.706
    found = effects.mean_of_trainings(np.array([0.1, 0.3]), 0.95)
    assert (found.value, found.high) == pytest.approx((0.2, 0.2 + 1.2706), rel=1e-3)


def test_the_choice_takes_the_largest_batch_near_the_best() -> None:
    # 40 samples, each a specimen: rightly named of them, by learning rate and batch size
    content = {name: {"learning_rate": rate, "batch_size": batch} for name, rate, batch in
               (("a", 0.1, 16), ("b", 0.1, 32), ("c", 0.2, 32), ("d", 0.2, 64))}  # fmt: skip
    named = {"a": range(30), "b": [*range(29), 39], "c": range(15), "d": range(5)}
    study = object.__new__(tables.Study)
    study.settings = few({})
    study.settings = study.settings.model_copy(
        update={"designs": {
            name: DesignSettings(photos="depth", family="resnet", depths=[18], repeats=1, changes=each)
            for name, each in content.items()
        }}
    )  # fmt: skip
    right = {name: np.isin(np.arange(40), list(rows))[None, None] for name, rows in named.items()}
    study.outcomes = {name: Outcomes(each, pd.DataFrame()) for name, each in right.items()}
    study.groups, study._draws = {"depth": np.arange(40)}, {}
    found = tables.choice(study).set_index("design")
    assert found["ca"].tolist() == pytest.approx([0.75, 0.75, 0.375, 0.125])
    # b is as good as a and costs less; c and d are many standard errors away
    assert found.index[found["taken"]].tolist() == ["b"]


def few(designs: dict[str, list[int]]) -> StudySettings:
    content = yaml.safe_load((TOP / "study/params.yaml").read_text(encoding="utf-8"))
    content["photos"]["depth"] |= {"specimens": 3, "fields": 1}
    content["photos"]["many"] |= {"specimens": 5, "fields": 1}
    content["bootstrap_draws"] = 40
    for name, depths in designs.items():
        content["designs"][name] |= {"depths": depths, "repeats": 2}
    content["numbers"] |= {"specimens": [2, 4], "tested": 1, "draws": 2}
    return StudySettings.model_validate(content)


@pytest.fixture(scope="module")
def params() -> Params:
    return params_of(tiny_params())


def test_every_design_is_one_that_its_family_takes(params: Params) -> None:
    settings = read_settings(TOP / "study")
    for design in settings.designs.values():
        assert design.photos in settings.photos
        if design.family != "mlp":
            changed = settings_of(design, params).own.model_dump()
            assert changed == changed | design.changes
    factors = tables.EXPERIMENTS["weights"]
    of_weights = [d for d in settings.designs.values() if list(d.changes) == factors]
    assert sum(design.photos == "depth" for design in of_weights) == 4 * 3 * 2
    assert settings.numbers
    for run in settings.numbers.runs.values():
        asked: FamilySettings = params.fit_settings(run.family).own
        vectors = settings.photos[settings.numbers.photos].features
        assert set(asked.kinds) <= set(vectors)
    # DVC takes a dot in a key for one of its own
    assert not [n for n in (*settings.designs, *settings.numbers.runs) if "." in n]


def test_the_resnets_have_the_settings_that_the_study_takes() -> None:
    taken = pd.read_csv(TOP / "study/tables/choice.csv").query("taken").iloc[0]
    shipped = yaml.safe_load((TOP / "params.yaml").read_text(encoding="utf-8"))["resnet"]
    assert (taken["learning_rate"], taken["batch_size"]) == (
        shipped["learning_rate"],
        shipped["batch_size"],
    )


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Path:
    folder = tmp_path_factory.mktemp("study") / "photos/many"
    folder.parent.mkdir()
    without = few({}).photos["many"].model_copy(update={"features": ["pixels"], "variants": 1})
    assert write_photos(folder, without, params) == 10
    return folder


def test_larger_numbers_hold_smaller_ones_and_all_are_tested_alike(many: Path) -> None:
    photos, settings = read_dataset(many), few({}).numbers
    assert settings
    draws = draws_of(photos, settings, seed=5)
    for smaller, larger in zip(*draws, strict=True):
        assert (len(smaller.train), len(larger.train)) == (4, 8)
        assert set(smaller.train) < set(larger.train)
        assert np.bincount(photos.labels[smaller.train]).tolist() == [2, 2]
    tested = {tuple(fold.held_out) for folds in draws for fold in folds}
    assert len(tested) == 1
    assert not any(set(fold.train) & set(fold.held_out) for folds in draws for fold in folds)
    assert draws[0][0].train.tolist() != draws[0][1].train.tolist()
    with pytest.raises(ValueError, match="5 specimens of a mineral, 6 wanted"):
        draws_of(photos, settings.model_copy(update={"tested": 2}), seed=5)


def test_from_numbers_to_their_table(many: Path, params: Params) -> None:
    settings = few({})
    numbers = settings.numbers
    assert numbers
    photos = read_dataset(many)
    draws = draws_of(photos, numbers, settings.photos["many"].seed)
    names = ["fcnn-2", "random_forest"]
    for name in names:
        right = trained_on_numbers(numbers.runs[name], photos, draws, params, many)
        assert right.shape == (2, 2, 2)
        folder = many.parents[1] / "numbers" / name
        folder.mkdir(parents=True)
        np.save(folder / "right.npy", right)
    study = tables.Study(many.parents[1], settings)
    found: dict[str, Any] = tables.tables_of(study)
    assert found["numbers"]["classifier"].unique().tolist() == names
    assert (found["numbers"]["ca_low"] <= found["numbers"]["ca_high"]).all()


def test_from_photos_to_the_page(
    tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_layers = {"paper": [2, 3, 4], "mlp": [1, 2, 3], "glorot-none": [2, 4], "glorot-batch": [2, 4],
                  "glorot-none-shortcuts": [2, 4]}  # fmt: skip
    settings = few(few_layers)
    folder = tmp_path / "photos/depth"
    folder.parent.mkdir()
    assert write_photos(folder, settings.photos["depth"], params) == 6
    photos = read_dataset(folder)
    for name in few_layers:
        design = settings.designs[name]
        examples = examples_of(design, photos, params, folder)
        folds = folds_of(photos, settings.folds, design.repeats, 1)
        found = trained(design, examples, folds, params)
        assert found.right.shape == (len(design.depths), 2, 6)
        assert len(found.networks) == len(design.depths) * 2 * settings.folds
        if design.family == "fcnn":
            assert (found.networks["signal_first"] > 0).all()
        (tmp_path / "designs" / name).mkdir(parents=True)
        np.save(tmp_path / "designs" / name / "right.npy", found.right)
        found.networks.to_csv(tmp_path / "designs" / name / "networks.csv", index=False)
    study = tables.Study(tmp_path, settings)
    claimed = pd.DataFrame([vars(each) for each in verdicts(study)])
    found_tables = tables.tables_of(study) | {"claims": claimed}
    assert found_tables["trends"]["design"].tolist() == ["paper", "mlp"]
    monkeypatch.chdir(TOP)
    said = page(study, found_tables, TOP / "study")
    assert "because the gradient vanishes" in said
    assert "Shortcuts cure what depth does" in said
    assert "Not trained yet, so nothing is said of them: product" in said
