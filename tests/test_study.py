"""The study of depth: its estimates by hand, its rule, and its stages on a few photos."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from thinsection.params import Params, params_of
from thinsection.study import claims, effects, tables
from thinsection.study.claims import FAILS, HOLDS, OPEN
from thinsection.study.effects import Estimate, Resampled
from thinsection.study.page import page
from thinsection.study.photos import folds_of, groups_of, read_examples, write_photos
from thinsection.study.settings import StudySettings, read_settings
from thinsection.study.training import settings_of, trained
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


def few(designs: dict[str, list[int]]) -> StudySettings:
    content = yaml.safe_load((TOP / "study/params.yaml").read_text(encoding="utf-8"))
    content["photos"] |= {"specimens": 3, "fields": 1}
    content["bootstrap_draws"] = 40
    for name, depths in designs.items():
        content["designs"][name] |= {"depths": depths, "repeats": 2}
    return StudySettings.model_validate(content)


@pytest.fixture(scope="module")
def params() -> Params:
    return params_of(tiny_params())


def test_every_design_is_one_that_its_family_takes(params: Params) -> None:
    settings = read_settings(TOP / "study/params.yaml")
    stages = yaml.safe_load((TOP / "study/dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert stages["train"]["matrix"]["design"] == list(settings.designs)
    for design in settings.designs.values():
        if design.family != "mlp":
            changed = settings_of(design, params).own.model_dump()
            assert changed == changed | design.changes
    factors = [
        d.changes for d in settings.designs.values() if set(d.changes) == set(tables.FACTORS)
    ]
    assert len(factors) == 4 * 3 * 2


def test_from_photos_to_the_page(
    tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_layers = {"paper": [2, 3, 4], "mlp": [1, 2, 3], "glorot-none": [2, 4], "glorot-batch": [2, 4],
                  "glorot-none-shortcuts": [2, 4]}  # fmt: skip
    settings = few(few_layers)
    assert write_photos(tmp_path / "photos", settings, params) == 6
    for name in few_layers:
        design = settings.designs[name]
        examples = read_examples(tmp_path / "photos", design)
        folds = folds_of(examples.photos, settings, design.repeats)
        found = trained(design, examples, folds, params)
        assert found.right.shape == (len(design.depths), 2, 6)
        assert len(found.networks) == len(design.depths) * 2 * settings.folds
        if design.family == "fcnn":
            assert (found.networks["signal_first"] > 0).all()
        (tmp_path / "designs" / name).mkdir(parents=True)
        np.save(tmp_path / "designs" / name / "right.npy", found.right)
        found.networks.to_csv(tmp_path / "designs" / name / "networks.csv", index=False)
    study = tables.Study(tmp_path / "designs", settings, groups_of(examples.photos))
    found_tables = {
        "trends": tables.trends(study),
        "depths": tables.depths(study),
        "factorial": tables.factorial(study),
    }
    assert found_tables["trends"]["design"].tolist() == ["paper", "mlp"]
    monkeypatch.chdir(TOP)
    said = page(study, found_tables, tables.claims(study))
    assert "because the gradient vanishes" in said
    assert "Shortcuts cure what depth does" in said
    assert "Not trained yet, so nothing is said of them: product" in said
    shutil.rmtree(tmp_path / "designs")
