"""Runs to tables: what counts, what is left out, what stops."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from synthetic_runs import run_stage, synthetic_params
from thinsection import aggregate, plot_tables
from thinsection.comparisons import comparisons_table
from thinsection.dataset import read_dataset
from thinsection.errors import InputError
from thinsection.estimates import estimate
from thinsection.result_tables import INDEXES
from thinsection.runs import delete_unnamed_runs, named_runs, read_study
from thinsection.seeds import generator
from thinsection.statistics import mcnemar
from thinsection.tables import FOLDS, read_table

PARAMS = synthetic_params()
# for what a spoilt file brings about, whatever the number of runs beside it
FEW = PARAMS.model_copy(
    update={
        "fcnn": PARAMS.fcnn.model_copy(update={"hidden_layers": [4, 6]}),
        "resnet": PARAMS.resnet.model_copy(update={"depths": [34]}),
        "baselines": PARAMS.baselines.model_copy(update={"models": ["svm"]}),
    }
)


@pytest.fixture
def root(study_folder):
    return study_folder


@pytest.fixture(scope="module")
def whole(study_template):
    return study_of(study_template)


def study_of(root, params=PARAMS):
    dataset = read_dataset(root / "data/ingested")
    folds = read_table(root / "data/folds.csv", FOLDS)
    return read_study(named_runs(params), dataset, folds, root / "data/runs")


def estimates_of(study):
    repeats = [result.repeats for result in study.results]
    draws = PARAMS.evidence.bootstrap_draws
    return estimate(repeats, study.groups, draws, generator(1, "test"))


def models_of(study):
    return aggregate.models_table(study, estimates_of(study), PARAMS.evidence)


def edit(path, change):
    rows = pd.read_csv(path)
    change(rows).to_csv(path, index=False)


def test_every_named_model_has_a_row_and_its_interval_holds_its_value(whole):
    models = models_of(whole)
    assert list(models["model"]) == [run.model for run in named_runs(PARAMS)]
    assert len(models) == 19
    for index in INDEXES:
        assert (models[f"{index}_low"] <= models[index]).all()
        assert (models[index] <= models[f"{index}_high"]).all()
    assert models["recall"].to_numpy() == pytest.approx(models["ca"].to_numpy())


def test_same_seed_same_tables(whole):
    study = whole
    first, second = models_of(study), models_of(study)
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_all_pairs_are_compared_by_every_test(whole):
    study = whole
    rng = generator(1, "flips")
    pairs = comparisons_table(study, estimates_of(study), PARAMS.evidence, rng)
    counts = pairs.groupby(["test", "index"]).size()
    assert (counts == 19 * 18 / 2).all()
    assert set(pairs["test"]) == {"specimens", "mcnemar", "corrected_t"}
    assert (pairs["p_holm"] >= pairs["p_value"]).all()


def test_p_values_of_a_pair_are_of_its_predictions(compared):
    pairs = pd.read_csv(compared / "metrics/comparisons.csv")
    own = pairs.query("model_a == 'fcnn-2' and model_b == 'svm' and index == 'ca'").set_index(
        "test"
    )
    photos = pd.read_csv(compared / "data/ingested/photos.csv").set_index("photo_id")
    right = []
    for run in ("fcnn/2", "baseline/svm"):
        rows = pd.read_csv(compared / f"data/runs/{run}/predictions.csv").set_index("photo_id")
        right.append((rows["label"] == rows["predicted"]).loc[photos.index])
    by_specimen = (right[0].astype(int) - right[1]).groupby(photos["group"]).sum().to_numpy(float)
    scipys = stats.permutation_test(
        (by_specimen, np.zeros(len(by_specimen))), lambda a, b: np.sum(a - b),
        permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0),
    ).pvalue  # fmt: skip
    assert own.loc["specimens", "p_value"] == pytest.approx(scipys, abs=0.06)  # of 500 flips
    coins = mcnemar(right[0].to_numpy(), right[1].to_numpy())
    assert own.loc["mcnemar", "p_value"] == pytest.approx(coins)


def test_calibration_is_of_the_predictions(compared):
    rows = pd.read_csv(compared / "data/runs/baseline/svm/predictions.csv")
    confidence = rows.filter(regex="^p_").max(axis=1)
    right = rows["label"] == rows["predicted"]
    bins = pd.DataFrame({"confidence": confidence, "right": right}).groupby(
        np.minimum((confidence * 10).astype(int), 9)
    )
    gap = (bins["right"].mean() - bins["confidence"].mean()).abs()
    told = pd.read_csv(compared / "metrics/calibration.csv").set_index("model").loc["svm"]
    assert told["ece"] == pytest.approx((gap * bins.size()).sum() / len(rows))
    assert told["log_loss"] == pytest.approx(rows["loss"].mean())
    shown = pd.read_csv(compared / "metrics/plots/reliability.csv").query("model == 'svm'")
    as_it_is = shown[(shown["scaled"] == 0) & (shown["n_photos"] > 0)].set_index("bin")
    assert as_it_is["accuracy"].to_dict() == pytest.approx(bins["right"].mean().to_dict())


def test_paper_tables_stand_beside_ours(whole):
    models = models_of(whole)
    paper = aggregate.paper_table(models, 0.95)
    ours = models.set_index("model")["ca"]
    row = paper[(paper["table"] == 2) & (paper["model"] == "fcnn-12")].iloc[0]
    assert (row["ca_paper"], row["n_photos_paper"]) == (0.713, 108)
    assert row["ca"] == ours["fcnn-12"]
    assert len(paper) == 11 + 6
    # Every CA of the paper is a whole number over 108 or 95, and recall equals it.
    for table, n in ((2, 108), (3, 95)):
        rows = paper[(paper["table"] == table) & (paper["model"] != "fcnn-10")]
        right = rows["ca_paper"] * n
        assert (abs(right - right.round()) < 0.0005 * n).all()
        assert (rows["recall_paper"] == rows["ca_paper"]).all()


def test_best_model_is_expected_to_do_less_well_than_where_it_was_picked(compared):
    models = pd.read_csv(compared / "metrics/models.csv").set_index("model")
    picked = pd.read_csv(compared / "metrics/selection.csv").iloc[0]
    assert models.loc[picked["model"], "ca"] == models["ca"].max()  # one of them, if equal
    assert picked["n_models"] == len(models)
    assert picked["ca"] == models["ca"].max()
    assert picked["expected_low"] < picked["expected"] < picked["expected_high"]
    # models of one skill were picked from: some of the lead is luck
    assert picked["expected"] < picked["ca"] - 0.005


def test_confusions_are_the_commonest_of_the_best_model(compared):
    gallery = pd.read_csv(compared / "metrics/gallery.csv").query("gallery == 'confusions'")
    assert gallery["model"].unique().tolist() == [
        pd.read_csv(compared / "metrics/selection.csv")["model"].iloc[0]
    ]
    shown = gallery.groupby(["label", "predicted"], sort=False)
    counts = pd.read_csv(compared / "metrics/confusion.csv").query(
        "model == @gallery.model.iloc[0] and label != predicted and n_photos > 0"
    )
    counts = counts.set_index(["label", "predicted"])["n_photos"]
    assert len(shown) == min(6, len(counts))
    assert [counts[pair] for pair, _ in shown] == sorted(counts, reverse=True)[: len(shown)]
    for pair, rows in shown:
        assert len(rows) == min(8, counts[pair])


def test_specimens_are_told_by_their_photos(compared):
    specimens = pd.read_csv(compared / "metrics/specimens.csv")
    files = compared.glob("data/runs/*/*/predictions.csv")
    runs = {"-".join(file.parts[-3:-1]): pd.read_csv(file) for file in files}
    photos = pd.read_csv(compared / "data/ingested/photos.csv").set_index("photo_id")
    hardest, best = specimens.iloc[0], pd.read_csv(compared / "metrics/selection.csv")["model"][0]
    own = {
        name: rows[rows["photo_id"].map(photos["specimen"]) == hardest["specimen"]]
        for name, rows in runs.items()
    }
    right = {name: (rows["label"] == rows["predicted"]).mean() for name, rows in own.items()}
    assert len(specimens) == 20
    assert len(right) == 19
    assert hardest["right_of_all"] == pytest.approx(np.mean(list(right.values())))
    assert hardest["right"] == pytest.approx(right[best])
    assert (specimens["n_photos"] == 3).all()
    named = own[best]["predicted"]
    assert hardest["mostly_named"] in named.mode().tolist()
    assert specimens["right_of_all"].is_monotonic_increasing


def test_summary_holds_numbers_only(compared):
    numbers = json.loads((compared / "metrics/summary.json").read_text())
    models = pd.read_csv(compared / "metrics/models.csv")
    assert numbers["best"]["ca"] == round(models["ca"].max(), 4)
    assert {file.stem for file in (compared / "metrics/indexes").iterdir()} == set(models["model"])
    assert numbers["expected"]["expected"] < numbers["best"]["ca"]
    first = models.iloc[0]
    own = json.loads((compared / f"metrics/indexes/{first['model']}.json").read_text())
    assert own == {index: round(first[index], 4) for index in INDEXES}
    assert numbers["leakage"]["gap"] == pytest.approx(
        numbers["leakage"]["random"] - numbers["leakage"]["grouped"], abs=1e-4
    )

    def leaves(tree):
        for branch in tree.values():
            yield from leaves(branch) if isinstance(branch, dict) else [branch]

    assert all(isinstance(leaf, float) for leaf in leaves(numbers))


def test_depth_sweep_has_its_trend(compared):
    depth = pd.read_csv(compared / "metrics/depth.csv").set_index(["family", "index"])
    models = pd.read_csv(compared / "metrics/models.csv").query("family == 'fcnn'")
    slope = np.polyfit(models["name"].astype(int) / 10, models["ca"], 1)[0]
    row = depth.loc[("fcnn", "ca")]
    assert row["slope"] == pytest.approx(slope)
    assert row["low"] < slope < row["high"]
    resnets = pd.read_csv(compared / "metrics/models.csv").query("family == 'resnet'")
    slope = np.polyfit(np.log2(resnets["name"].astype(int)), resnets["ca"], 1)[0]
    assert depth.loc[("resnet", "ca"), "slope"] == pytest.approx(slope)


def test_leakage_and_learning_curve_are_computed_from_predictions(compared):
    gap = pd.read_csv(compared / "metrics/leakage.csv").set_index("index").loc["ca"]
    for split in ("random", "grouped"):
        rows = pd.read_csv(compared / f"data/leakage/{split}.csv")
        assert gap[split] == pytest.approx((rows["label"] == rows["predicted"]).mean())
    assert 0 < gap["gap_low"] < gap["gap"] < gap["gap_high"]
    shares = pd.read_csv(compared / "metrics/training_shares.csv")
    assert shares["share"].unique().tolist() == [0.25, 0.5, 0.75, 1]
    models = pd.read_csv(compared / "metrics/models.csv").set_index("model")
    whole = shares[shares["share"] == 1].set_index("model")["ca"]
    assert whole.to_numpy() == pytest.approx(models.loc[whole.index, "ca"].to_numpy())


def test_gain_of_more_specimens_is_that_of_the_step(compared):
    shares = pd.read_csv(compared / "metrics/training_shares.csv")
    for _, steps in shares.groupby("model"):
        assert steps["gain"].iloc[1:].to_numpy() == pytest.approx(np.diff(steps["ca"]))
        assert steps["gain"].iloc[:1].isna().all()
        assert (steps["gain_low"] < steps["gain"]).iloc[1:].all()


def test_dead_units_are_the_mean_of_the_folds(whole):
    assert plot_tables.dead_units(whole).empty
    first, *others = whole.results
    share = first.gradients["fold"] / 10 + (first.gradients["epoch"] == 5) / 2
    told = replace(first, gradients=first.gradients.assign(dead_share=share))
    rows = plot_tables.dead_units(replace(whole, results=[told, *others]))
    assert set(rows["hidden_layers"]) == {first.run.depth}
    assert rows["first_epoch"].to_numpy() == pytest.approx(0.15)  # folds 0 to 3
    assert rows["last_epoch"].to_numpy() == pytest.approx(0.65)


def test_galleries_are_of_the_models_that_the_paper_shows(compared):
    gallery = pd.read_csv(compared / "metrics/gallery.csv")
    of = dict(list(gallery.groupby("gallery")))
    models = pd.read_csv(compared / "metrics/models.csv").set_index("model")
    fcnn = models.query("family == 'fcnn'").sort_values(["ca", "auc"]).index[-1]
    assert {name: rows["model"].unique().tolist() for name, rows in of.items()} == {
        "examples": [fcnn],
        "mistakes": [fcnn],
        "resnet": ["resnet-152"],
        "worst": of["worst"]["model"].unique().tolist(),
        "confusions": of["confusions"]["model"].unique().tolist(),
    }
    assert (of["mistakes"]["label"] != of["mistakes"]["predicted"]).all()
    assert of["examples"]["label"].value_counts().tolist() == [2, 2, 2, 2]
    assert len(of["mistakes"]) == 8
    assert models["family"].loc[of["worst"]["model"].unique()].is_unique
    for model, rows in of["worst"].groupby("model"):
        assert len(rows) == min(12, round(60 * (1 - models.loc[model, "ca"])))  # of 60 photos


def test_similar_photos_are_of_other_folds(compared):
    gallery = pd.read_csv(compared / "metrics/gallery.csv").query("gallery == 'worst'")
    fold = pd.read_csv(compared / "data/folds.csv").set_index("photo_id")["fold"]
    assert len(gallery) > 12
    assert (fold[gallery["similar_photo_id"]].to_numpy() != gallery["fold"]).all()
    assert (gallery["label"] != gallery["predicted"]).all()


def test_stage_writes_the_same_bytes_again(compared):
    first = {path: path.read_bytes() for path in (compared / "metrics").rglob("*.*")}
    run_stage(compared, "aggregate")
    assert all(path.read_bytes() == content for path, content in first.items())
    assert not any(b"\r" in content for content in first.values())


def test_run_that_params_name_no_more_is_deleted(root):
    runs = named_runs(PARAMS)
    stranger = root / "data/runs/fcnn/24"
    stranger.mkdir()
    assert delete_unnamed_runs(runs, root / "data/runs") == [stranger]
    assert (root / "data/runs/fcnn/22").is_dir()
    assert not stranger.exists()


def test_missing_run_is_left_out_with_the_reason(root):
    (root / "data/runs/resnet/34/predictions.csv").unlink()
    study = study_of(root, FEW)
    assert len(study.results) == 3
    assert study.left_out["model"].tolist() == ["resnet-34"]
    assert "34/predictions.csv is missing or empty" in study.left_out["reason"].iloc[0]


def test_half_a_run_is_left_out_with_the_reason(root):
    edit(root / "data/runs/fcnn/4/predictions.csv", lambda rows: rows.iloc[:50])
    reason = study_of(root, FEW).left_out["reason"].iloc[0]
    assert "lacks 10 of 60 rows" in reason


def test_run_without_rows_is_left_out_with_the_reason(root):
    edit(root / "data/runs/fcnn/4/predictions.csv", lambda rows: rows.iloc[:0])
    (root / "data/runs/fcnn/6/predictions.csv").write_bytes(b"")
    reasons = study_of(root, FEW).left_out.set_index("model")["reason"]
    assert "lacks 60 of 60 rows" in reasons["fcnn-4"]
    assert "missing or empty" in reasons["fcnn-6"]


@pytest.mark.parametrize("half", ['{"n_parame', "{}", '{"n_parameters": "many"}', "[]"])
def test_half_written_facts_are_left_out_with_the_reason(root, half):
    (root / "data/runs/fcnn/4/model.json").write_text(half)
    assert "model.json is not whole" in study_of(root, FEW).left_out["reason"].iloc[0]


def test_probabilities_that_are_none_are_left_out(root):
    def spoil(rows):
        rows.loc[3, "p_augite"] += 0.2
        return rows

    edit(root / "data/runs/fcnn/4/predictions.csv", spoil)
    reason = study_of(root, FEW).left_out["reason"].iloc[0]
    assert "1 rows are not probabilities" in reason


@pytest.mark.parametrize(
    ("column", "wrong", "message"),
    [
        ("label", "olivine", "label is olivine, not so in photos.csv"),
        ("fold", 9, "held out in fold 9, not so in folds.csv"),
        ("predicted", "quartz", "predicted 'quartz' is no class"),
        ("p_biotite", float("nan"), "svm, fold .: a probability or loss is not a number"),
        ("photo_id", "elsewhere.jpg", "not in photos.csv and folds.csv"),
    ],
)
def test_contradiction_stops_and_names_the_row(root, column, wrong, message):
    path = root / "data/runs/baseline/svm/predictions.csv"
    photo = pd.read_csv(path)["photo_id"][0] if column != "photo_id" else "elsewhere.jpg"

    def spoil(rows):
        rows[column] = rows[column].astype(object)
        rows.loc[0, column] = wrong
        return rows

    edit(path, spoil)
    with pytest.raises(InputError, match=message) as error:
        study_of(root, FEW)
    assert f"{photo} in repeat 0" in str(error.value)


def test_photo_in_two_folds_stops(root):
    edit(root / "data/folds.csv", lambda rows: pd.concat([rows, rows.head(1).assign(fold=3)]))
    with pytest.raises(InputError, match="stands 2 times"):
        study_of(root, FEW)


def test_photo_without_a_fold_stops(root):
    edit(root / "data/folds.csv", lambda rows: rows.iloc[1:])
    with pytest.raises(InputError, match="has no fold in some repeat"):
        study_of(root, FEW)


def test_no_usable_run_stops(root):
    for path in (root / "data/runs").glob("*/*/predictions.csv"):
        path.unlink()
    with pytest.raises(InputError, match="no run can be used"):
        study_of(root, FEW)
