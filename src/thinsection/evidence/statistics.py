"""Intervals, paired tests and trends on arrays; docs/statistics.md explains the choice."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from thinsection.base.arrays import Bools, Floats, Ints

# specimens times differences of a pair, up to which all signs are counted: some milliseconds
MOST_EXACT = 2_000_000
NUMBERS_AT_ONCE = 2**20  # of draws in memory at a time: 8 MiB of float64


class Interval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


class Difference(NamedTuple):
    """A difference (first minus second), its interval and the two-sided p-value."""

    difference: float
    low: float
    high: float
    p_value: float


class TrainingLuck(NamedTuple):
    """How much the luck of the training moves an index: a variance, and its degrees of freedom."""

    variance: float
    freedom: int


UNKNOWN_LUCK = TrainingLuck(0.0, 0)  # of a single repeat


class PracticalProbabilities(NamedTuple):
    """Posterior probabilities of a difference (first minus second); they sum to 1."""

    second_better: float
    equivalent: float
    first_better: float


def resampled_counts(n_groups: int, n_draws: int, rng: np.random.Generator) -> Ints:
    """(n_draws, n_groups) int: how often each group is drawn, with replacement (Efron 1979)."""
    return rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n_draws)


def draws_at_once(n_draws: int, width: int) -> Iterator[int]:
    """
    Sizes of the batches in which to make ``n_draws`` draws of ``width`` numbers.

    The batches keep memory bounded for any number of draws and photos. NumPy's generators
    fill arrays row by row, so batches give the same numbers as one large array.
    """
    most = max(1, NUMBERS_AT_ONCE // width)
    for start in range(0, n_draws, most):
        yield min(most, n_draws - start)


def training_luck(of_repeats: Floats, held_out_ratio: float) -> TrainingLuck:
    """
    How much the luck of the training moves the mean of an index over repeats.

    A bootstrap over held-out specimens takes the trained classifiers as they are. Repeats train on other
    parts of the same specimens, with other first weights, so their variance shows some of that luck; but
    as their training photos overlap it shows too little of it, for which it is enlarged by the ratio of
    held-out to training photos (Nadeau and Bengio 2003, Machine Learning 52, 239-281, there for
    folds). `benchmarks/refitting.py` tells how well that works.

    Parameters
    ----------
    of_repeats : (n_repeats,) float, the index of each repeat; NaN if it could not be computed
    held_out_ratio : held-out photos / training photos, e.g. 1/3 for 4 folds

    Returns
    -------
    Of a single repeat ``UNKNOWN_LUCK``: the variance is 0 because nothing is known of it.

    Examples
    --------
    Variance 0.02, times 1/2 for the mean of two and 1/2 for three folds:

    >>> found = training_luck(np.array([0.6, 0.8]), held_out_ratio=1 / 2)
    >>> round(found.variance, 9), found.freedom
    (0.02, 1)
    """
    known = of_repeats[np.isfinite(of_repeats)]
    if len(known) < 2:
        return UNKNOWN_LUCK
    spread = float(known.var(ddof=1))
    return TrainingLuck((1 / len(known) + held_out_ratio) * spread, len(known) - 1)


def index_interval(
    value: float,
    draws: Floats,
    n_groups: int,
    confidence: float,
    luck: TrainingLuck = UNKNOWN_LUCK,
) -> Interval:
    """
    The interval of an index between 0 and 1, from a bootstrap over groups.

    Student's t with n_groups - 1 degrees of freedom on the log-odds, with the bootstrap's
    standard error, to whose square the variance of the training luck is added (degrees of freedom then
    after Satterthwaite 1946, Biometrics Bulletin 2, 110-114). In simulations its coverage is close to nominal, unlike that of percentile and
    BCa intervals with 30 groups (docs/statistics.md). Log-odds keep it between 0 and 1 and
    suit indexes near 1 (Qin and Hotilovac 2008, Stat. Methods Med. Res. 17, 207-221); the
    degrees of freedom are those for clustered data (Cameron and Miller 2015, J. Human Resources
    50, 317-372).

    Parameters
    ----------
    value : the index itself
    draws : (n_draws,) float, the index of each draw; NaN if it could not be computed
    n_groups : number of independent groups that were resampled
    luck : of the training, where repeats tell it

    Returns
    -------
    The interval; NaN at both ends for fewer than 2 groups, as one group has no spread. If all
    draws are equal (all photos right), Clopper and Pearson's, with each group as one trial.

    Examples
    --------
    Two groups leave one degree of freedom, whose t reaches 1 at three quarters. The standard error
    is 0.1 x sqrt(2 / 1); as log-odds it is divided by 0.5 x 0.5.

    >>> interval = index_interval(0.5, np.array([0.4, 0.6]), n_groups=2, confidence=0.5)
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.362, 0.638)
    >>> float(np.round(1 / (1 + np.exp(-0.1 * 2**0.5 / 0.25)), 3))
    0.638
    """
    spread, freedom = _error(draws, n_groups, luck)
    if not np.isfinite(value) or np.isnan(spread):
        return Interval(np.nan, np.nan)
    if spread < 1e-12 or not 0 < value < 1:
        return _clopper_pearson(value, n_groups, confidence)
    odds = np.log(value / (1 - value))
    reach = stats.t.ppf((1 + confidence) / 2, freedom) * spread / (value * (1 - value))
    return Interval(float(special.expit(odds - reach)), float(special.expit(odds + reach)))


def difference_interval(
    value: float,
    draws: Floats,
    n_groups: int,
    confidence: float,
    luck: TrainingLuck = UNKNOWN_LUCK,
) -> Interval:
    """
    The interval of a difference or slope, from a bootstrap over groups.

    Like ``index_interval``, but without the log-odds: value +- t x standard error.
    """
    spread, freedom = _error(draws, n_groups, luck)
    reach = stats.t.ppf((1 + confidence) / 2, freedom) * spread
    return Interval(float(value - reach), float(value + reach))


def difference_p(value: float, draws: Floats, n_groups: int, luck: TrainingLuck) -> float:
    """
    Two-sided p-value that a difference is 0: Student's t, by the error of ``difference_interval``.

    Where repeats tell the luck of the training, it replaces the sign flips, which take the trained
    classifiers as they are.
    """
    spread, freedom = _error(draws, n_groups, luck)
    if np.isnan(spread) or spread < 1e-12:
        return float(abs(value) < 1e-12) if np.isfinite(spread) else np.nan
    return float(2 * stats.t.sf(abs(value) / spread, freedom))


def _error(draws: Floats, n_groups: int, luck: TrainingLuck) -> tuple[float, float]:
    """Standard error by specimens and training, and its degrees of freedom."""
    of_specimens = _bootstrap_error(draws, n_groups) ** 2
    whole = of_specimens + luck.variance
    if not luck.variance > 0 or not whole > 0:
        return float(np.sqrt(whole)), max(n_groups - 1, 1)
    parts = of_specimens**2 / (n_groups - 1) + luck.variance**2 / luck.freedom
    return float(np.sqrt(whole)), whole**2 / parts


def expected_of_best(picked: Ints, left_out: Floats) -> float:
    """
    The index of the model selected from many, corrected for its selection.

    It is partly lucky. So in each draw of groups, the model that is selected on the draw is scored
    on the groups that the draw left out, which took no part in selecting it. The result is the
    mean over all draws (bootstrap bias corrected cross-validation: Tsamardinos, Greasidou and
    Borboudakis 2018, Machine Learning 107, 1895-1922).

    Parameters
    ----------
    picked : (n_draws,) int, the model selected on the groups of each draw
    left_out : (n_models, n_draws) float, the index of each model on the groups that the draw left
        out; NaN if it left out none

    Returns
    -------
    The index; NaN if no draw left a group out, as with a single group.
    """
    scores = left_out[picked, np.arange(len(picked))]
    known = scores[np.isfinite(scores)]
    return float(known.mean()) if len(known) else np.nan


def _bootstrap_error(draws: Floats, n_groups: int) -> float:
    """Standard error, corrected for the factor (n-1)/n in the variance of bootstrap draws."""
    usable = draws[np.isfinite(draws)]
    if n_groups < 2 or len(usable) < 2:
        return np.nan
    return float(np.sqrt(n_groups / (n_groups - 1)) * usable.std())


def _clopper_pearson(share: float, n_trials: int, confidence: float) -> Interval:
    """Exact binomial interval (Clopper and Pearson 1934, Biometrika 26, 404-413)."""
    tail, right = (1 - confidence) / 2, share * n_trials
    low = stats.beta.ppf(tail, right, n_trials - right + 1) if share > 0 else 0.0
    high = stats.beta.ppf(1 - tail, right + 1, n_trials - right) if share < 1 else 1.0
    return Interval(float(low), float(high))


def wilson_interval(n_right: float, n_photos: int, confidence: float) -> Interval:
    """
    Wilson's score interval of a share (Wilson 1927, JASA 22, 209-212).

    It assumes independent photos, which photos of one specimen are not. It serves as a check on
    the bootstrap, and is too short if specimens differ.

    Examples
    --------
    Unlike the textbook's normal interval, it stays below 1 and has a length where all are right.

    >>> interval = wilson_interval(8, 10, confidence=0.95)
    >>> round(interval.low, 2), round(interval.high, 2)
    (0.49, 0.94)
    >>> interval = wilson_interval(10, 10, confidence=0.95)  # from n / (n + 1.96**2)
    >>> round(interval.low, 4), round(10 / (10 + 1.96**2), 4), round(interval.high, 4)
    (0.7225, 0.7225, 1.0)
    """
    z = stats.norm.ppf((1 + confidence) / 2)
    share = n_right / n_photos
    centre = (share + z**2 / (2 * n_photos)) / (1 + z**2 / n_photos)
    half = z / (1 + z**2 / n_photos)
    half *= np.sqrt(share * (1 - share) / n_photos + z**2 / (4 * n_photos**2))
    return Interval(float(centre - half), float(centre + half))


def mcnemar(right_a: Bools, right_b: Bools) -> float:
    """
    McNemar's exact two-sided p-value that two classifiers err equally often on the same photos.

    Only photos that exactly one of the two classifies correctly count; under the null hypothesis
    each is equally likely to be either's (McNemar 1947, Psychometrika 12, 153-157; Dietterich 1998,
    Neural Computation 10, 1895-1923).

    Parameters
    ----------
    right_a, right_b : (n_photos,) bool

    Examples
    --------
    They differ on three photos, all in favour of the first: 2 x (1/2)**3.

    >>> mcnemar(np.array([True, True, True, True]), np.array([True, False, False, False]))
    0.25
    """
    only_a = int(np.sum(right_a & ~right_b))
    only_b = int(np.sum(~right_a & right_b))
    if only_a + only_b == 0:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b, 0.5).pvalue)


def corrected_t(differences: Floats, test_to_train: float, confidence: float) -> Difference:
    """
    The corrected resampled t-test of fold-wise differences.

    Folds share training photos, so their differences are not independent; the variance is
    enlarged by the ratio of test to training size (Nadeau and Bengio 2003, Machine Learning 52,
    239-281; for repeated cross-validation Bouckaert and Frank 2004, PAKDD, 3-12).

    Parameters
    ----------
    differences : (n_folds x n_repeats,) float; NaN where an index could not be computed
    test_to_train : held-out photos / training photos, e.g. 1/3 for 4 folds

    Examples
    --------
    Variance 0.02, enlarged by 1/2 + 1/2: t is 0.2 / sqrt(0.02), with one degree of freedom, whose p
    is 1 - 2 arctan(t) / pi.

    >>> found = corrected_t(np.array([0.1, 0.3]), test_to_train=1 / 2, confidence=0.95)
    >>> round(found.difference, 9), round(found.p_value, 4)
    (0.2, 0.3918)
    >>> float(np.round(1 - 2 * np.arctan(0.2 / 0.02**0.5) / np.pi, 4))
    0.3918
    """
    known = differences[np.isfinite(differences)]
    if len(known) < 2:
        return Difference(float(known.mean()) if len(known) else np.nan, np.nan, np.nan, np.nan)
    mean, spread = known.mean(), _corrected_spread(known, test_to_train)
    if spread == 0:
        return Difference(float(mean), float(mean), float(mean), float(mean == 0))
    freedom = len(known) - 1
    reach = stats.t.ppf((1 + confidence) / 2, freedom) * spread
    p_value = 2 * stats.t.sf(abs(mean) / spread, freedom)
    return Difference(float(mean), float(mean - reach), float(mean + reach), float(p_value))


def practical_probabilities(
    differences: Floats, test_to_train: float, rope: float
) -> PracticalProbabilities:
    """
    Posterior probabilities that one model is better, or both equal for practical purposes.

    The Bayesian correlated t-test (Corani and Benavoli 2015, Machine Learning 100, 285-304;
    Benavoli et al. 2017, JMLR 18(77)): the posterior of the mean difference is Student's t with
    the same corrected spread, and differences within +-rope count as equal.
    """
    known = differences[np.isfinite(differences)]
    if len(known) < 2:
        return PracticalProbabilities(np.nan, np.nan, np.nan)
    mean, spread = known.mean(), _corrected_spread(known, test_to_train)
    if spread == 0:
        below, above = float(mean < -rope), float(mean > rope)
    else:
        below = float(stats.t.cdf((-rope - mean) / spread, len(known) - 1))
        above = float(stats.t.sf((rope - mean) / spread, len(known) - 1))
    return PracticalProbabilities(below, 1 - below - above, above)


def sign_flip(group_differences: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
    """
    Two-sided p-values of a sign-flip test over specimens.

    If two models are equal, the sign of each specimen's difference is random; the sum of
    differences is compared with the sums with all other signs (Fisher's randomisation test; Good 2005,
    Permutation Tests, ch. 3). Unlike McNemar's test it keeps the photos of a specimen together.

    Differences are counts, or means of counts over a few repeats, so that their sums take few values: the
    distribution over all signs is worked out exactly, specimen by specimen (Pagano and Tritchler 1983,
    Journal of the American Statistical Association 78, 435-440). Where there are too many photos for
    that, ``n_draws`` draws of signs stand for all.

    Parameters
    ----------
    group_differences : (n_groups, n_pairs) float, correct answers of the first minus the second

    Returns
    -------
    (n_pairs,) float; from draws never below 1 / (n_draws + 1) (Phipson and Smyth 2010)
    """
    n_groups, n_pairs = group_differences.shape
    counts = _whole(group_differences)
    if counts is not None and n_groups * np.abs(counts).sum(axis=0).max(initial=0) <= MOST_EXACT:
        return np.array([_exact_sign_flip(each) for each in counts.T])
    observed = np.abs(group_differences.sum(axis=0))
    n_as_large = np.zeros(n_pairs, int)
    for n in draws_at_once(n_draws, max(n_groups, n_pairs)):
        signs = rng.choice([-1.0, 1.0], size=(n, n_groups))
        n_as_large += (np.abs(signs @ group_differences) >= observed - 1e-9).sum(axis=0)
    return (n_as_large + 1) / (n_draws + 1)


def _whole(differences: Floats) -> Ints | None:
    """The differences as whole numbers of a common fraction, at most a 60th; None if there is none."""
    for parts in range(1, 61):
        scaled = differences * parts
        whole = np.rint(scaled)
        if np.allclose(scaled, whole, rtol=0, atol=1e-6):
            return whole.astype(np.int64)
    return None


def _exact_sign_flip(differences: Ints) -> float:
    """The share of all signs with which the sum of (n_groups,) is at least as far from 0 as it is."""
    sizes = np.abs(differences[differences != 0])
    most, observed = int(sizes.sum()), abs(int(differences.sum()))
    if observed == 0:
        return 1.0
    chances = np.zeros(2 * most + 1)  # of the sums -most..most
    chances[most] = 1
    for size in sizes:
        spread = np.zeros_like(chances)
        spread[size:] = chances[:-size]
        spread[:-size] += chances[size:]
        chances = spread / 2
    return float(min(2 * chances[: most - observed + 1].sum(), 1))


def holm(p_values: Floats) -> Floats:
    """
    P-values corrected for multiple tests (Holm 1979, Scand. J. Statist. 6, 65-70).

    NaN stays NaN and does not count as a test.

    Examples
    --------
    The least of three is multiplied by 3, the next by 2; none falls below the one before.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    corrected = np.full(len(p_values), np.nan)
    known = np.flatnonzero(np.isfinite(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    scaled = p_values[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return corrected


def slopes(depths: Floats, values: Floats) -> Floats:
    """
    Least-squares slopes of an index against depth.

    Parameters
    ----------
    depths : (n_models,) float
    values : (n_models, ...) float

    Returns
    -------
    (...) float, change of the index per unit of depth; NaN if a value is NaN
    """
    centred = depths - depths.mean()
    return np.tensordot(centred / (centred**2).sum(), values, axes=1)


def falls_with_depth(values: Floats) -> float:
    """
    One-sided p-value of Page's trend test that an index falls from model to model.

    Page 1963 (JASA 58, 216-230): models are ranked within each fold, so that hard and easy
    folds count alike. Folds share training photos, so read it together with the corrected t-test
    of the slope.

    Parameters
    ----------
    values : (n_models, n_folds) float, models from shallow to deep

    Returns
    -------
    NaN for fewer than 3 models or 2 folds
    """
    known = values[:, np.isfinite(values).all(axis=0)]
    if known.shape[0] < 3 or known.shape[1] < 2:
        return np.nan
    return float(stats.page_trend_test(known[::-1].T).pvalue)


def _corrected_spread(differences: Floats, test_to_train: float) -> float:
    variance = differences.var(ddof=1)
    return float(np.sqrt((1 / len(differences) + test_to_train) * variance))
