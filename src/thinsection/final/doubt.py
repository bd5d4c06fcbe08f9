"""Uncertainty of a model's answers: temperature and prediction sets."""

from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Bools, Floats, Groups, Ints
from thinsection.evidence.calibration import at_temperature, fit_temperature
from thinsection.evidence.metrics import Outcomes

MOST_PARTS = 50  # into which specimens are dealt to measure coverage


@dataclass(frozen=True)
class Sets:
    """
    The parameters of prediction sets, and their measured properties on unseen specimens.

    Attributes
    ----------
    temperature : calibrates the probabilities
    thresholds : (n_classes,) a class belongs to the set if 1 - its probability is at most its own
    measured_coverage : share of photos whose set contained the true class, measured out-of-fold
    mean_size : mean number of classes in these sets
    covered : (n_classes,) the same share of the photos of each class; NaN of a class without photos
    """

    temperature: float
    thresholds: Floats
    measured_coverage: float
    mean_size: float
    covered: Floats


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


def fit_sets(repeats: list[Outcomes], groups: Groups, coverage: float) -> Sets:
    """
    Temperature and thresholds from out-of-fold predictions.

    A set contains every class whose probability is high enough (least ambiguous sets: Sadinle, Lei
    and Wasserman 2019, JASA 114, 223-234). What is high enough is found for each class by itself where it
    has specimens enough to promise its own coverage (class-conditional sets: Vovk 2012, ACML, 475-490;
    10 specimens for 0.9), and for the others together: one threshold for all would cover the easy
    classes more often than asked and the hard ones less.

    The scores come from models that saw part of the photos, the sets from a model that saw all:
    cross-conformal prediction (Vovk 2015), whose coverage is close to the requested one but, unlike that
    of split-conformal sets, not guaranteed. So the coverage is also measured: the sets of some specimens,
    one of each class, with the parameters from all others.

    Parameters
    ----------
    repeats : out-of-fold outcomes
    groups : (n_photos,) str
    """
    n_classes, labels = repeats[0].n_classes, repeats[0].labels
    counts = [len(np.unique(groups[labels == k])) for k in range(n_classes)]
    # one less, for those are left when coverage is measured
    own = np.array([n > 1 and (n - 1) / n >= coverage for n in counts])
    inside, covered = [], []
    parts = _dealt(labels, groups)
    for part in np.unique(parts):
        here = parts == part
        others = [_of_photos(outcomes, ~here) for outcomes in repeats]
        temperature, thresholds = _fitted(others, groups[~here], coverage, own)
        for outcomes in repeats:
            calibrated = at_temperature(outcomes.probabilities[here], temperature)
            sets = sets_of(calibrated, thresholds)
            inside.append(sets.sum(axis=1))
            covered.append(np.array([labels[here], sets[np.arange(here.sum()), labels[here]]]))
    of_class, held = np.concatenate(covered, axis=1)
    temperature, thresholds = _fitted(repeats, groups, coverage, own)
    return Sets(
        temperature,
        thresholds,
        float(held.mean()),
        float(np.concatenate(inside).mean()),
        np.array([held[of_class == k].mean() if counts[k] else np.nan for k in range(n_classes)]),
    )


def sets_of(calibrated: Floats, thresholds: Floats) -> Bools:
    """(n, n_classes) bool: the classes in each photo's set, always with the most probable."""
    inside = 1 - calibrated <= thresholds
    inside[np.arange(len(calibrated)), calibrated.argmax(axis=1)] = True
    return inside


def _dealt(labels: Ints, groups: Groups) -> Ints:
    """(n_photos,) int: the specimens of each class dealt into parts, at most one of each class to a part."""
    part_of: dict[str, int] = {}
    for label in np.unique(labels):
        new = [group for group in np.unique(groups[labels == label]) if group not in part_of]
        part_of |= {group: place % MOST_PARTS for place, group in enumerate(new)}
    return np.array([part_of[group] for group in groups])


def _fitted(
    repeats: list[Outcomes], groups: Groups, coverage: float, own: Bools
) -> tuple[float, Floats]:
    """The temperature, and the threshold of each class, by itself where it is one of ``own``."""
    probabilities = np.concatenate([outcomes.probabilities for outcomes in repeats])
    labels = np.concatenate([outcomes.labels for outcomes in repeats])
    everywhere = np.tile(groups, len(repeats))
    temperature = fit_temperature(probabilities, labels)
    calibrated = at_temperature(probabilities, temperature)
    scores = 1 - calibrated[np.arange(len(labels)), labels]
    shared = group_quantile(scores, everywhere, coverage)
    found = [
        group_quantile(scores[labels == k], everywhere[labels == k], coverage) if alone else shared
        for k, alone in enumerate(own)
    ]
    # too few specimens: include every class, as scores are at most 1
    return temperature, np.minimum(found, 1.0)


def _of_photos(outcomes: Outcomes, rows: Bools) -> Outcomes:
    return Outcomes(outcomes.labels[rows], outcomes.predicted[rows], outcomes.probabilities[rows])
