"""The flag "unlike anything seen": its thresholds, and how often it is right and wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from thinsection.base.arrays import Bools, Floats, Groups, Ints
from thinsection.final.doubt import group_quantile
from thinsection.predict.likeness import distances, standardisation, strangeness
from thinsection.predict.membership import Frame, Memberships, kernel

DISTANCES_AT_ONCE = 2**20  # in memory at a time: 8 MiB
RIDGE = 0.03  # variance of the noise in a training photo's membership, relative to the kernel's
OUTSIDE_RIDGE = 3.0  # of a photo of none of the classes: many of them count little each
DISTANCE_SHARE = 0.1  # of the false alarms, that the distance may raise beside the memberships
NEW_SPECIMEN = 0.5  # weight of the unknown specimen (``group_quantile``) beside the memberships
LEAST_STRANGENESS = 0.05  # that raises the flag, where the classes are very easy to tell apart
LEAST_CLASSES = 3  # of which one can be left out: of two, one would be left, and nothing to confuse


@dataclass(frozen=True)
class Photos:
    """
    The training photos, as the flag is fitted to them.

    Attributes
    ----------
    vectors : kind (``membership.WEIGHTS``) -> (n, n_numbers) of what the classifier takes; may
        be empty, e.g. for a network that takes the photos themselves
    descriptions : (n, n_numbers) from ``predict.description.describe``
    labels, groups, folds : (n,) class, group, and fold of the first repeat
    samples : (n,) the sample that each photo shows; a sample is as strange as its photos on average
    used : (n,) bool, the photos that the regression learns from (``few_of_each``)
    outside : the same kinds of photos that belong to none of the classes; may be empty
    """

    vectors: Mapping[str, Floats]
    descriptions: Floats
    labels: Ints
    groups: Groups
    folds: Ints
    samples: Ints
    used: Bools
    outside: Mapping[str, Floats]


@dataclass(frozen=True)
class Flag:
    """
    What raises the flag: either of two numbers above its threshold.

    Attributes
    ----------
    threshold : of the mean distance to the nearest training photos
    memberships, membership_threshold : of the strangeness; None if the photos have no vectors
    """

    threshold: float
    memberships: Memberships | None = None
    membership_threshold: float | None = None


@dataclass(frozen=True)
class Rates:
    """
    How often the flag was right and wrong.

    Attributes
    ----------
    false_alarms : share of photos flagged by what was fitted without their fold
    found_unseen : class -> share of its photos flagged by what was fitted without this class;
        empty if there are fewer than ``LEAST_CLASSES``
    """

    false_alarms: float
    found_unseen: dict[int, float]


def fit_flag(photos: Photos, false_alarms: float, neighbours: int) -> tuple[Flag, Rates]:
    """
    What flags photos unlike anything seen, for about the requested share of false alarms.

    Parameters
    ----------
    false_alarms : share of photos of new specimens of the known classes that may be flagged
    neighbours : number of nearest training photos to average the distance over
    """
    folds = [photos.folds == number for number in np.unique(photos.folds)]
    wrong = [_flagged(photos, here, false_alarms, neighbours) for here in folds]
    labels = np.unique(photos.labels)
    classes = labels if len(labels) >= LEAST_CLASSES else labels[:0]
    right = {
        int(label): float(_flagged(photos, photos.labels == label, false_alarms, neighbours).mean())
        for label in classes
    }
    flag = _fitted(photos, np.ones(len(photos.labels), bool), false_alarms, neighbours)
    return flag, Rates(float(np.concatenate(wrong).mean()), right)


def few_of_each(labels: Ints, most: int, rng: np.random.Generator) -> Bools:
    """(n,) bool: at most ``most`` photos, drawn so that the largest classes lose photos first."""
    order = rng.permutation(len(labels))
    place = np.empty(len(labels), int)  # of each photo among those drawn of its class
    for label in np.unique(labels):
        own = order[labels[order] == label]
        place[own] = np.arange(len(own))
    used = np.zeros(len(labels), bool)
    used[np.argsort(place, kind="stable")[:most]] = True
    return used


def fit_memberships(
    features: Mapping[str, Floats], labels: Ints, groups: Groups, outside: Mapping[str, Floats]
) -> tuple[Memberships, Floats]:
    """
    The regression, and the memberships of its own photos, each without its group.

    Leaving a group out needs no second fit: with G the inverse of kernel and ridge, and c the
    coefficients, the residuals of the group g are G[g, g]^-1 c[g] (Rifkin and Lippert 2007,
    MIT-CSAIL-TR-2007-025, for single photos). Photos outside of all classes stay in.

    Parameters
    ----------
    labels : (n,) 0 .. n_classes - 1, each of which occurs
    groups : (n,) photos of one group are left out together
    outside : kind -> (n_outside, n_numbers) of photos that belong to none of the classes; may
        be empty

    Returns
    -------
    memberships : fitted to all photos
    left_out : (n, n_classes) float64
    """
    frame, n = Frame.of(features), len(labels)
    vectors = frame.vectors(features)
    if outside:
        vectors = np.concatenate([vectors, frame.vectors(outside)])
    # fitted to the numbers as they are stored, so that rounding them is no error
    stored = vectors.astype(np.float16)
    wanted = np.zeros((len(stored), int(labels.max()) + 1))
    wanted[np.arange(n), labels] = 1
    noise = np.where(np.arange(len(stored)) < n, RIDGE, OUTSIDE_RIDGE)
    exact = stored.astype(np.float64)
    with threadpool_limits(1):  # sums must not depend on the number of threads
        inverse = np.linalg.inv(kernel(exact, exact) + np.diag(noise))
        coefficients = inverse @ wanted
    left_out = np.empty((n, wanted.shape[1]))
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        own = inverse[np.ix_(rows, rows)]
        left_out[rows] = wanted[rows] - np.linalg.solve(own, coefficients[rows])
    return Memberships(frame, stored, coefficients.astype(np.float32)), left_out


def to_other_groups(
    vectors: Floats,
    groups: Ints,
    reference: Floats,
    reference_groups: Ints,
    neighbours: int,
) -> Floats:
    """
    (n,) mean distance of each photo to its nearest reference photos of other groups.

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


def _fitted(photos: Photos, rows: Bools, false_alarms: float, neighbours: int) -> Flag:
    """The flag from some of the photos, each judged without its own group for the thresholds."""
    vectors, groups = _standardised(photos, rows)[rows], _numbered(photos.groups)[rows]
    apart = to_other_groups(vectors, groups, vectors, groups, neighbours)
    apart, of_samples = _of_samples(apart, photos.samples[rows], groups)
    if not photos.vectors:
        return Flag(_threshold(apart, of_samples, false_alarms, 1.0))
    used = rows & photos.used
    memberships, left_out = fit_memberships(
        {kind: numbers[used] for kind, numbers in photos.vectors.items()},
        _numbered(photos.labels[used]),  # a class may be left out
        photos.groups[used],
        photos.outside,
    )
    strange, own = _of_samples(1 - left_out.max(axis=1), photos.samples[used], photos.groups[used])
    share = false_alarms * (1 - DISTANCE_SHARE)
    raised = _threshold(strange, own, share, NEW_SPECIMEN)
    return Flag(
        _threshold(apart, of_samples, false_alarms * DISTANCE_SHARE, NEW_SPECIMEN),
        memberships,
        max(raised, LEAST_STRANGENESS),
    )


def _flagged(photos: Photos, here: Bools, false_alarms: float, neighbours: int) -> Bools:
    """Which samples of some photos are flagged by what is fitted to the others."""
    flag = _fitted(photos, ~here, false_alarms, neighbours)
    vectors, groups = _standardised(photos, ~here), _numbered(photos.groups)
    apart = to_other_groups(vectors[here], groups[here], vectors[~here], groups[~here], neighbours)
    shown = photos.samples[here]
    found: Bools = _of_samples(apart, shown, groups[here])[0] > flag.threshold
    if flag.memberships is not None and flag.membership_threshold is not None:
        features = {kind: numbers[here] for kind, numbers in photos.vectors.items()}
        strange = flag.memberships.strangeness(features)
        found |= _of_samples(strange, shown, groups[here])[0] > flag.membership_threshold
    return found


def _of_samples(scores: Floats, samples: Ints, groups: Groups) -> tuple[Floats, Groups]:
    """The mean score of each sample's photos, and its group."""
    _, first, place = np.unique(samples, return_index=True, return_inverse=True)
    means: Floats = np.bincount(place, scores) / np.bincount(place)
    return means, groups[first]


def _threshold(own: Floats, groups: Groups, false_alarms: float, unknown: float) -> float:
    found = group_quantile(own, groups, 1 - false_alarms, unknown)
    # too few specimens: the largest of any of them
    return found if np.isfinite(found) else float(own.max())


def _standardised(photos: Photos, rows: Bools) -> Floats:
    """(n, n_numbers) float64: all descriptions, with mean and spread of some of them."""
    mean, spread = standardisation(photos.descriptions[rows])
    return ((photos.descriptions - mean) / spread).astype(np.float64)


def _numbered(names: Groups) -> Ints:
    return np.unique(names, return_inverse=True)[1]
