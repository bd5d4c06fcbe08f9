"""Uncertainty of a model's answers: temperature, prediction sets, strangeness."""

from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Bools, Floats, Groups, Ints
from thinsection.evidence.calibration import at_temperature, fit_temperature
from thinsection.evidence.metrics import Outcomes
from thinsection.predict.likeness import distances, standardisation, strangeness

DISTANCES_AT_ONCE = 2**20  # in memory at a time: 8 MiB


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


@dataclass(frozen=True)
class Strangeness:
    """
    The threshold of "unlike anything seen", and how often the flag was wrong.

    Attributes
    ----------
    threshold : mean distance to the nearest training photos above which a photo is flagged
    measured_false_alarms : share of photos flagged with a reference that excludes their fold
    """

    threshold: float
    measured_false_alarms: float


def group_quantile(scores: Floats, groups: Groups, share: float) -> float:
    """
    The score that a photo of a new specimen does not exceed with probability ``share``.

    Photos of one specimen are not independent; specimens are. Each group has the same weight,
    divided between its photos, and the new, unknown specimen has that weight too:
    hierarchical conformal prediction (Lee, Barber and Willett 2023, arXiv:2306.06342), which for
    groups of one photo is split-conformal prediction (Vovk et al. 2005). Infinity if there
    are too few groups.
    """
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1 / (len(sizes) + 1) / sizes[place]
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


def fit_strangeness(
    descriptions: Floats,
    groups: Groups,
    folds: Ints,
    false_alarms: float,
    neighbours: int,
) -> Strangeness:
    """
    The threshold of "unlike anything seen" for about the requested share of false alarms.

    Parameters
    ----------
    descriptions : (n_photos, n_numbers) from ``predict.description.describe``
    groups, folds : (n_photos,) group, and fold of the first repeat
    false_alarms : share of photos of new specimens of the known classes that may be flagged
    neighbours : number of nearest training photos to average over
    """
    _, group_of = np.unique(groups, return_inverse=True)
    flagged = []
    for number in np.unique(folds):
        here = folds == number
        vectors = _standardised(descriptions, descriptions[~here])
        seen, seen_groups = vectors[~here], group_of[~here]
        own = to_other_groups(seen, seen_groups, seen, seen_groups, neighbours)
        new = to_other_groups(vectors[here], group_of[here], seen, seen_groups, neighbours)
        flagged.append(new > _flag_threshold(own, seen_groups, false_alarms))
    vectors = _standardised(descriptions, descriptions)
    own = to_other_groups(vectors, group_of, vectors, group_of, neighbours)
    threshold = _flag_threshold(own, group_of, false_alarms)
    return Strangeness(threshold, float(np.concatenate(flagged).mean()))


def to_other_groups(
    vectors: Floats,
    groups: Ints,
    reference: Floats,
    reference_groups: Ints,
    neighbours: int,
) -> Floats:
    """
    (n,) strangeness of each photo relative to reference photos of other groups.

    Parameters
    ----------
    vectors, groups : (n, n_numbers) float64 standardised descriptions, and (n,) int groups
    reference, reference_groups : the same for the reference photos; may be the same photos
    """
    # fewer, if the reference is little more than one large group
    others = len(reference) - int(np.bincount(reference_groups).max())
    neighbours = max(1, min(neighbours, others))
    squares = (reference**2).sum(axis=1)
    rows = max(1, DISTANCES_AT_ONCE // len(reference))
    found = []
    for start in range(0, len(vectors), rows):
        part = slice(start, start + rows)
        apart = distances(vectors[part], reference, squares)
        apart[groups[part][:, None] == reference_groups] = np.inf
        found.append(strangeness(apart, neighbours))
    return np.concatenate(found)


def _standardised(descriptions: Floats, seen: Floats) -> Floats:
    """(n, n_numbers) float64: descriptions standardised with mean and spread of ``seen``."""
    mean, spread = standardisation(seen)
    return ((descriptions - mean) / spread).astype(np.float64)


def _flag_threshold(own: Floats, groups: Ints, false_alarms: float) -> float:
    threshold = group_quantile(own, groups, 1 - false_alarms)
    # too few specimens: use the largest distance of any of them
    return threshold if np.isfinite(threshold) else float(own.max())


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
