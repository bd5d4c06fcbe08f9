"""What can be promised of each class, and of samples in a part of their lights, from out-of-fold predictions."""

from typing import Any

import numpy as np
import pandas as pd

from thinsection.base.arrays import Floats, Groups, Texts
from thinsection.evidence.metrics import (
    Outcomes,
    confusion,
    precision_per_class,
    recall_per_class,
)
from thinsection.evidence.runs import OutOfFold
from thinsection.evidence.statistics import index_interval, resampled_counts
from thinsection.final.doubt import Sets, fit_sets


def by_class(
    repeats: list[Outcomes],
    groups: Groups,
    classes: list[str],
    sets: Sets,
    *,
    confidence: float,
    n_draws: int,
    rng: np.random.Generator,
) -> dict[str, dict[str, Any]]:
    """
    For each class how often its photos are named so, how often the name is right, what it is taken for.

    Parameters
    ----------
    repeats : out-of-fold outcomes
    groups : (n_photos,) str
    sets : fitted to these outcomes

    Returns
    -------
    class -> ``n_specimens``; ``recognised``, the share of its photos that get its name, and
    ``right_when_named``, the share of the photos with its name that show it (None if none has), each with
    ``_low`` and ``_high``, intervals over specimens; ``covered``, the share of its photos whose prediction
    set contained it; ``taken_for``, the name that its other photos get most often, and ``taken_for_it``,
    what the photos wrongly given its name mostly are; both None if there are none
    """
    numbers = np.unique(groups, return_inverse=True)[1]
    labels = repeats[0].labels
    drawn = resampled_counts(int(numbers.max()) + 1, n_draws, rng)[:, numbers].astype(float)
    weights = np.concatenate([np.ones((1, len(labels))), drawn])
    tables = np.mean([confusion(outcomes, weights) for outcomes in repeats], axis=0)
    # of a draw without the class nothing is known
    recall = np.where(tables.sum(axis=2) > 0, recall_per_class(tables), np.nan)
    precision = np.where(tables.sum(axis=1) > 0, precision_per_class(tables), np.nan)
    found: dict[str, dict[str, Any]] = {}
    for k, label in enumerate(classes):
        of_class, named = labels == k, np.any([o.predicted == k for o in repeats], axis=0)
        n_of_class, n_named = (len(np.unique(groups[rows])) for rows in (of_class, named))
        found[label] = {
            "n_specimens": n_of_class,
            **_with_interval("recognised", recall[:, k], n_of_class, confidence),
            **_with_interval("right_when_named", precision[:, k], n_named, confidence),
            "covered": float(sets.covered[k]),
            "taken_for": _most(tables[0, k], k, classes),
            "taken_for_it": _most(tables[0, :, k], k, classes),
        }
    return found


def errors_by_specimen(repeats: list[Outcomes], groups: Groups, classes: list[str]) -> pd.DataFrame:
    """
    What the samples of each specimen were called by models that had not seen it.

    Returns
    -------
    ``specimen`` (a number), ``label``, ``named``, and ``n``, samples, the mean over repeats; only what occurred
    """
    numbers = np.unique(groups, return_inverse=True)[1]
    n_classes = len(classes)
    counts = np.zeros((int(numbers.max()) + 1, n_classes, n_classes))
    for outcomes in repeats:
        np.add.at(counts, (numbers, outcomes.labels, outcomes.predicted), 1 / len(repeats))
    specimen, label, called = np.nonzero(counts)
    names = np.array(classes)
    found = {"specimen": specimen, "label": names[label], "named": names[called]}
    return pd.DataFrame(found | {"n": counts[specimen, label, called].round(6)})


def by_lights(
    result: OutOfFold, classes: list[str], groups: Texts, coverage: float
) -> dict[str, dict[str, Any]]:
    """How well and how surely samples are named by a part of their photos (``Lights.ways``)."""
    found = {}
    for light, alone in result.one_light.items():
        rows = alone.samples
        sets = fit_sets(alone.repeats, groups[rows], coverage)
        found[light] = {
            "ca": float(np.mean([outcomes.right for outcomes in alone.repeats])),
            "n_samples": len(rows),
            "temperature": sets.temperature,
            "set_threshold": float(sets.thresholds.max()),
            "set_thresholds": named(classes, sets.thresholds),
            "measured_coverage": sets.measured_coverage,
            "mean_set_size": sets.mean_size,
        }
    return found


def named(classes: list[str], values: Floats) -> dict[str, float]:
    """A value of each class, by the name of the class."""
    return dict(zip(classes, map(float, values), strict=True))


def _with_interval(
    name: str, values: np.ndarray, n_groups: int, confidence: float
) -> dict[str, float | None]:
    """The first value, with the interval from the others; None for what is not known."""
    low, high = index_interval(float(values[0]), values[1:], n_groups, confidence)
    ends = {name: float(values[0]), f"{name}_low": low, f"{name}_high": high}
    return {key: value if np.isfinite(value) else None for key, value in ends.items()}


def _most(counts: np.ndarray, own: int, classes: list[str]) -> str | None:
    """The class of the most photos but its own; None if there are none."""
    others = np.where(np.arange(len(counts)) == own, 0, counts)
    return classes[int(others.argmax())] if others.any() else None
