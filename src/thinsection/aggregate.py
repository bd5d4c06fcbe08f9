"""Out-of-fold predictions -> the tables of the comparison. Nothing is trained here."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from thinsection.estimates import Estimates
from thinsection.metrics import (
    METRICS,
    auc_per_class,
    confusion,
    f1_per_class,
    precision_per_class,
    recall_per_class,
)
from thinsection.params import EvidenceSettings
from thinsection.runs import Study
from thinsection.statistics import index_interval, wilson_interval
from thinsection.tables import PAPER_TABLE, read_table

PAPER_FOLDER = Path("data/paper")
# Table -> photos, as every CA of the paper's tables is a whole number over these.
PAPER_N_PHOTOS = {2: 108, 3: 95}


def models_table(study: Study, estimates: Estimates, settings: EvidenceSettings) -> pd.DataFrame:
    """models.csv: a row a model, each index with its interval."""
    rows = []
    for place, result in enumerate(study.results):
        row = {
            "model": result.run.model,
            "family": result.run.family,
            "name": result.run.name,
            "n_parameters": result.model["n_parameters"],
            "n_photos": len(study.dataset.table),
        }
        for name in METRICS:
            value, draws = estimates.values[name][place], estimates.draws[name][place]
            low, high = index_interval(value, draws, estimates.n_groups, settings.confidence)
            row |= {
                name: value,
                f"{name}_low": low,
                f"{name}_high": high,
            }
        rows.append(row)
    return pd.DataFrame(rows)


def best_model(models: pd.DataFrame) -> str:
    """The model with the highest CA; among equals the one with the highest AUC."""
    return str(models.sort_values(["ca", "auc"], ascending=False, kind="stable")["model"].iloc[0])


def per_class_table(study: Study) -> pd.DataFrame:
    """per_class.csv: precision, recall, F1 and AUC of each class, averaged over repeats."""
    photos = study.dataset.table
    n_photos = photos["label"].value_counts()
    n_specimens = photos.groupby("label")["group"].nunique()
    once = np.ones((1, len(photos)))
    rows = []
    for result in study.results:
        tables = np.array([confusion(o, once)[0] for o in result.repeats])
        areas = np.mean([auc_per_class(o, once)[0] for o in result.repeats], axis=0)
        for place, label in enumerate(study.dataset.classes):
            rows.append(
                {
                    "model": result.run.model,
                    "label": label,
                    "n_photos": n_photos[label],
                    "n_specimens": n_specimens[label],
                    "precision": precision_per_class(tables)[:, place].mean(),
                    "recall": recall_per_class(tables)[:, place].mean(),
                    "f1": f1_per_class(tables)[:, place].mean(),
                    "auc": areas[place],
                }
            )
    return pd.DataFrame(rows)


def confusion_table(study: Study) -> pd.DataFrame:
    """confusion.csv: photos by true and predicted class (mean of repeats), share of the row."""
    once = np.ones((1, len(study.dataset.table)))
    classes = study.dataset.classes
    rows = []
    for result in study.results:
        counts = np.mean([confusion(o, once)[0] for o in result.repeats], axis=0)
        shares = counts / counts.sum(axis=1, keepdims=True)
        for i, label in enumerate(classes):
            for j, predicted in enumerate(classes):
                rows.append(
                    {
                        "model": result.run.model,
                        "label": label,
                        "predicted": predicted,
                        "n_photos": counts[i, j],
                        "share": shares[i, j],
                    }
                )
    return pd.DataFrame(rows)


def paper_table(
    models: pd.DataFrame, confidence: float, folder: Path = PAPER_FOLDER
) -> pd.DataFrame:
    """paper.csv: the paper's Tables 2 and 3 beside ours; Wilson intervals of the paper's CA."""
    ours = models.set_index("model")
    rows = []
    for table, n_photos in PAPER_N_PHOTOS.items():
        for theirs in read_table(folder / f"table{table}.csv", PAPER_TABLE).to_dict("records"):
            mine = ours.reindex([theirs["model"]]).iloc[0]
            low, high = wilson_interval(theirs["ca"] * n_photos, n_photos, confidence)
            rows.append(
                {
                    "table": table,
                    "model": theirs["model"],
                    "n_photos_paper": n_photos,
                    "n_photos": int(models["n_photos"].iloc[0]),
                }
                | {f"{index}_paper": theirs[index] for index in METRICS}
                | {index: mine[index] for index in METRICS}
                | {"ca_paper_low": low, "ca_paper_high": high}
                | {"ca_low": mine["ca_low"], "ca_high": mine["ca_high"]}
            )
    return pd.DataFrame(rows)


def summary(models: pd.DataFrame) -> dict[str, dict]:
    """summary.json: numbers only, as `dvc metrics` shows them."""
    by_model = models.set_index("model")
    best = by_model.loc[best_model(models)]
    with_ends = [f"{name}{end}" for name in METRICS for end in ("", "_low", "_high")]
    return {
        "best": {name: rounded(best[name]) for name in with_ends if np.isfinite(best[name])},
        "models": {
            str(model): {name: rounded(row[name]) for name in METRICS if np.isfinite(row[name])}
            for model, row in by_model.iterrows()
        },
    }


def rounded(value: Any) -> float:
    """Four decimals: more than a few hundred photos can tell apart, and short to read."""
    return round(float(value), 4)
