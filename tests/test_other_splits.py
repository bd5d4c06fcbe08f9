"""Leakage and the learning curve: which photos train, with real and cheap training."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from modelling import with_features
from synthetic_runs import synthetic_params
from thinsection.base.arrays import Texts
from thinsection.base.places import curve_file
from thinsection.base.tables import FOLDS, PREDICTIONS, SHARES, read_table
from thinsection.dataset.folds import Fold, read_folds
from thinsection.dataset.packed import Dataset, read_dataset
from thinsection.dataset.parts import fold_on_share, folds_on_shares
from thinsection.evidence.other_splits import leakage_table, training_shares_table
from thinsection.evidence.ranking import run_for_leakage
from thinsection.evidence.runs import read_study
from thinsection.experiments.leakage import predict_both_ways, split_folds
from thinsection.experiments.learning_curve import predict_on_shares, write_shares
from thinsection.families.run import Run
from thinsection.params import params_of
from tiny import tiny_params

PARAMS = synthetic_params(leakage_model="decision_tree", leakage_repeats=1)
SETTINGS = PARAMS.fit_settings("baseline")
SHARES_WANTED = PARAMS.evidence.learning_curve_shares


@pytest.fixture(scope="module")
def dataset(study_template: Path) -> Dataset:
    return read_dataset(study_template / "data/ingested")


@pytest.fixture(scope="module")
def folds(study_template: Path, dataset: Dataset) -> list[Fold]:
    return read_folds(dataset.table, study_template / "data/folds.csv")


def parted(folds: list[Fold], groups: Texts) -> int:
    """How many trainings saw a specimen of a photo that was held out."""
    return sum(bool(set(groups[f.train]) & set(groups[f.held_out])) for f in folds)


def test_a_random_split_parts_specimens_and_a_grouped_one_never(dataset: Dataset) -> None:
    groups = dataset.table["group"].to_numpy()
    assert parted(split_folds(dataset.table, "random", 4, 1, 7), groups) == 4
    assert parted(split_folds(dataset.table, "grouped", 4, 1, 7), groups) == 0


def test_the_best_classifier_that_is_trained_may_be_measured() -> None:
    # a mean of others has nothing to train
    best = {
        "average": Run("average", "transfer"),
        "resnet": Run("resnet", "34"),
        "fcnn": Run("fcnn", "4"),
    }
    assert run_for_leakage("best", best) == Run("resnet", "34")
    assert run_for_leakage("svm", best) == Run("baseline", "svm")


def test_both_splits_are_predicted_and_compared(dataset: Dataset, tmp_path: Path) -> None:
    predict_both_ways(
        Run("baseline", "decision_tree"),
        with_features(dataset, None, "pixels", PARAMS),
        SETTINGS,
        4,
        1,
        tmp_path,
    )
    table = leakage_table(dataset, PARAMS.evidence, 7, 0.5, tmp_path).set_index("index")
    for split in ("random", "grouped"):
        rows = read_table(tmp_path / f"{split}.csv", PREDICTIONS)
        assert sorted(rows["sample"]) == sorted(dataset.table["sample"])
        assert table.loc["ca", split] == (rows["label"] == rows["predicted"]).mean()


def test_without_specimens_nothing_leaks(dataset: Dataset, tmp_path: Path) -> None:
    alone = dataset.table.assign(group=dataset.table["sample"])
    assert leakage_table(
        type(dataset)(dataset.pixels, alone), PARAMS.evidence, 7, 0.5, tmp_path
    ).empty


def test_smaller_shares_are_parts_of_larger_ones(dataset: Dataset, folds: list[Fold]) -> None:
    groups = dataset.table["group"].to_numpy()
    parts = [fold_on_share(folds[0], dataset.table, share, 7) for share in (0.25, 0.5, 0.75, 1)]
    for smaller, larger in pairwise(parts):
        assert set(smaller.train) <= set(larger.train)
    assert (parts[-1].train == folds[0].train).all()
    for part in parts:
        assert (part.held_out == folds[0].held_out).all()
        # A specimen is there with all of its photos, or not at all.
        assert np.isin(groups, groups[part.train])[folds[0].train].sum() == len(part.train)
        assert dataset.table["label"].iloc[part.train].nunique() == 4


def test_a_share_of_the_same_specimens_as_a_larger_one_is_skipped(
    dataset: Dataset, folds: list[Fold], tmp_path: Path
) -> None:
    # Five specimens a class over four folds, so that two of one class are held out in one fold at
    # most: three or four of a class train. 0.9 of them, rounded, are all; 0.05 to 0.3 are one.
    shares = [0.05, 0.1, 0.3, 0.9]
    parts, skipped = folds_on_shares(folds, dataset.table, shares, 7)
    assert (list(parts), skipped) == ([0.3], {0.05: 0.1, 0.1: 0.3, 0.9: 1.0})
    examples = with_features(dataset, None, "pixels", PARAMS)
    run = Run("baseline", "decision_tree")
    predict_on_shares(run, examples, folds, shares, SETTINGS, tmp_path)
    assert [path.name for path in (tmp_path / "decision_tree").iterdir()] == ["030.csv"]


def test_learning_curve_is_written_for_every_share(
    dataset: Dataset, folds: list[Fold], tmp_path: Path
) -> None:
    run = Run("baseline", "decision_tree")
    predict_on_shares(
        run,
        with_features(dataset, None, "pixels", PARAMS),
        folds,
        SHARES_WANTED,
        SETTINGS,
        tmp_path,
    )
    write_shares(folds, dataset.table, SHARES_WANTED, PARAMS.seed, tmp_path)
    for share in SHARES_WANTED:
        rows = read_table(curve_file(tmp_path, "decision_tree", share), PREDICTIONS)
        assert len(rows) == len(dataset.table)
    shares = read_table(tmp_path / "shares.csv", SHARES)
    # Five specimens a class over four folds: three or four train, 15 in all on average.
    assert shares.set_index("share")["n_specimens"].loc[1.0] == 15
    assert shares["n_specimens"].is_monotonic_increasing


def test_shares_of_any_number_of_digits_have_a_file_and_a_row_each(
    study_template: Path, dataset: Dataset, folds: list[Fold], tmp_path: Path
) -> None:
    names = [curve_file(Path(), "svm", share).name for share in (0.25, 0.5, 0.05, 0.254, 0.1 + 0.2)]
    assert names == ["025.csv", "050.csv", "005.csv", "0254.csv", "030000000000000004.csv"]
    shares = [0.333333333333, 0.66, 0.6666666666666666]
    examples = with_features(dataset, None, "pixels", PARAMS)
    run = Run("baseline", "decision_tree")
    for share in shares:  # each by itself, for some leave the same specimens
        predict_on_shares(run, examples, folds, [share], SETTINGS, tmp_path)
    write_shares(folds, dataset.table, shares, PARAMS.seed, tmp_path)
    settings = PARAMS.evidence.model_copy(update={"learning_curve_shares": shares[::-1]})
    table = read_table(study_template / "data/folds.csv", FOLDS)
    runs = [each for each in PARAMS.runs if each.family == "baseline"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(study_template)
        study = read_study(runs, dataset, table)
    rows = training_shares_table(study, ["decision_tree"], settings, 7, tmp_path)
    assert rows["share"].tolist() == [*shares, 1]
    assert rows["n_specimens"].is_monotonic_increasing


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.3333333333, 0.3333333334], [0.9999999999]])
def test_shares_that_a_table_can_not_tell_apart_are_refused(shares: list[float]) -> None:
    raw = tiny_params()
    raw["evidence"]["learning_curve_shares"] = shares
    with pytest.raises(ValueError, match="each once, and below 1, in its first eight digits"):
        params_of(raw)
