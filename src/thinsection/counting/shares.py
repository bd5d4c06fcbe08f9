"""
Shares of minerals from named points, and how sure they are.

What a model calls a point is not what the point is. Without points named by hand, the model's errors on specimens
that it had not seen, one table for each, say which shares most likely gave the names that were found:
maximum likelihood, by expectation maximisation, of the shares behind a known table of errors
(adjusted counts: Forman 2008, Data Min. Knowl. Discov. 17, 164; Saerens et al. 2002, Neural
Comput. 14, 21). With points named by hand, the points that a model names alike are a stratum, and those named by hand
say what a stratum consists of, so that the shares are right whatever the model does (prediction-powered
inference: Angelopoulos et al. 2023, Science 382, 669; strata: Fisch et al. 2024).

Uncertainty is carried by draws. Each draw has its own points (or fields of view), its own specimens of
training, and its own table of errors for this section, since sections differ in how well they are named.
"""

from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Bools, Floats, Ints

DRAWS = 2000
STEPS = 400  # of expectation maximisation
LEAST_DRIFT = 1e-6  # of a share in a step, at which it ends
FEWEST_FIELDS = 8  # whose differences say how fields of a section differ
# pseudo-points in each row of a table of errors: none of a kind was seen is not that there is none
ROW_PRIOR = 1.0
PART_PRIOR = 0.5  # pseudo-points in each part of the points, named as the whole is
POINTS_A_PART = 10
LOOSEST, TIGHTEST = 2.0, 1e4  # concentration of a section's errors about the mean


@dataclass(frozen=True)
class Shares:
    """
    Shares of minerals, with what is known of them.

    Attributes
    ----------
    classes : (n_classes,) names
    share : (n_classes,) the estimate, sum 1
    draws : (n_draws, n_classes), each of sum 1, as likely as each other
    raw : (n_classes,) of the model's names alone, taken as they are
    n_points, n_by_hand : that were counted
    """

    classes: tuple[str, ...]
    share: Floats
    draws: Floats
    raw: Floats
    n_points: int
    n_by_hand: int = 0

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """
        (n_classes,) lower and upper ends of the central intervals.

        With points named by hand, those of Jeffreys for a share of as many points as would vary as the draws do:
        quantiles of the draws miss a mineral that nobody happened to meet.
        """
        ends = (1 - confidence) / 2, (1 + confidence) / 2
        if not self.n_by_hand:
            low, high = np.quantile(self.draws, ends, axis=0)
            return low, high
        from scipy.stats import beta

        mean, varies = self.draws.mean(axis=0), np.maximum(self.draws.var(axis=0), 1e-12)
        as_many = np.clip(mean * (1 - mean) / varies - 1, 1, 1e6)
        low, high = (beta.ppf(e, mean * as_many + 0.5, (1 - mean) * as_many + 0.5) for e in ends)
        return low, high


def by_model(
    classes: tuple[str, ...],
    named: Ints,
    fields: Ints,
    errors: Floats,
    rng: np.random.Generator,
    *,
    n_draws: int = DRAWS,
) -> Shares:
    """
    Shares from the model's names, corrected for its errors on unseen specimens.

    It takes for granted that the errors on this section are like those on one of the training specimens.

    Parameters
    ----------
    named : (n_points,) place of each point's name in ``classes``
    fields : (n_points,) number of the field of view of each point, from 0; fields are a sample of the section.
        All 0 for points that were spread over the whole section
    errors : (n_specimens, n_classes, n_classes) how often each specimen's samples of a class (second axis) got each
        name (third), from a model that had not seen the specimen
    """
    n_classes = len(classes)
    counts = np.bincount(named, minlength=n_classes).astype(float)
    tables = drawn_tables(errors, rng, n_draws)
    resampled = _resampled_counts(named, fields, n_classes, rng, n_draws)
    mean = _shares_named(errors.sum(axis=0))
    return Shares(
        classes,
        share=behind(counts[None], mean[None])[0],
        draws=behind(resampled, tables),
        raw=counts / max(counts.sum(), 1),
        n_points=len(named),
    )


def by_hand(
    classes: tuple[str, ...],
    named: Ints,
    strata: Ints,
    seen: Ints,
    rng: np.random.Generator,
    *,
    n_draws: int = DRAWS,
) -> Shares:
    """
    Shares from the model's names of all points and the true names of some, drawn at random in each stratum.

    It takes nothing for granted of the model: one whose names mean nothing only makes the intervals wide.

    Parameters
    ----------
    named : (n_points,) place of each point's name by the model in ``classes``; others where it has none
    strata : (n_points,) number of the stratum from which points to look at were drawn (``strata_of``)
    seen : (n_points,) place of the true name in ``classes``, -1 where nobody looked
    """
    n_classes, looked = len(classes), seen >= 0
    # each point looked at stands for its share of the points of its stratum
    drawn_from = np.unique(strata, return_inverse=True)[1]
    n_seen = np.bincount(drawn_from[looked], minlength=drawn_from.max() + 1)
    stands_for = (np.bincount(drawn_from) / np.maximum(n_seen, 1))[drawn_from]
    parts = np.unique(_coarser(named, strata, int(looked.sum())), return_inverse=True)[1]
    sizes = np.bincount(parts).astype(float)
    weighted = np.zeros((len(sizes), n_classes))
    np.add.at(weighted, (parts[looked], seen[looked]), stands_for[looked])
    squares = np.bincount(parts[looked], stands_for[looked] ** 2, len(sizes))
    as_many = weighted.sum(axis=1) ** 2 / np.maximum(squares, 1e-12)  # of equal weight (Kish 1965)
    whole = weighted.sum(axis=0) + 1 / n_classes
    content = _rows(weighted) * as_many[:, None] + PART_PRIOR * _rows(whole)
    weights = rng.dirichlet(sizes, n_draws) if len(sizes) > 1 else np.ones((n_draws, 1))
    inside = np.stack([_dirichlet(row, n_draws, rng) for row in content], axis=1)
    return Shares(
        classes,
        share=sizes / sizes.sum() @ _rows(content),
        draws=np.einsum("bs,bsk->bk", weights, inside),
        raw=_rows(np.bincount(named, minlength=n_classes)[:n_classes].astype(float)),
        n_points=len(named),
        n_by_hand=int(looked.sum()),
    )


def _coarser(named: Ints, strata: Ints, n_seen: int) -> Ints:
    """
    (n_points,) parts of about ``POINTS_A_PART`` points looked at or more: the most frequent names, and the rest as one.

    What is made of fewer points would say little of each part, and be sure of it.
    """
    names, counts = np.unique(named, return_counts=True)
    n_parts = max(n_seen // POINTS_A_PART, 1)
    if n_parts >= len(np.unique(strata)):
        return strata
    own = names if n_parts >= len(names) else names[np.argsort(-counts)][: n_parts - 1]
    return np.where(np.isin(named, own), named, -1)


def by_hand_alone(
    classes: tuple[str, ...], seen: Ints, rng: np.random.Generator, *, n_draws: int = DRAWS
) -> Shares:
    """Shares from points named by hand, without any model: what a point counter gives."""
    counts = np.bincount(seen, minlength=len(classes)).astype(float)
    return Shares(
        classes,
        share=counts / max(counts.sum(), 1),
        draws=rng.dirichlet(counts + PART_PRIOR * _rows(counts + 1 / len(classes)), n_draws),
        raw=counts / max(counts.sum(), 1),
        n_points=len(seen),
        n_by_hand=len(seen),
    )


def wanted_by_hand(strata: Ints, sure: Floats, n: int, rng: np.random.Generator) -> Ints:
    """
    Which ``n`` points to name by hand, in the order in which to ask for them.

    Each stratum gives points in proportion to its size and to how unsure the model is there (Neyman's allocation; the
    smallest give none as long as few are asked for); inside a stratum they are drawn at random, so the answers speak for all of it.

    Parameters
    ----------
    strata : (n_points,) number of each point's stratum
    sure : (n_points,) calibrated probability of the model's name

    Returns
    -------
    (n,) places of points; asking may stop after any of them
    """
    numbers, places = np.unique(strata, return_inverse=True)
    doubt = np.array([np.mean(1 - sure[places == k]) for k in range(len(numbers))])
    spread = np.sqrt(np.clip(doubt * (1 - doubt), 0.02, None))
    weight = np.bincount(places) * spread
    queues = [rng.permutation(np.flatnonzero(places == k)) for k in range(len(numbers))]
    given = np.zeros(len(numbers), int)
    order: list[int] = []
    while len(order) < min(n, len(strata)):
        left = np.array([len(queue) for queue in queues]) > given
        need = np.where(left, weight / (given + 0.5), -1.0)
        k = int(need.argmax())
        order.append(int(queues[k][given[k]]))
        given[k] += 1
    return np.array(order, int)


def behind(counts: Floats, tables: Floats) -> Floats:
    """
    The shares that most likely gave the names.

    Parameters
    ----------
    counts : (n, n_classes) how often each name was given
    tables : (n, n_classes, n_classes) probability of each name (last axis) for each true class

    Returns
    -------
    (n, n_classes) of sum 1 and never negative

    Examples
    --------
    Of 100 points 44 are called quartz, by what calls quartz so in 8 of 10 cases, and feldspar in 2 of 10:

    >>> table = np.array([[[0.8, 0.2], [0.2, 0.8]]])
    >>> behind(np.array([[44.0, 56.0]]), table).round(3)
    array([[0.4, 0.6]])
    """
    wanted = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)
    shares = np.full(counts.shape, 1 / counts.shape[1])
    for _ in range(STEPS):
        expected = np.maximum(np.einsum("nj,njk->nk", shares, tables), 1e-12)
        new = shares * np.einsum("nk,njk->nj", wanted / expected, tables)
        drift = np.abs(new - shares).max(initial=0)
        shares = new
        if drift < LEAST_DRIFT:
            break
    return _rows(shares)


def drawn_tables(errors: Floats, rng: np.random.Generator, n_draws: int) -> Floats:
    """
    (n_draws, n_classes, n_classes) tables of errors that this section may have.

    The mean over specimens drawn with replacement, and about it the spread between specimens: a section
    is one more specimen, not their mean.
    """
    n_specimens = len(errors)
    drawn = rng.multinomial(n_specimens, np.full(n_specimens, 1 / n_specimens), n_draws)
    mean = _shares_named(np.einsum("bg,gjk->bjk", drawn.astype(float), errors), errors.sum(axis=0))
    tight = concentrations(errors)
    gammas = rng.standard_gamma(np.maximum(mean * tight[None, :, None], 1e-3))
    return _rows(gammas)


def concentrations(errors: Floats) -> Floats:
    """
    (n_classes,) of the Dirichlet distribution of specimens' errors about their mean, for each class.

    By moments: by how much specimens differ more than their numbers of samples let expect (the overdispersion
    of counts, Mosimann 1962). A class of a single specimen takes the loosest of the others.
    """
    mean = _shares_named(errors.sum(axis=0))
    found = np.full(len(mean), np.nan)
    for j, expected in enumerate(mean):
        counts = errors[:, j][errors[:, j].sum(axis=1) > 0]
        sizes = counts.sum(axis=1)
        if len(counts) < 2 or sizes.max() < 2:
            continue
        # variance of a name's share: e (1 - e) (1 + (n - 1) r) / n, summed over names, for each specimen
        whole = float((expected * (1 - expected)).sum())
        squares = ((counts / sizes[:, None] - expected) ** 2).sum(axis=1)
        free = len(counts) / (len(counts) - 1)
        excess = float((free * squares * sizes - whole).sum())
        r = excess / max(whole * float((sizes - 1).sum()), 1e-12)
        found[j] = np.clip(1 / max(r, 1e-9) - 1, LOOSEST, TIGHTEST)
    loosest = np.nanmin(found) if np.isfinite(found).any() else LOOSEST
    return np.where(np.isnan(found), loosest, found)


def _shares_named(counts: Floats, all_counts: Floats | None = None) -> Floats:
    """Rows of sum 1 from (..., n_classes, n_classes) counts; pseudo-points as names go in general."""
    whole = counts if all_counts is None else all_counts
    n_classes = whole.shape[-1]
    general = _rows(whole.sum(axis=0) + 1 / n_classes)
    right = np.eye(n_classes)
    # half a point right, half as names go in general
    return _rows(counts + ROW_PRIOR * (0.5 * right + 0.5 * general))


def _resampled_counts(
    named: Ints, fields: Ints, n_classes: int, rng: np.random.Generator, n_draws: int
) -> Floats:
    """(n_draws, n_classes) counts of names, of points drawn again, or of fields where there are enough."""
    numbers, places = np.unique(fields, return_inverse=True)
    if len(numbers) < FEWEST_FIELDS:
        shares = np.bincount(named, minlength=n_classes) / max(len(named), 1)
        return rng.multinomial(len(named), shares, n_draws).astype(float)
    of_field = np.zeros((len(numbers), n_classes))
    np.add.at(of_field, (places, named), 1)
    drawn = rng.multinomial(len(numbers), np.full(len(numbers), 1 / len(numbers)), n_draws)
    # n fields vary by the factor (n - 1) / n too little among themselves
    mean = of_field.mean(axis=0)
    wider = np.sqrt(len(numbers) / (len(numbers) - 1))
    found: Floats = np.clip(len(numbers) * mean + wider * (drawn @ (of_field - mean)), 0, None)
    return found


def _dirichlet(row: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
    gammas = rng.standard_gamma(np.maximum(row, 1e-3), (n_draws, len(row)))
    return _rows(gammas)


def _rows(counts: Floats) -> Floats:
    """With rows of sum 1."""
    found: Floats = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1e-300)
    return found


def strata_of(named: Ints, sure: Floats) -> Ints:
    """(n_points,) stratum of each point: its name, and whether the model is surer than for half of that name."""
    strata = 2 * named
    for k in np.unique(named):
        rows: Bools = named == k
        strata[rows] += sure[rows] >= np.median(sure[rows])
    return strata
