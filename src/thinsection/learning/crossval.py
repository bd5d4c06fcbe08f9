"""A classifier + folds -> out-of-fold predictions, and the folder that keeps them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from thinsection.base.errors import InputError
from thinsection.base.files import write_json, writing_folder
from thinsection.base.tables import GRADIENTS, HISTORY, PREDICTIONS, PROBABILITY, write_table
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.examples.examples import Examples
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.params import Params

LEAST_PROBABILITY = 1e-15  # a loss stays finite also where a classifier is certain and wrong


@dataclass(frozen=True)
class FoldResult:
    """
    What one training leaves.

    Attributes
    ----------
    probabilities : (n_held_out, n_classes), in the order of ``fold.held_out`` and the classes
    n_parameters : numbers that the fitted classifier consists of
    history : rows of tables.HISTORY without repeat and fold; empty where nothing iterates
    gradients : rows of tables.GRADIENTS without repeat and fold
    heatmaps : (n_held_out, h, w) uint8, where the classifier looked, of those that can tell
    facts : what else is to be said of the training, e.g. device and precision
    """

    fold: Fold
    probabilities: np.ndarray
    n_parameters: int
    history: list[dict[str, float]] = field(default_factory=list)
    gradients: list[dict[str, float]] = field(default_factory=list)
    heatmaps: np.ndarray | None = None
    facts: dict[str, str] = field(default_factory=dict)

    def as_state(self) -> dict[str, Any]:
        """The same as a checkpoint takes it."""
        import torch  # here: the baselines, which keep nothing, do without

        return {
            "fold": [self.fold.repeat, self.fold.fold],
            "probabilities": torch.from_numpy(self.probabilities),
            "n_parameters": self.n_parameters,
            "history": self.history,
            "gradients": self.gradients,
            "heatmaps": None if self.heatmaps is None else torch.from_numpy(self.heatmaps),
            "facts": self.facts,
        }

    @classmethod
    def of_state(cls, state: dict[str, Any], fold: Fold) -> "FoldResult":
        """What ``as_state`` gave, of the same fold."""
        assert state["fold"] == [fold.repeat, fold.fold]
        maps = state["heatmaps"]
        return cls(
            fold,
            state["probabilities"].numpy(),
            state["n_parameters"],
            state["history"],
            state["gradients"],
            None if maps is None else maps.numpy(),
            state["facts"],
        )


class FitFolds(Protocol):
    """A family of classifiers: trains run ``name`` on every fold, each from the start."""

    def __call__(
        self,
        name: str,
        examples: Examples,
        folds: list[Fold],
        params: Params,
        checkpoint: Checkpoint = NOT_KEPT,
    ) -> Iterable[FoldResult]:
        """
        Results of all folds, in any order.

        What takes long is kept in ``checkpoint`` as it goes on, and begun from there.
        """
        ...


@dataclass(frozen=True)
class Run:
    """One classifier, cross-validated: the tables that everything is later computed from."""

    predictions: pd.DataFrame
    history: pd.DataFrame
    gradients: pd.DataFrame
    facts: dict[str, Any]
    heatmaps: np.ndarray | None  # (n_photos, h, w) uint8, of the first repeat

    def write(self, folder: Path) -> None:
        """Keep the run in ``folder``, whole or not at all."""
        with writing_folder(folder) as partial:
            write_table(self.predictions, partial / "predictions.csv", PREDICTIONS)
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
    params: Params,
    checkpoint: Checkpoint = NOT_KEPT,
) -> Run:
    """
    Out-of-fold predictions of one classifier: each photo by a model that never saw its group.

    Raises
    ------
    InputError
        If a training gives probabilities that are not numbers.
    """
    results = sorted(
        fit_folds(name, examples, folds, params, checkpoint),
        key=lambda result: (result.fold.repeat, result.fold.fold),
    )
    return Run(
        predictions=pd.concat(
            [_predictions(name, examples.photos, result) for result in results], ignore_index=True
        ),
        history=pd.DataFrame(_rows(results, "history"), columns=list(HISTORY.columns)),
        gradients=pd.DataFrame(_rows(results, "gradients"), columns=list(GRADIENTS.columns)),
        facts={
            "n_parameters": round(np.mean([result.n_parameters for result in results])),
            **results[0].facts,
        },
        heatmaps=_heatmaps(results, len(examples.photos.table)),
    )


def _predictions(name: str, photos: Dataset, result: FoldResult) -> pd.DataFrame:
    fold, probabilities = result.fold, result.probabilities
    rows = photos.table.iloc[fold.held_out]
    if not np.isfinite(probabilities).all():
        worst = rows["photo_id"].iloc[int(np.argmin(np.isfinite(probabilities).all(axis=1)))]
        raise InputError(
            f"{name}, repeat {fold.repeat}, fold {fold.fold}: the probabilities of {worst} are not "
            "numbers. Lower the learning rate of its family in params.yaml."
        )
    classes = np.array(photos.classes)
    true = photos.labels[fold.held_out]
    of_true = probabilities[np.arange(len(true)), true]
    table = pd.DataFrame(
        {
            "photo_id": rows["photo_id"].to_numpy(),
            "repeat": fold.repeat,
            "fold": fold.fold,
            "label": classes[true],
            "predicted": classes[probabilities.argmax(axis=1)],
            "loss": -np.log(np.maximum(of_true, LEAST_PROBABILITY)),
        }
    )
    named = pd.DataFrame(probabilities, columns=[f"{PROBABILITY}{label}" for label in classes])
    return pd.concat([table, named], axis=1)


def _heatmaps(results: list[FoldResult], n_photos: int) -> np.ndarray | None:
    """The maps of all photos in the order of the data set."""
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
