"""Tables for `dvc plots` and for the figures of the report."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from thinsection.evidence.result_tables import CURVES, INDEXES
from thinsection.evidence.runs import Study
from thinsection.families import FAMILIES

ROC_GRID = np.linspace(0, 1, 101)  # false positive rates of the points of a curve


def confusion_rows(study: Study, model: str) -> pd.DataFrame:
    """plots/confusion.csv: one row per photo and repeat of a model, for DVC's template."""
    classes = np.array(study.dataset.classes)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "model": model,
                    "sample": study.dataset.table["sample"],
                    "repeat": repeat,
                    "label": classes[outcomes.labels],
                    "predicted": classes[outcomes.predicted],
                }
            )
            for repeat, outcomes in enumerate(study.result(model).repeats)
        ],
        ignore_index=True,
    )


def roc_curves(study: Study) -> pd.DataFrame:
    """
    plots/roc.csv: true against false positive rate, one class versus the rest.

    Mean over classes, weighted by class size like the AUC, and over repeats.
    """
    from sklearn.metrics import roc_curve

    curves = []
    for result in study.results:
        rates, sizes = [], []
        for outcomes in result.repeats:
            for c in np.unique(outcomes.labels):
                positive = outcomes.labels == c
                if positive.all():
                    continue  # there is no rest
                fpr, tpr, _ = roc_curve(positive, outcomes.probabilities[:, c])
                rates.append(np.interp(ROC_GRID, fpr, tpr))
                sizes.append(positive.sum())
        tpr = np.average(rates, axis=0, weights=sizes) if rates else np.full(len(ROC_GRID), np.nan)
        tpr[0] = 0  # so that the curve starts in the corner
        curves.append(pd.DataFrame({"model": result.run.model, "fpr": ROC_GRID, "tpr": tpr}))
    return pd.concat(curves, ignore_index=True)


def learning_curves(study: Study) -> pd.DataFrame:
    """
    plots/learning_curves.csv: loss and accuracy at each epoch: mean, least and most of the folds.

    A fold that ended early keeps its last values. ``n_folds`` counts the folds still in training.
    """
    curves = []
    for result in study.results:
        if result.history is None or result.history.empty:
            continue
        wide = result.history.pivot(index="epoch", columns=["repeat", "fold"], values=list(CURVES))
        carried = {curve: wide[curve].ffill().to_numpy(float) for curve in CURVES}
        in_training = wide[CURVES[0]].notna().to_numpy().sum(axis=1)
        frame = pd.DataFrame(
            {"model": result.run.model, "epoch": wide.index, "n_folds": in_training}
        )
        for curve in CURVES:
            frame[curve] = carried[curve].mean(axis=1)
            frame[f"{curve}_low"] = carried[curve].min(axis=1)
            frame[f"{curve}_high"] = carried[curve].max(axis=1)
        curves.append(frame)
    columns = [
        "model",
        "epoch",
        "n_folds",
        *(f"{c}{e}" for c in CURVES for e in ("", "_low", "_high")),
    ]
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=columns)


def depth_sweep(models: pd.DataFrame) -> pd.DataFrame:
    """plots/depth_sweep.csv: the indexes against depth, for families with a depth."""
    with_depth = [name for name, family in FAMILIES.items() if family.depth]
    deep = models[models["family"].isin(with_depth)].copy()
    deep["depth"] = deep["name"].astype(int)
    columns = [f"{index}{end}" for index in INDEXES for end in ("", "_low", "_high")]
    return deep.sort_values(["family", "depth"])[["family", "depth", "model", *columns]]


def of_layers(study: Study, column: str) -> pd.DataFrame:
    """
    plots/signals.csv, gradients.csv and spreads.csv: of each layer in the first and the last epoch.

    Geometric mean over folds and repeats, because norms span orders of magnitude.

    Parameters
    ----------
    column : of tables.GRADIENTS
    """
    logs = _ends_of_training(study, column, lambda norm: np.log(norm.clip(lower=1e-30)))
    ends = ["first_epoch", "last_epoch"]
    return logs.assign(**{end: np.exp(logs[end].astype(float)) for end in ends})


def dead_units(study: Study) -> pd.DataFrame:
    """
    plots/dead_units.csv: share of a layer's units that are 0 for all training photos of an epoch.

    Mean over folds and repeats; empty if the runs have no such column.
    """
    return _ends_of_training(study, "dead_share", lambda share: share).dropna(ignore_index=True)


def _ends_of_training(
    study: Study, column: str, scaled: Callable[[pd.Series], pd.Series]
) -> pd.DataFrame:
    """A column of gradients.csv by depth and layer, at first and last epoch; mean of the folds."""
    rows = []
    for result in study.results:
        if result.gradients is None or result.gradients.empty or column not in result.gradients:
            continue
        values = result.gradients.assign(value=scaled(result.gradients[column]))
        by_fold = values.sort_values("epoch").groupby(["repeat", "fold", "layer"])["value"]
        ends = {"first_epoch": by_fold.first(), "last_epoch": by_fold.last()}
        means = {name: end.groupby("layer").mean() for name, end in ends.items()}
        rows.append(pd.DataFrame(means).reset_index().assign(hidden_layers=result.run.depth))
    columns = ["hidden_layers", "layer", "first_epoch", "last_epoch"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)
