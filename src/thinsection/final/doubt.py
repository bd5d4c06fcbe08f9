"""Uncertainty of a model's answers: temperature and prediction sets."""

from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Bools, Floats, Groups, Ints
from thinsection.evidence.calibration import at_temperature, fit_temperature
from thinsection.evidence.metrics import Outcomes


@dataclass(frozen=True)
class Sets:
    """
    The parameters of prediction sets, and their measured properties on unseen specimens.

    Attributes
    ----------
    temperature : calibrates the probabilities
    threshold : a class belongs to the set if 1 - its probability is at most this
    measured_coverage : share of photos whose set contained the true class, measured out-of-fold
    mean_size : mean number of classes in these sets
    """

    temperature: float
    threshold: float
    measured_coverage: float
    mean_size: float


def group_quantile(scores: Floats, groups: Groups, share: float, unknown: float = 1.0) -> float:
    """
    The score that a photo of a new specimen does not exceed with probability ``share``.

    Photos of one specimen are not independent; specimens are. Each group has the same weight,
    divided between its photos, and the new, unknown specimen has that weight too:
    hierarchical conformal prediction (Lee, Barber and Willett 2023, arXiv:2306.06342), which for
    groups of one photo is split-conformal prediction (Vovk et al. 2005). Infinity if there
    are too few groups.

    Parameters
    ----------
    unknown : weight of the new specimen, as a share of that of each group. 1 guarantees the share
        even if all of its photos lie beyond every score. The less the photos of a specimen are
        alike, the more cautious that is. 0 pools the groups (Dunn, Wasserman and Ramdas 2023,
        JASA 118, 2491-2502), which guarantees nothing
    """
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1 / (len(sizes) + unknown) / sizes[place]
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order]) >= share - 1e-9
    return float(scores[order][reached.argmax()]) if reached.any() else float("inf")


def fit_sets(repeats: list[Outcomes], folds: Ints, groups: Groups, coverage: float) -> Sets:
    """
    Temperature and threshold from out-of-fold predictions.

    A set contains every class whose probability is high enough (least ambiguous sets: Sadinle, Lei
    and Wasserman 2019, JASA 114, 223-234). The scores come from models that saw part of the
    photos, the sets from a model that saw all: cross-conformal prediction (Vovk 2015),
    whose coverage is close to the requested one but, unlike that of split-conformal sets, not
    guaranteed. So the coverage is also measured: each fold with the parameters from the others.

    Parameters
    ----------
    repeats, folds : out-of-fold outcomes, and (n_repeats, n_photos) folds
    groups : (n_photos,) str
    """
    covered, sizes = [], []
    for outcomes, fold in zip(repeats, folds, strict=True):
        for number in np.unique(fold):
            here = fold == number
            temperature, threshold = _temperature_and_threshold(
                [_of_photos(outcomes, ~here)], groups[~here], coverage
            )
            calibrated = at_temperature(outcomes.probabilities[here], temperature)
            inside = sets_of(calibrated, threshold)
            covered.append(inside[np.arange(here.sum()), outcomes.labels[here]])
            sizes.append(inside.sum(axis=1))
    temperature, threshold = _temperature_and_threshold(repeats, groups, coverage)
    return Sets(
        temperature,
        threshold,
        float(np.concatenate(covered).mean()),
        float(np.concatenate(sizes).mean()),
    )


def sets_of(calibrated: Floats, threshold: float) -> Bools:
    """(n, n_classes) bool: the classes in each photo's set, always with the most probable."""
    inside = 1 - calibrated <= threshold
    inside[np.arange(len(calibrated)), calibrated.argmax(axis=1)] = True
    return inside


def _temperature_and_threshold(
    repeats: list[Outcomes], groups: Groups, coverage: float
) -> tuple[float, float]:
    probabilities = np.concatenate([outcomes.probabilities for outcomes in repeats])
    labels = np.concatenate([outcomes.labels for outcomes in repeats])
    temperature = fit_temperature(probabilities, labels)
    calibrated = at_temperature(probabilities, temperature)
    scores = 1 - calibrated[np.arange(len(labels)), labels]
    # too few specimens: include every class, as scores are at most 1
    threshold = min(group_quantile(scores, np.tile(groups, len(repeats)), coverage), 1.0)
    return temperature, threshold


def _of_photos(outcomes: Outcomes, rows: Bools) -> Outcomes:
    return Outcomes(outcomes.labels[rows], outcomes.predicted[rows], outcomes.probabilities[rows])
