"""Runs to tables: what counts, what is left out, what stops."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthetic_runs import run_stage, synthetic_params
from thinsection.base.errors import InputError
from thinsection.base.seeds import generator
from thinsection.base.tables import FOLDS, read_table
from thinsection.dataset.packed import read_dataset
from thinsection.evidence import aggregate, plot_tables
from thinsection.evidence.comparisons import comparisons_table
from thinsection.evidence.estimates import Estimates, estimate
from thinsection.evidence.paper import paper_table, paper_trend
from thinsection.evidence.result_tables import INDEXES
from thinsection.evidence.runs import Study, delete_unnamed_runs, read_study
from thinsection.params import Params

PARAMS = synthetic_params()
# for what a spoilt file brings about, whatever the number of runs beside it
FEW = PARAMS.model_copy(
    update={
        "fcnn": PARAMS.fcnn.model_copy(update={"hidden_layers": [4, 6]}),
        "resnet": PARAMS.resnet.model_copy(update={"depths": [34]}),
        "baselines": PARAMS.baselines.model_copy(update={"models": ["svm"]}),
        "petrographic": PARAMS.petrographic.model_copy(update={"models": ["svm"]}),
    }
)


@pytest.fixture
def root(study_folder: Path) -> Path:
    return study_folder


@pytest.fixture(scope="module")
def whole(study_template: Path) -> Study:
    return study_of(study_template)


def study_of(root: Path, params: Params = PARAMS) -> Study:
    dataset = read_dataset(root / "data/ingested")
    folds = read_table(root / "data/folds.csv", FOLDS)
    return read_study(params.runs, dataset, folds, root / "data/runs")


def estimates_of(study: Study) -> Estimates:
    repeats = [result.repeats for result in study.results]
    draws = PARAMS.evidence.bootstrap_draws
    return estimate(repeats, study.groups, draws, generator(1, "test"), 0.5)


def models_of(study: Study) -> pd.DataFrame:
    return aggregate.models_table(study, estimates_of(study), PARAMS.evidence)


def edit(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    rows = pd.read_csv(path)
    change(rows).to_csv(path, index=False)


def test_every_named_model_has_a_row_and_its_interval_holds_its_value(whole: Study) -> None:
    models = models_of(whole)
    assert list(models["model"]) == [run.model for run in PARAMS.runs]
    assert len(models) == len(PARAMS.runs)
    for index in INDEXES:
        assert (models[f"{index}_low"] <= models[index]).all()
        assert (models[index] <= models[f"{index}_high"]).all()
    assert models["recall"].to_numpy() == pytest.approx(models["ca"].to_numpy())


def test_same_seed_same_tables(whole: Study) -> None:
    study = whole
    first, second = models_of(study), models_of(study)
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_all_pairs_are_compared_by_every_test(whole: Study) -> None:
    study = whole
    rng = generator(1, "flips")
    pairs = comparisons_table(study, estimates_of(study), PARAMS.evidence, rng)
    counts = pairs.groupby(["test", "index"]).size()
    assert (counts == len(PARAMS.runs) * (len(PARAMS.runs) - 1) / 2).all()
    assert set(pairs["test"]) == {"specimens", "mcnemar", "corrected_t"}
    assert (pairs["p_holm"] >= pairs["p_value"]).all()


def test_paper_tables_stand_beside_ours(whole: Study) -> None:
    models = models_of(whole)
    paper = paper_table(models, 0.95)
    ours = models.set_index("model")["ca"]
    row = paper[(paper["table"] == 2) & (paper["model"] == "fcnn-12")].iloc[0]
    assert (row["ca_paper"], row["n_photos_paper"]) == (0.713, 108)
    assert row["ca"] == ours["fcnn-12"]
    assert len(paper) == 1 + 11 + 6
    # Every CA of the paper is a whole number over 108 or 95, and recall equals it.
    for table, n in ((2, 108), (3, 95)):
        rows = paper[(paper["table"] == table) & (paper["model"] != "fcnn-10")]
        right = rows["ca_paper"] * n
        assert (abs(right - right.round()) < 0.0005 * n).all()
        assert (rows["recall_paper"] == rows["ca_paper"]).all()


def test_the_papers_own_trend_stands_beside_ours() -> None:
    depth = pd.DataFrame(
        {"family": "fcnn", "index": ["ca", "auc"], "slope": -0.01, "low": -0.03, "high": 0.01}
    )
    trend = paper_trend(depth, 40, 0.95).set_index("index")
    # by hand, of its Table 2: CA falls from 0.80 to 0.76 over twenty layers
    assert trend.loc["ca", "slope_paper"] == pytest.approx(-0.0193, abs=5e-4)
    assert trend.loc["ca", "error_paper"] == pytest.approx(0.0142, abs=5e-4)
    assert trend.loc["ca", "p_paper"] == pytest.approx(0.21, abs=0.005)
    assert trend.loc["f1", "slope_paper"] == pytest.approx(-0.034, abs=5e-4)
    assert trend.loc["f1", "p_paper"] == pytest.approx(0.04, abs=0.005)
    assert trend.loc["ca", "low"] == -0.03
    # our standard error is 0.02 / 1.96 with 40 specimens; 2.80 of them are to be 0.0193
    needed = 40 * (2.80 * 0.0102 / 0.0193) ** 2
    assert trend.loc["ca", "n_specimens"] == pytest.approx(needed, rel=0.05)
    assert trend["slope"].isna()["f1"]  # depth.csv has none of F1


def test_summary_holds_numbers_only(compared: Path) -> None:
    numbers = json.loads((compared / "metrics/summary.json").read_text())
    models = pd.read_csv(compared / "metrics/tables/models.csv")
    assert numbers["best"]["ca"] == round(models["ca"].max(), 4)
    assert {file.stem for file in (compared / "metrics/indexes").iterdir()} == set(models["model"])
    assert numbers["expected"]["ca"] < numbers["best"]["ca"]
    first = models.iloc[0]
    own = json.loads((compared / f"metrics/indexes/{first['model']}.json").read_text())
    assert own == {index: round(first[index], 4) for index in INDEXES}
    assert numbers["leakage"]["gap"] == pytest.approx(
        numbers["leakage"]["random"] - numbers["leakage"]["grouped"], abs=1e-4
    )

    def leaves(tree: dict[str, Any]) -> Iterator[object]:
        for branch in tree.values():
            yield from leaves(branch) if isinstance(branch, dict) else [branch]

    assert all(isinstance(leaf, float) for leaf in leaves(numbers))


def test_dead_units_are_the_mean_of_the_folds(whole: Study) -> None:
    assert plot_tables.dead_units(whole).empty
    first, *others = whole.results
    assert first.gradients is not None
    share = first.gradients["fold"] / 10 + (first.gradients["epoch"] == 5) / 2
    told = replace(first, gradients=first.gradients.assign(dead_share=share))
    rows = plot_tables.dead_units(replace(whole, results=[told, *others]))
    assert set(rows["hidden_layers"]) == {first.run.depth}
    assert rows["first_epoch"].to_numpy() == pytest.approx(0.15)  # folds 0 to 3
    assert rows["last_epoch"].to_numpy() == pytest.approx(0.65)


def test_stage_writes_the_same_bytes_again(compared: Path) -> None:
    first = {path: path.read_bytes() for path in (compared / "metrics").rglob("*.*")}
    run_stage(compared, "aggregate")
    assert all(path.read_bytes() == content for path, content in first.items())
    assert not any(b"\r" in content for content in first.values())


def test_run_that_params_name_no_more_is_deleted(root: Path) -> None:
    runs = PARAMS.runs
    stranger = root / "data/runs/fcnn/24"
    stranger.mkdir()
    assert delete_unnamed_runs(runs, root / "data/runs") == [stranger]
    assert (root / "data/runs/fcnn/22").is_dir()
    assert not stranger.exists()


def test_missing_run_is_left_out_with_the_reason(root: Path) -> None:
    (root / "data/runs/resnet/34/predictions.csv").unlink()
    study = study_of(root, FEW)
    assert len(study.results) == len(FEW.runs) - 1
    assert study.left_out["model"].tolist() == ["resnet-34"]
    assert "34/predictions.csv is missing or empty" in study.left_out["reason"].iloc[0]


def test_half_a_run_is_left_out_with_the_reason(root: Path) -> None:
    edit(root / "data/runs/fcnn/4/predictions.csv", lambda rows: rows.iloc[:50])
    reason = study_of(root, FEW).left_out["reason"].iloc[0]
    assert "lacks 10 of 60 rows" in reason


def test_run_without_rows_is_left_out_with_the_reason(root: Path) -> None:
    edit(root / "data/runs/fcnn/4/predictions.csv", lambda rows: rows.iloc[:0])
    (root / "data/runs/fcnn/6/predictions.csv").write_bytes(b"")
    reasons = study_of(root, FEW).left_out.set_index("model")["reason"]
    assert "lacks 60 of 60 rows" in reasons["fcnn-4"]
    assert "missing or empty" in reasons["fcnn-6"]


@pytest.mark.parametrize("half", ['{"n_parame', "{}", '{"n_parameters": "many"}', "[]"])
def test_half_written_facts_are_left_out_with_the_reason(root: Path, half: str) -> None:
    (root / "data/runs/fcnn/4/model.json").write_text(half)
    assert "model.json is incomplete" in study_of(root, FEW).left_out["reason"].iloc[0]


def test_probabilities_that_are_none_are_left_out(root: Path) -> None:
    def spoil(rows: pd.DataFrame) -> pd.DataFrame:
        more = rows["p_augite"].where(rows.index != 3, rows["p_augite"] + 0.2)
        return rows.assign(p_augite=more)

    edit(root / "data/runs/fcnn/4/predictions.csv", spoil)
    reason = study_of(root, FEW).left_out["reason"].iloc[0]
    assert "in 1 rows the probabilities are negative or" in reason


@pytest.mark.parametrize(
    ("column", "wrong", "message"),
    [
        ("label", "olivine", "its label olivine differs from photos.csv"),
        ("fold", 9, "its fold 9 differs from folds.csv"),
        ("predicted", "quartz", "predicted 'quartz' is not a class"),
        ("p_biotite", float("nan"), "svm, fold .: a probability or loss is not a number"),
        ("sample", "elsewhere.jpg", "not in photos.csv and folds.csv"),
    ],
)
def test_contradiction_stops_and_names_the_row(
    root: Path, column: str, wrong: str | float, message: str
) -> None:
    path = root / "data/runs/baseline/svm/predictions.csv"
    photo = pd.read_csv(path)["sample"][0] if column != "sample" else "elsewhere.jpg"

    def spoil(rows: pd.DataFrame) -> pd.DataFrame:
        rows[column] = rows[column].astype(object)
        rows.loc[0, column] = wrong
        return rows

    edit(path, spoil)
    with pytest.raises(InputError, match=message) as error:
        study_of(root, FEW)
    assert f"{photo} in repeat 0" in str(error.value)


def test_photo_in_two_folds_stops(root: Path) -> None:
    edit(root / "data/folds.csv", lambda rows: pd.concat([rows, rows.head(1).assign(fold=3)]))
    with pytest.raises(InputError, match="occurs 2 times"):
        study_of(root, FEW)


def test_photo_without_a_fold_stops(root: Path) -> None:
    edit(root / "data/folds.csv", lambda rows: rows.iloc[1:])
    with pytest.raises(InputError, match="has no fold in some repeat"):
        study_of(root, FEW)


def test_no_usable_run_stops(root: Path) -> None:
    for path in (root / "data/runs").glob("*/*/predictions.csv"):
        path.unlink()
    with pytest.raises(InputError, match="no run can be used"):
        study_of(root, FEW)
