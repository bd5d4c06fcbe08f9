"""Out-of-fold predictions -> the tables of the comparison. Nothing is trained here."""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from thinsection.metrics import (
    METRICS,
    auc_per_class,
    confusion,
    f1_per_class,
    mean_over_repeats,
    precision_per_class,
    recall_per_class,
)
from thinsection.params import EvidenceSettings
from thinsection.runs import OutOfFold, Study
from thinsection.statistics import (
    Difference,
    bootstrap_interval,
    corrected_t,
    holm,
    mcnemar,
    resampled_counts,
    sign_flip,
    wilson_interval,
)
from thinsection.tables import PAPER_TABLE, read_table

PAPER_FOLDER = Path("data/paper")
# Table -> photos, as every CA of the paper's tables is a whole number over these.
PAPER_N_PHOTOS = {2: 108, 3: 95}
DRAWS_AT_ONCE = 250  # bounds the memory of a bootstrap: this many weights a photo


@dataclass(frozen=True)
class Estimates:
    """
    The five indexes of every model, as they are and as they vary from draw to draw.

    Attributes
    ----------
    values : index name -> (n_models,) float
    draws : index name -> (n_models, n_draws) float; a column is one draw of specimens, the same
        for every model, so that differences between models are paired
    n_groups : specimens (or what else is never parted) that were resampled
    """

    values: dict[str, np.ndarray]
    draws: dict[str, np.ndarray]
    n_groups: int


def estimate(study: Study, n_draws: int, rng: np.random.Generator) -> Estimates:
    """The indexes of every model, and their bootstrap over groups with repeats kept together."""
    _, group_of = np.unique(study.groups, return_inverse=True)
    n_groups = int(group_of.max()) + 1
    counts = resampled_counts(n_groups, n_draws, rng)
    once = np.ones((1, len(group_of)))
    return Estimates(
        {
            name: np.array([mean_over_repeats(metric, r.repeats, once)[0] for r in study.results])
            for name, metric in METRICS.items()
        },
        {
            name: np.array(
                [
                    np.concatenate(
                        [
                            mean_over_repeats(
                                metric, r.repeats, counts[at][:, group_of].astype(float)
                            )
                            for at in _blocks(n_draws)
                        ]
                    )
                    for r in study.results
                ]
            )
            for name, metric in METRICS.items()
        },
        n_groups,
    )


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
            low, high = bootstrap_interval(
                estimates.draws[name][place], estimates.n_groups, settings.confidence
            )
            row |= {
                name: estimates.values[name][place],
                f"{name}_low": low,
                f"{name}_high": high,
            }
        rows.append(row)
    return pd.DataFrame(rows)


def best_model(models: pd.DataFrame) -> str:
    """The model with the highest CA; among equals the one with the highest AUC."""
    return str(models.sort_values(["ca", "auc"], ascending=False, kind="stable")["model"].iloc[0])


def comparisons_table(
    study: Study, estimates: Estimates, settings: EvidenceSettings, rng: np.random.Generator
) -> pd.DataFrame:
    """
    comparisons.csv: every pair of models by every test; Holm's correction within a test and index.

    Tests: ``specimens`` (CA; interval by the paired bootstrap, p-value by sign flips of
    specimens), ``mcnemar`` (CA; the same interval), ``corrected_t`` (each index).
    """
    pairs = list(combinations(range(len(study.results)), 2))
    models = [result.run.model for result in study.results]
    rows = [
        *_by_specimens(study, estimates, settings, pairs, rng),
        *_by_folds(study, settings, pairs),
    ]
    frame = pd.DataFrame(
        [
            {"model_a": models[a], "model_b": models[b], "index": index, "test": test}
            | difference._asdict()
            for test, index, (a, b), difference in rows
        ],
        columns=["model_a", "model_b", "index", *Difference._fields, "test"],
    )
    frame["p_holm"] = frame.groupby(["test", "index"])["p_value"].transform(
        lambda p: holm(p.to_numpy(float))
    )
    return frame


def _by_specimens(study, estimates, settings, pairs, rng):  # type: ignore[no-untyped-def]
    right = np.array([[o.labels == o.predicted for o in r.repeats] for r in study.results])
    groups = np.unique(study.groups, return_inverse=True)[1]
    in_group = groups[:, None] == np.arange(groups.max() + 1)  # (n_photos, n_groups)
    by_group = right.mean(axis=1) @ in_group  # (n_models, n_groups) photos named rightly
    first, second = np.array(pairs, int).reshape(-1, 2).T
    flips = sign_flip((by_group[first] - by_group[second]).T, settings.permutations, rng)
    for place, (a, b) in enumerate(pairs):
        difference = estimates.values["ca"][a] - estimates.values["ca"][b]
        interval = bootstrap_interval(
            estimates.draws["ca"][a] - estimates.draws["ca"][b],
            estimates.n_groups,
            settings.confidence,
        )
        # One p-value a repeat; their median (van de Wiel et al. 2009, Biostatistics 10, 550-560).
        exact = np.median([mcnemar(x, y) for x, y in zip(right[a], right[b], strict=True)])
        yield "specimens", "ca", (a, b), Difference(difference, *interval, float(flips[place]))
        yield "mcnemar", "ca", (a, b), Difference(difference, *interval, float(exact))


def _by_folds(study, settings, pairs):  # type: ignore[no-untyped-def]
    n_folds = int(study.folds.max()) + 1
    for index in METRICS:
        by_fold = [fold_values(result, study.folds, index) for result in study.results]
        for a, b in pairs:
            yield (
                "corrected_t",
                index,
                (a, b),
                corrected_t(by_fold[a] - by_fold[b], 1 / (n_folds - 1), settings.confidence),
            )


def fold_values(result: OutOfFold, folds: np.ndarray, index: str) -> np.ndarray:
    """(n_repeats x n_folds,): an index of each fold's held-out photos; NaN where undefined."""
    numbers = np.unique(folds)
    return np.concatenate(
        [
            METRICS[index](outcomes, (fold == numbers[:, None]).astype(float))
            for outcomes, fold in zip(result.repeats, folds, strict=True)
        ]
    )


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


def _blocks(n_draws: int) -> list[slice]:
    return [slice(at, at + DRAWS_AT_ONCE) for at in range(0, n_draws, DRAWS_AT_ONCE)]
