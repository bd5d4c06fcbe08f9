"""Classes of two or three specimens, specimens of several minerals, and copies: every step of the way."""

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from conftest import photo_table
from ingesting import save, texture
from modelling import cross_validated, dark_and_bright, with_features
from thinsection.base.arrays import Ints
from thinsection.base.places import FOLDS_FILE, INGESTED
from thinsection.base.tables import PHOTOS, write_table
from thinsection.cli import app
from thinsection.dataset.folds import Fold
from thinsection.dataset.parts import fold_on_share, set_aside
from thinsection.families.scikit_learn import calibration_folds
from thinsection.params import Params
from tiny import TOP


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


def asked(folder: Path, params: Params, n_specimens: int, **sections: dict[str, Any]) -> None:
    """A project of two classes of so many specimens, of two photos each, as stage ingest left it."""
    raw = params.model_dump(mode="json")
    for section, entries in sections.items():
        raw[section] |= entries
    (folder / "params.yaml").write_text(yaml.safe_dump(raw))
    groups = [f"{label}-{n}" for label in "ab" for n in range(n_specimens) for _ in range(2)]
    table = photo_table([group[0] for group in groups], groups)
    write_table(table, folder / INGESTED / "photos.csv", PHOTOS)


def test_what_few_specimens_rule_out_is_said_before_training(
    tiny: Params,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    # two folds of three specimens a class, one or two of a class to learn from; both classes are
    # dealt alike, so a fold learns from two or four of them
    curve = {"learning_curve_shares": [0.25, 0.5, 0.9]}
    asked(tmp_path, tiny, 3, evidence=curve, fcnn={"early_stopping_share": 0.25})
    told = CliRunner().invoke(app, ["params"]).stdout
    assert "fcnn.early_stopping_share is 0.25, but at 0.5 of the training specimens" in told
    assert "no specimen can be set aside in 2 of 2 folds, which learn from 1 specimen of" in told
    assert "learning_curve_shares: 0.25 will be skipped, for of 3 training specimens it" in told
    assert "leaves the same as 0.5." in told
    assert "0.9 will be skipped, for of 3 training specimens it leaves the same as all" in told
    monkeypatch.setattr(sys, "argv", ["stage"])
    runpy.run_path(str(TOP / "stages/split.py"), run_name="__main__")
    warned = capsys.readouterr().out
    assert warned.count("WARNING: ") == told.count("as last ingested: ") >= 3
    assert FOLDS_FILE.is_file()
    # enough of everything: nothing to say
    asked(tmp_path, tiny, 12, evidence=curve, fcnn={"early_stopping_share": 0.25})
    assert "as last ingested" not in CliRunner().invoke(app, ["params"]).stdout
    # fewer specimens than folds
    asked(tmp_path, tiny, 2, split={"folds": 3})
    told = CliRunner().invoke(app, ["params"]).stdout
    assert "the stage split will stop. photos.csv: 2 problems" in told
    assert "class a has 4 photos of only 2 specimens, fewer than split.folds = 3" in told


def test_check_says_what_few_specimens_rule_out(
    tiny: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked(tmp_path, tiny, 2, split={"folds": 3})
    for number in range(6):
        save(texture(number), tmp_path / f"photos/{'ab'[number % 2]}/{number}_.png")
    told = CliRunner().invoke(app, ["check", "photos"])
    assert told.exit_code == 0
    assert "Too few specimens" not in told.stdout
    (tmp_path / "photos/a/0_.png").unlink()
    told = CliRunner().invoke(app, ["check", "photos"])
    assert "Too few specimens: the stage split will stop." in told.stdout
    assert "class a has 2 photos, fewer than split.folds = 3" in told.stdout
