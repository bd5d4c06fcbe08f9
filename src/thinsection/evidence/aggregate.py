"""From out-of-fold predictions to the tables of the comparison. Nothing is trained here."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from thinsection.base.arrays import Floats
from thinsection.base.seeds import generator
from thinsection.base.tables import Table
from thinsection.evidence import breakdowns, comparisons, galleries, plot_tables, result_tables
from thinsection.evidence.calibration import calibration_tables
from thinsection.evidence.choice import BEST, chosen, smallest_of_the_best
from thinsection.evidence.estimates import Estimates, estimate, held_out_ratio
from thinsection.evidence.lights import lights_per_class_table, lights_table
from thinsection.evidence.metrics import METRICS
from thinsection.evidence.other_splits import leakage_table, training_shares_table
from thinsection.evidence.paper import PAPER_SWEEP, paper_table, paper_trend
from thinsection.evidence.ranking import best_of_families
from thinsection.evidence.runs import Study
from thinsection.evidence.statistics import expected_of_best, index_interval
from thinsection.settings import EvidenceSettings


def models_table(study: Study, estimates: Estimates, settings: EvidenceSettings) -> pd.DataFrame:
    """models.csv: one row per model, each index with its interval."""
    rows = []
    for place, result in enumerate(study.results):
        row = {
            "model": result.run.model,
            "family": result.run.family,
            "name": result.run.name,
            "n_parameters": result.model["n_parameters"],
            "n_photos": len(study.dataset.table),
        }
        row |= estimates.with_intervals(place, settings.confidence)
        rows.append(row)
    return pd.DataFrame(rows)


def selection_table(
    models: pd.DataFrame, estimates: Estimates, settings: EvidenceSettings
) -> pd.DataFrame:
    """
    selection.csv: the CA of the model that ``final.select: best`` selects, corrected for that.

    Each draw selects by the same rule, but by the CA on the draw instead of the lower end of its
    interval, for which every draw would have to be bootstrapped again.
    """
    row = chosen(models, BEST, settings.rope)
    place = models["model"].to_list().index(row["model"])
    draws = estimates.draws["ca"]
    picked = smallest_of_the_best(models, draws, settings.rope)
    expected = expected_of_best(picked, estimates.left_out_ca)
    luck = estimates.luck("ca", np.eye(len(models))[place])
    interval = index_interval(expected, draws[place], estimates.n_groups, settings.confidence, luck)
    found = {
        "model": row["model"],
        "n_models": len(models),
        "ca": row["ca"],
        "expected": expected,
        "expected_low": interval.low,
        "expected_high": interval.high,
    }
    return pd.DataFrame([found])


def vanishing_table(
    signals: pd.DataFrame, gradients: pd.DataFrame, spreads: pd.DataFrame, models: pd.DataFrame
) -> pd.DataFrame:
    """
    vanishing.csv: what reaches the first hidden layer of what leaves the last one, by depth.

    The gradient in a layer's weights is the product of what comes in and the signal that comes back. Where
    signals vanish backwards, activations grow smaller forwards by the same factors, so its norm is
    nearly the same in every layer and can't tell; the signal itself can.
    """
    ca = models[models["family"] == PAPER_SWEEP].set_index("name")["ca"]
    rows = []
    for depth in signals["hidden_layers"].unique():
        signal, weights, spread = (
            table[table["hidden_layers"] == depth].set_index("layer").astype(float)
            for table in (signals, gradients, spreads)
        )
        row = {"hidden_layers": depth}
        for name, values in (("signal", signal), ("weights", weights)):
            first, last = values.loc[1], values.loc[depth]
            row |= {
                f"{name}_{end}": first[end] / last[end] for end in ("first_epoch", "last_epoch")
            }
        starts = spread["first_epoch"]
        row["spread_first_epoch"] = starts[depth] / starts[1]
        row["signal_at_start"] = signal["first_epoch"][1]
        rows.append(row | {"ca": ca.get(str(depth), np.nan)})
    return pd.DataFrame(rows, columns=list(result_tables.VANISHING.columns))


def summary(evidence: dict[str, pd.DataFrame], best: str) -> dict[str, dict[str, float]]:
    """
    summary.json: numbers only, for `dvc metrics`.

    Parameters
    ----------
    evidence : name of a table -> the table
    best : id of the best model
    """
    by_model = evidence["models"].set_index("model")
    with_ends = [f"{name}{end}" for name in METRICS for end in ("", "_low", "_high")]
    picked = evidence["selection"].iloc[0]
    expected = {"ca": "expected", "ca_low": "expected_low", "ca_high": "expected_high"}
    found: dict[str, dict[str, float]] = {
        "best": _numbers(by_model.loc[best, with_ends]),
        "expected": _numbers({name: picked[column] for name, column in expected.items()}),
    }
    if len(evidence["leakage"]):
        row = evidence["leakage"].set_index("index").loc["ca"]
        found["leakage"] = _numbers(row[["random", "grouped", "gap", "gap_low", "gap_high"]])
    depth = evidence["depth"].query("index == 'ca'").set_index("family")
    for family, row in depth.iterrows():
        found[f"slope_{family}"] = _numbers(row[["slope", "low", "high"]])
    return found


def model_indexes(models: pd.DataFrame) -> dict[str, dict[str, float]]:
    """indexes/<model>.json: one file per model, so that `dvc metrics show` has one row for each."""
    by_model = models.set_index("model")
    return {str(model): _numbers(row[list(METRICS)]) for model, row in by_model.iterrows()}


def _numbers(row: Any) -> dict[str, float]:
    """Rounded to four decimals, enough for a few hundred photos; undefined values are left out."""
    return {str(name): round(float(x), 4) for name, x in row.items() if np.isfinite(x)}


def evidence_tables(
    study: Study, features: Floats, settings: EvidenceSettings, seed: int
) -> dict[str, tuple[pd.DataFrame, Table]]:
    """
    Every table of metrics/, by its name without .csv, with its declared columns.

    Parameters
    ----------
    features : (n_photos, n_features) colour and texture of the photos
    """
    rng = partial(generator, seed, "evidence")
    repeats = [result.repeats for result in study.results]
    estimates = estimate(
        repeats,
        study.groups,
        settings.bootstrap_draws,
        rng("bootstrap"),
        held_out_ratio(study),
    )
    models = models_table(study, estimates, settings)
    best = best_of_families(study)
    pairs = comparisons.comparisons_table(study, estimates, settings, rng("sign flips"))
    calibration, reliability = calibration_tables(study)
    signals, gradients, spreads = (
        plot_tables.of_layers(study, column)
        for column in ("signal_norm", "gradient_norm", "activation_spread")
    )
    depth = comparisons.depth_table(study, estimates, settings)
    overall = next(iter(best.values()))
    selection = selection_table(models, estimates, settings)
    return {
        "models": (models, result_tables.MODELS),
        "selection": (selection, result_tables.SELECTION),
        "comparisons": (pairs, result_tables.COMPARISONS),
        "practical": (comparisons.practical_table(study, settings), result_tables.PRACTICAL),
        "depth": (depth, result_tables.DEPTH),
        "leakage": (
            leakage_table(study.dataset, settings, seed, held_out_ratio(study)),
            result_tables.LEAKAGE,
        ),
        "training_shares": (
            training_shares_table(study, list(best.values()), settings, seed),
            result_tables.TRAINING_SHARES,
        ),
        "per_class": (breakdowns.per_class_table(study), result_tables.PER_CLASS),
        "confusion": (breakdowns.confusion_table(study), result_tables.CONFUSION_COUNTS),
        "lights": (lights_table(study, settings, rng("lights")), result_tables.LIGHTS),
        "lights_per_class": (
            lights_per_class_table(study, best),
            result_tables.LIGHTS_PER_CLASS,
        ),
        "specimens": (breakdowns.specimens_table(study, overall), result_tables.SPECIMENS),
        "calibration": (calibration, result_tables.CALIBRATION),
        "vanishing": (
            vanishing_table(signals, gradients, spreads, models),
            result_tables.VANISHING,
        ),
        "gallery": (
            galleries.gallery_table(study, best, features, rng("gallery")),
            result_tables.GALLERY,
        ),
        "doubtful": (galleries.doubtful_labels(study, best), result_tables.DOUBTFUL),
        "paper": (paper_table(models, settings.confidence), result_tables.PAPER),
        "paper_trend": (
            paper_trend(depth, len(np.unique(study.groups)), settings.confidence),
            result_tables.PAPER_TREND,
        ),
        "environments": (breakdowns.environments_table(study), result_tables.ENVIRONMENTS),
        "left_out": (study.left_out, result_tables.LEFT_OUT),
        "plots/confusion": (
            plot_tables.confusion_rows(study, overall),
            result_tables.CONFUSION_ROWS,
        ),
        "plots/roc": (plot_tables.roc_curves(study), result_tables.ROC),
        "plots/learning_curves": (
            plot_tables.learning_curves(study),
            result_tables.LEARNING_CURVES,
        ),
        "plots/depth_sweep": (plot_tables.depth_sweep(models), result_tables.DEPTH_SWEEP),
        "plots/signals": (signals, result_tables.LAYERS),
        "plots/gradients": (gradients, result_tables.LAYERS),
        "plots/spreads": (spreads, result_tables.LAYERS),
        "plots/dead_units": (plot_tables.dead_units(study), result_tables.LAYERS),
        "plots/reliability": (reliability, result_tables.RELIABILITY),
    }
