"""Calibration of probabilities: reliability, and temperature scaling."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, special

from thinsection.base.arrays import Bools, Floats, Ints
from thinsection.evidence.metrics import Outcomes
from thinsection.evidence.runs import OutOfFold, Study

BINS = 10  # of equal width, of the confidence in the predicted class
LEAST = 1e-6  # least probability: trees can give 0, of which there is no logarithm
TEMPERATURES = (0.05, 20.0)  # range of the search


class Reliability(NamedTuple):
    """For each bin: number of photos, mean confidence and accuracy (NaN if empty)."""

    n_photos: Ints
    confidence: Floats
    accuracy: Floats

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean gap of the bins, weighted by photos (Naeini 2015)."""
        gaps = np.abs(np.nan_to_num(self.confidence) - np.nan_to_num(self.accuracy))
        return float((gaps * self.n_photos).sum() / self.n_photos.sum())


def reliability(confidence: Floats, right: Bools, bins: int = BINS) -> Reliability:
    """
    Accuracy of a classifier as a function of its confidence.

    Parameters
    ----------
    confidence : (n_photos,) float, probability of the most probable class
    right : (n_photos,) bool, whether that class is the true one
    """
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        return Reliability(
            counts,
            np.bincount(place, confidence, bins) / counts,
            np.bincount(place, right, bins) / counts,
        )


def at_temperature(probabilities: Floats, temperature: float) -> Floats:
    """(n_photos, n_classes): softened (temperature > 1) or sharpened, in the same order."""
    return special.softmax(np.log(np.maximum(probabilities, LEAST)) / temperature, axis=1)


def log_loss(probabilities: Floats, labels: Ints) -> float:
    """Mean cross-entropy."""
    of_true = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_true, LEAST)).mean())


def fit_temperature(probabilities: Floats, labels: Ints) -> float:
    """The temperature with the least cross-entropy (Guo et al. 2017, ICML, 1321-1330)."""

    def loss(log_temperature: float) -> float:
        return log_loss(at_temperature(probabilities, np.exp(log_temperature)), labels)

    bounds = tuple(np.log(TEMPERATURES))
    found = optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x))


def rescaled(outcomes: Outcomes, folds: Ints) -> tuple[Floats, Floats]:
    """
    Probabilities scaled without using the labels of the same photos.

    Each fold uses the temperature fitted on the out-of-fold predictions of the other folds.

    Returns
    -------
    probabilities : (n_photos, n_classes)
    temperatures : (n_folds,)
    """
    scaled = np.empty_like(outcomes.probabilities)
    temperatures = []
    for fold in np.unique(folds):
        here = folds == fold
        temperature = fit_temperature(outcomes.probabilities[~here], outcomes.labels[~here])
        scaled[here] = at_temperature(outcomes.probabilities[here], temperature)
        temperatures.append(temperature)
    return scaled, np.array(temperatures)


def calibration_tables(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """calibration.csv (by model) and plots/reliability.csv (by model and bin, before and after)."""
    rows, bins = [], []
    for result in study.results:
        scaled = [
            rescaled(outcomes, folds)
            for outcomes, folds in zip(result.repeats, study.folds, strict=True)
        ]
        labels = np.concatenate([outcomes.labels for outcomes in result.repeats])
        row: dict[str, object] = {"model": result.run.model}
        for end, probabilities in (
            ("", np.concatenate([outcomes.probabilities for outcomes in result.repeats])),
            ("_scaled", np.concatenate([each for each, _ in scaled])),
        ):
            table = reliability(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
            row[f"ece{end}"] = table.expected_error
            row[f"log_loss{end}"] = log_loss(probabilities, labels)
            bins.append(_bins(result, end == "_scaled", table))
        temperatures = np.concatenate([each for _, each in scaled])
        row["temperature"] = np.exp(np.log(temperatures).mean())
        rows.append(row)
    return pd.DataFrame(rows), pd.concat(bins, ignore_index=True)


def _bins(result: OutOfFold, scaled: bool, table: Reliability) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": result.run.model,
            "scaled": int(scaled),
            "bin": np.arange(len(table.n_photos)),
            "n_photos": table.n_photos,
            "confidence": table.confidence,
            "accuracy": table.accuracy,
        }
    )
