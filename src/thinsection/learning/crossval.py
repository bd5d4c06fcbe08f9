"""Cross-validation: out-of-fold predictions of a classifier, and the folder of its run."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from thinsection.base.arrays import Bytes
from thinsection.base.errors import InputError
from thinsection.base.files import write_json, writing_folder
from thinsection.base.tables import (
    GRADIENTS,
    HISTORY,
    ONE_LIGHT,
    PREDICTIONS,
    PROBABILITY,
    write_table,
)
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.contract import FitFolds, FitSettings, FoldResult
from thinsection.learning.environment import environment
from thinsection.learning.examples.examples import Examples

LEAST_PROBABILITY = 1e-15  # keeps the loss finite if a classifier is certain and wrong


@dataclass(frozen=True)
class CrossValidation:
    """The results of cross-validating one classifier, from which all metrics are computed."""

    predictions: pd.DataFrame
    history: pd.DataFrame
    gradients: pd.DataFrame
    facts: dict[str, Any]
    heatmaps: Bytes | None  # (n_samples, h, w) uint8, of the first repeat
    one_light: pd.DataFrame  # rows of tables.ONE_LIGHT; empty where samples have one light

    def write(self, folder: Path) -> None:
        """Write the run to ``folder``, completely or not at all."""
        with writing_folder(folder) as partial:
            write_table(self.predictions, partial / "predictions.csv", PREDICTIONS)
            if len(self.one_light):
                write_table(self.one_light, partial / "one_light.csv", ONE_LIGHT)
            if len(self.history):
                write_table(self.history, partial / "history.csv", HISTORY)
            if len(self.gradients):
                write_table(self.gradients, partial / "gradients.csv", GRADIENTS)
            if self.heatmaps is not None:
                np.save(partial / "heatmaps.npy", self.heatmaps)
            write_json(self.facts, partial / "model.json")


def cross_validate(
    fit_folds: FitFolds,
    name: str,
    examples: Examples,
    folds: list[Fold],
    settings: FitSettings,
    checkpoint: Checkpoint = NOT_KEPT,
) -> CrossValidation:
    """
    Out-of-fold predictions of one classifier: each photo by a model that never saw its group.

    Raises
    ------
    InputError
        If a training gives probabilities that are not finite.
    """
    # map releases each result, and so its classifier, before the next training
    trained = map(_without_classifier, fit_folds(name, examples, folds, settings, checkpoint))
    found = joined(name, examples.photos, list(trained))
    return replace(found, facts=found.facts | {"environment": environment(settings.compute)})


def joined(name: str, photos: Dataset, results: list[FoldResult]) -> CrossValidation:
    """
    The results of all folds in one.

    Raises
    ------
    InputError
        If probabilities are not finite.
    """
    results = sorted(results, key=lambda result: (result.fold.repeat, result.fold.fold))
    return CrossValidation(
        predictions=pd.concat(
            [_predictions(name, photos, result) for result in results], ignore_index=True
        ),
        history=pd.DataFrame(_rows(results, "history"), columns=list(HISTORY.columns)),
        gradients=pd.DataFrame(_rows(results, "gradients"), columns=list(GRADIENTS.columns)),
        facts={
            "n_parameters": round(np.mean([result.n_parameters for result in results])),
            # what only some of the trainings say is said too
            **{key: fact for result in results[::-1] for key, fact in result.facts.items()},
        },
        heatmaps=_heatmaps(results, len(photos.table)),
        one_light=_in_one_light(name, photos, results),
    )


def _without_classifier(result: FoldResult) -> FoldResult:
    return replace(result, classifier=None)


def _in_one_light(name: str, photos: Dataset, results: list[FoldResult]) -> pd.DataFrame:
    """The predictions for samples by a part of their photos (``Lights.ways``), part by part."""
    parts = []
    for light, way in photos.lights.ways.items():
        for result in results:
            if light not in result.one_light:
                continue
            chances = result.one_light[light]
            has = photos.lights.seen_in(way)[result.fold.held_out]
            fold = replace(result.fold, held_out=result.fold.held_out[has])
            part = _predictions(
                name, photos, replace(result, fold=fold, probabilities=chances[has])
            )
            parts.append(part.drop(columns="loss").assign(light=light))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _predictions(name: str, photos: Dataset, result: FoldResult) -> pd.DataFrame:
    fold, probabilities = result.fold, result.probabilities
    rows = photos.table.iloc[fold.held_out]
    if not np.isfinite(probabilities).all():
        worst = rows["sample"].iloc[int(np.argmin(np.isfinite(probabilities).all(axis=1)))]
        raise InputError(
            f"{name}, repeat {fold.repeat}, fold {fold.fold}: the probabilities of {worst} are not "
            "finite numbers. Lower the learning rate of this family in params.yaml."
        )
    classes = np.array(photos.classes)
    true = photos.labels[fold.held_out]
    of_true = probabilities[np.arange(len(true)), true]
    table = pd.DataFrame(
        {
            "sample": rows["sample"].to_numpy(),
            "repeat": fold.repeat,
            "fold": fold.fold,
            "label": classes[true],
            "predicted": classes[probabilities.argmax(axis=1)],
            "loss": -np.log(np.maximum(of_true, LEAST_PROBABILITY)),
        }
    )
    named = pd.DataFrame(probabilities, columns=[f"{PROBABILITY}{label}" for label in classes])
    return pd.concat([table, named], axis=1)


def _heatmaps(results: list[FoldResult], n_photos: int) -> Bytes | None:
    """The heat maps of all photos, in the order of the data set."""
    whole: np.ndarray | None = None
    for result in results:
        if result.heatmaps is None or result.fold.repeat > 0:
            continue
        if whole is None:
            whole = np.zeros((n_photos, *result.heatmaps.shape[1:]), np.uint8)
        whole[result.fold.held_out] = result.heatmaps
    return whole


def _rows(results: list[FoldResult], what: str) -> Iterator[dict[str, float]]:
    for result in results:
        for row in getattr(result, what):
            yield {"repeat": result.fold.repeat, "fold": result.fold.fold, **row}
