"""The numbers of metrics/, each worked out again from the predictions that it is of."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from synthetic_runs import synthetic_params
from thinsection.base.arrays import Floats, Texts
from thinsection.base.tables import FOLDS, read_table
from thinsection.dataset.packed import read_dataset
from thinsection.evidence.breakdowns import specimens_table
from thinsection.evidence.choice import chosen
from thinsection.evidence.other_splits import leakage_table
from thinsection.evidence.runs import read_study
from thinsection.evidence.statistics import corrected_t, mcnemar, practical_probabilities

PARAMS = synthetic_params()


def right_of(root: Path, file: str | Path) -> tuple[Floats, Texts]:
    """Of each photo, in the order of photos.csv, the share of repeats in which it is named rightly."""
    photos = pd.read_csv(root / "data/ingested/photos.csv")
    rows = pd.read_csv(root / file)
    right = (rows["label"] == rows["predicted"]).astype(float).groupby(rows["sample"]).mean()
    shares: pd.Series[float] = right.loc[photos["sample"]]
    return shares.to_numpy(float), photos["group"].to_numpy(str)


def best_of(root: Path) -> str:
    """The model of the highest accuracy."""
    models = pd.read_csv(root / "metrics/tables/models.csv")
    return str(models.sort_values(["ca", "auc"])["model"].iloc[-1])


def half_width(differences: Floats, groups: Texts) -> float:
    """Of the 95 % interval of a mean over 20 specimens of 3 photos: Student's t, 19 degrees."""
    by_specimen = pd.Series(differences).groupby(groups).mean()
    return float(stats.t.ppf(0.975, 19) * by_specimen.std() / np.sqrt(20))


def test_a_pair_is_compared_on_its_own_predictions(compared: Path) -> None:
    pairs = pd.read_csv(compared / "metrics/tables/comparisons.csv").query("index == 'ca'")
    by_specimens = pairs[pairs["test"] == "specimens"]
    undecided = int((by_specimens["p_value"] - 0.2).abs().to_numpy().argmin())
    a, b = (by_specimens[name].iloc[undecided] for name in ("model_a", "model_b"))
    own = pairs.query("model_a == @a and model_b == @b").set_index("test")
    folder = {run.model: run.folder(Path("data/runs")) for run in PARAMS.runs}
    right = {model: right_of(compared, folder[model] / "predictions.csv") for model in (a, b)}
    difference, groups = right[a][0] - right[b][0], right[a][1]
    by_specimen = pd.Series(difference).groupby(groups).sum().to_numpy()
    assert difference.mean() != 0
    scipys = stats.permutation_test(
        (by_specimen, np.zeros(len(by_specimen))), lambda x, y: np.sum(x - y),
        permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0),
    ).pvalue  # fmt: skip
    row = own.loc["specimens"]
    assert row["p_value"] == pytest.approx(scipys, abs=0.06)  # of 500 flips
    assert row["difference"] == pytest.approx(difference.mean())
    assert (row["low"] + row["high"]) / 2 == pytest.approx(difference.mean())
    # 200 draws tell a standard error to 5 %
    width = half_width(difference, groups)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(width, rel=0.2)
    coins = mcnemar(right[a][0] == 1, right[b][0] == 1)
    assert own.loc["mcnemar", "p_value"] == pytest.approx(coins)
    fold = pd.read_csv(compared / "data/folds.csv").set_index("sample")["fold"]
    photos = pd.read_csv(compared / "data/ingested/photos.csv")["sample"]
    by_fold = pd.Series(difference).groupby(fold.loc[photos].to_numpy()).mean().to_numpy()
    by_t = corrected_t(by_fold, 1 / 3, 0.95)
    told = own.loc["corrected_t", ["difference", "low", "high", "p_value"]].astype(float)
    assert told.to_numpy() == pytest.approx(np.array(by_t), abs=1e-7)
    practical = pd.read_csv(compared / "metrics/tables/practical.csv").set_index(
        ["model_a", "model_b"]
    )
    chances = practical_probabilities(by_fold, 1 / 3, PARAMS.evidence.rope)
    assert practical.loc[(a, b), "p_a_better"] == pytest.approx(chances.first_better)


def test_calibration_is_of_the_predictions(compared: Path) -> None:
    rows = pd.read_csv(compared / "data/runs/baseline/svm/predictions.csv")
    confidence = rows.filter(regex="^p_").max(axis=1)
    right = rows["label"] == rows["predicted"]
    bins = pd.DataFrame({"confidence": confidence, "right": right}).groupby(
        np.minimum((confidence * 10).astype(int), 9)
    )
    gap = (bins["right"].mean() - bins["confidence"].mean()).abs()
    told = pd.read_csv(compared / "metrics/tables/calibration.csv").set_index("model").loc["svm"]
    assert told["ece"] == pytest.approx((gap * bins.size()).sum() / len(rows))
    assert told["log_loss"] == pytest.approx(rows["loss"].mean())
    shown = pd.read_csv(compared / "metrics/plots/reliability.csv").query("model == 'svm'")
    as_it_is = shown[(shown["scaled"] == 0) & (shown["n_photos"] > 0)].set_index("bin")
    assert as_it_is["accuracy"].to_dict() == pytest.approx(bins["right"].mean().to_dict())


def test_best_model_is_expected_to_do_less_well_than_where_it_was_picked(compared: Path) -> None:
    models = pd.read_csv(compared / "metrics/tables/models.csv").set_index("model")
    picked = pd.read_csv(compared / "metrics/tables/selection.csv").iloc[0]
    # the one that the stage final would take
    rope = synthetic_params().evidence.rope
    assert picked["model"] == chosen(models.reset_index(), "best", rope)["model"]
    assert picked["n_models"] == len(models)
    assert picked["ca"] == models.loc[picked["model"], "ca"]
    assert picked["expected_low"] < picked["expected"] < picked["expected_high"]
    # models of one skill were picked from: some of the lead is luck
    assert picked["expected"] < picked["ca"] - 0.005


def test_confusions_are_the_commonest_of_the_best_model(compared: Path) -> None:
    gallery = pd.read_csv(compared / "metrics/tables/gallery.csv").query("gallery == 'confusions'")
    assert gallery["model"].unique().tolist() == [best_of(compared)]
    shown = gallery.groupby(["label", "predicted"], sort=False)
    confused = pd.read_csv(compared / "metrics/tables/confusion.csv").query(
        "model == @gallery.model.iloc[0] and label != predicted and n_photos > 0"
    )
    counts = confused.set_index(["label", "predicted"])["n_photos"].to_dict()
    assert len(shown) == min(6, len(counts))
    assert [counts[pair] for pair, _ in shown] == sorted(counts.values(), reverse=True)[
        : len(shown)
    ]
    for pair, rows in shown:
        assert len(rows) == min(8, counts[pair])


def test_specimens_are_told_by_their_photos(compared: Path) -> None:
    specimens = pd.read_csv(compared / "metrics/tables/specimens.csv")
    files = compared.glob("data/runs/*/*/predictions.csv")
    runs = {"-".join(file.parts[-3:-1]): pd.read_csv(file) for file in files}
    photos = pd.read_csv(compared / "data/ingested/photos.csv").set_index("sample")
    hardest, best = specimens.iloc[0], best_of(compared)
    own = {
        name: rows[rows["sample"].map(photos["specimen"]) == hardest["specimen"]]
        for name, rows in runs.items()
    }
    right = {name: (rows["label"] == rows["predicted"]).mean() for name, rows in own.items()}
    assert len(specimens) == 20
    assert len(right) == 24
    assert hardest["right_of_all"] == pytest.approx(np.mean(list(right.values())))
    assert hardest["right"] == pytest.approx(right[best])
    assert (specimens["n_photos"] == 3).all()
    named = own[best]["predicted"]
    assert hardest["mostly_named"] in named.mode().tolist()
    assert specimens["right_of_all"].is_monotonic_increasing


def test_depth_sweep_has_its_trend(compared: Path) -> None:
    depth = pd.read_csv(compared / "metrics/tables/depth.csv").set_index(["family", "index"])
    models = pd.read_csv(compared / "metrics/tables/models.csv").query("family == 'fcnn'")
    slope = np.polyfit(models["name"].astype(int) / 10, models["ca"], 1)[0]
    assert depth["slope"].loc["fcnn", "ca"] == pytest.approx(slope)
    assert depth["low"].loc["fcnn", "ca"] < slope < depth["high"].loc["fcnn", "ca"]
    resnets = pd.read_csv(compared / "metrics/tables/models.csv").query("family == 'resnet'")
    slope = np.polyfit(np.log2(resnets["name"].astype(int)), resnets["ca"], 1)[0]
    assert depth["slope"].loc["resnet", "ca"] == pytest.approx(slope)


def test_leakage_and_learning_curve_are_computed_from_predictions(compared: Path) -> None:
    gap = pd.read_csv(compared / "metrics/tables/leakage.csv").set_index("index").loc["ca"]
    for split in ("random", "grouped"):
        rows = pd.read_csv(compared / f"data/leakage/{split}.csv")
        assert gap[split] == pytest.approx((rows["label"] == rows["predicted"]).mean())
    assert 0 < gap["gap_low"] < gap["gap"] < gap["gap_high"]
    assert gap["n_repeats"] == 1
    assert gap["gap"] == pytest.approx(gap["random"] - gap["grouped"])
    told, expected = (right_of(compared, f"data/leakage/{s}.csv") for s in ("random", "grouped"))
    width = half_width(told[0] - expected[0], told[1])
    assert (gap["gap_high"] - gap["gap_low"]) / 2 == pytest.approx(width, rel=0.2)
    shares = pd.read_csv(compared / "metrics/tables/training_shares.csv")
    assert shares["share"].unique().tolist() == [0.25, 0.5, 0.75, 1]
    models = pd.read_csv(compared / "metrics/tables/models.csv").set_index("model")
    whole = shares[shares["share"] == 1].set_index("model")["ca"]
    assert whole.to_numpy() == pytest.approx(models.loc[whole.index, "ca"].to_numpy())


def test_gain_of_more_specimens_is_that_of_the_step(compared: Path) -> None:
    shares = pd.read_csv(compared / "metrics/tables/training_shares.csv")
    for _, steps in shares.groupby("model"):
        assert steps["gain"].iloc[1:].to_numpy() == pytest.approx(np.diff(steps["ca"]))
        assert steps["gain"].iloc[:1].isna().all()
        assert (steps["gain_low"] < steps["gain"]).iloc[1:].all()
    model = shares["model"].iloc[0]
    last = shares[(shares["model"] == model) & (shares["share"] == 1)].iloc[0]
    folder = {run.model: run.folder(Path("data/runs")) for run in PARAMS.runs}[model]
    whole, groups = right_of(compared, folder / "predictions.csv")
    part, _ = right_of(compared, f"data/learning_curve/{model}/075.csv")
    width = half_width(whole - part, groups)
    assert (last["gain_high"] - last["gain_low"]) / 2 == pytest.approx(width, rel=0.2)


def test_galleries_are_of_the_models_that_the_paper_shows(compared: Path) -> None:
    gallery = pd.read_csv(compared / "metrics/tables/gallery.csv")
    of = dict(list(gallery.groupby("gallery")))
    models = pd.read_csv(compared / "metrics/tables/models.csv").set_index("model")
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
        assert len(rows) == min(12, round(60 * (1 - models["ca"].loc[model])))  # of 60 photos


def test_similar_photos_are_of_other_folds(compared: Path) -> None:
    gallery = pd.read_csv(compared / "metrics/tables/gallery.csv").query("gallery == 'worst'")
    fold = pd.read_csv(compared / "data/folds.csv").set_index("sample")["fold"]
    assert len(gallery) > 12
    assert (fold[gallery["similar_sample"]].to_numpy() != gallery["fold"]).all()
    assert (gallery["label"] != gallery["predicted"]).all()


def test_leakage_is_not_told_where_no_two_photos_share_a_specimen(study_folder: Path) -> None:
    folder = study_folder / "data/leakage"
    dataset = read_dataset(study_folder / "data/ingested")
    assert len(leakage_table(dataset, PARAMS.evidence, 1, 0.5, folder))
    alone = dataset.photos.assign(group=dataset.photos["sample"])
    assert leakage_table(replace(dataset, photos=alone), PARAMS.evidence, 1, 0.5, folder).empty


def test_shares_of_a_confusion_are_of_the_true_class(compared: Path) -> None:
    rows = pd.read_csv(compared / "metrics/tables/confusion.csv")
    assert (rows["share"] * 15).to_numpy() == pytest.approx(rows["n_photos"].to_numpy())  # of 15
    assert rows.groupby("model")["n_photos"].sum().eq(60).all()


def test_a_specimen_without_one_name_is_named_by_its_group(study_folder: Path) -> None:
    dataset = read_dataset(study_folder / "data/ingested")
    study = read_study(
        PARAMS.runs,
        dataset,
        read_table(study_folder / "data/folds.csv", FOLDS),
        study_folder / "data/runs",
    )
    table = dataset.photos.assign(group="g-" + dataset.photos["group"])
    table.loc[table["group"] == "g-aug00", "specimen"] = ""
    table.loc[(table["group"] == "g-bio00").idxmax(), "specimen"] = "another"
    named = specimens_table(replace(study, dataset=replace(dataset, photos=table)), "svm")
    assert set(named["specimen"]) == {
        *(set(dataset.table["specimen"]) - {"aug00", "bio00"}),
        "g-aug00",
        "g-bio00",
    }
