"""Intervals and tests against hand work, the literature, and other implementations."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit

from simulated import simulate, truth
from thinsection.base.seeds import generator
from thinsection.evidence.metrics import METRICS
from thinsection.evidence.statistics import (
    UNKNOWN_LUCK,
    TrainingLuck,
    corrected_t,
    difference_interval,
    difference_p,
    expected_of_best,
    falls_with_depth,
    holm,
    index_interval,
    mcnemar,
    practical_probabilities,
    resampled_counts,
    sign_flip,
    slopes,
    training_luck,
    wilson_interval,
)

# Accuracy of two classifiers in ten folds, differences of about three points.
FOLDS_A = np.array([0.81, 0.79, 0.84, 0.80, 0.77, 0.83, 0.82, 0.78, 0.85, 0.80])
FOLDS_B = np.array([0.78, 0.77, 0.80, 0.79, 0.76, 0.78, 0.80, 0.77, 0.79, 0.79])


def test_wilson_of_the_papers_fcnn_10() -> None:
    # PAPER: with 108 photos the interval of a CA of 0.80 is about 0.71 to 0.86.
    assert wilson_interval(0.8 * 108, 108, 0.95) == pytest.approx((0.71, 0.865), abs=0.006)


def test_wilson_agrees_with_statsmodels_and_scipy() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for right, photos in ((0, 12), (7, 12), (86, 108), (95, 95)):
        ours = wilson_interval(right, photos, 0.9)
        theirs = proportion.proportion_confint(right, photos, alpha=0.1, method="wilson")
        assert ours == pytest.approx(theirs, abs=1e-9)
        scipys = stats.binomtest(right, photos).proportion_ci(0.9, method="wilson")
        assert ours == pytest.approx((scipys.low, scipys.high), abs=1e-9)


def test_mcnemar_by_hand() -> None:
    # Six photos differ, all in favour of the first: 2 x (1/2)^6 = 1/32.
    right_a = np.array([True] * 6 + [True, False])
    right_b = np.array([False] * 6 + [True, False])
    assert mcnemar(right_a, right_b) == pytest.approx(1 / 32)
    assert mcnemar(right_a, right_a) == 1


def test_mcnemar_agrees_with_statsmodels() -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    for only_a, only_b in ((10, 3), (5, 5), (21, 9), (1, 0)):
        right_a = np.array([True] * only_a + [False] * only_b + [True] * 4)
        right_b = np.array([False] * only_a + [True] * only_b + [True] * 4)
        theirs = tables.mcnemar([[4, only_a], [only_b, 0]], exact=True).pvalue
        assert mcnemar(right_a, right_b) == pytest.approx(theirs)


def test_corrected_t_by_hand() -> None:
    # Differences 1, 2, 3 with one held-out photo for two training photos: mean 2, variance 1,
    # spread sqrt((1/3 + 1/2) x 1) = 0.9129, t = 2.1909 with 2 degrees of freedom.
    found = corrected_t(np.array([1.0, 2, 3]), 1 / 2, 0.95)
    assert found.difference == 2
    assert found.p_value == pytest.approx(2 * stats.t.sf(2 / np.sqrt(5 / 6), 2))
    assert found.high - found.low == pytest.approx(2 * 4.302653 * np.sqrt(5 / 6), rel=1e-5)


def test_uncorrected_it_is_the_paired_t_test() -> None:
    found = corrected_t(FOLDS_A - FOLDS_B, 0, 0.95)
    assert found.p_value == pytest.approx(stats.ttest_rel(FOLDS_A, FOLDS_B).pvalue)
    assert corrected_t(FOLDS_A - FOLDS_B, 1 / 9, 0.95).p_value > found.p_value


def test_corrected_t_without_spread_or_folds() -> None:
    assert corrected_t(np.zeros(4), 1 / 3, 0.95).p_value == 1
    assert corrected_t(np.full(4, 0.1), 1 / 3, 0.95).p_value == 0
    assert np.isnan(corrected_t(np.array([0.1, np.nan]), 1 / 3, 0.95).p_value)


@pytest.mark.parametrize("rope", [0, 0.01, 0.03])
def test_practical_probabilities_agree_with_baycomp(rope: float) -> None:
    baycomp = pytest.importorskip("baycomp")
    theirs = baycomp.two_on_single(FOLDS_A, FOLDS_B, rope=rope, runs=1)
    ours = practical_probabilities(FOLDS_A - FOLDS_B, 1 / 9, rope)
    if rope == 0:
        theirs = (theirs[0], 0, theirs[1])
    # baycomp gives the chances of the left one first: first better, equivalent, second better.
    assert (ours.first_better, ours.equivalent, ours.second_better) == pytest.approx(theirs)
    assert sum(ours) == pytest.approx(1)


def test_holm_agrees_with_statsmodels_and_skips_nan() -> None:
    p_values = np.array([0.01, 0.04, np.nan, 0.03, 0.005])
    # Sorted .005 .01 .03 .04 by 4 3 2 1: .02 .03 .06 .04, the last raised to .06.
    assert holm(p_values)[[0, 1, 3, 4]] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert np.isnan(holm(p_values)[2])
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    many = np.random.default_rng(0).uniform(0, 0.1, 30)
    assert holm(many) == pytest.approx(multitest.multipletests(many, method="holm")[1])


def test_two_folds_are_enough_for_chances() -> None:
    # Differences of 0.05 and 0.15: mean 0.1, variance 0.005, enlarged by 1/2 + 1 to a spread of
    # 0.0866. With one degree of freedom Student's t is Cauchy's: 1/2 + arctan(x)/pi.
    chances = practical_probabilities(np.array([0.05, 0.15]), 1.0, 0.02)
    assert chances.first_better == pytest.approx(0.5 + np.arctan(0.08 / 0.0866025) / np.pi)
    assert chances.second_better == pytest.approx(0.5 - np.arctan(0.12 / 0.0866025) / np.pi)
    assert np.isnan(practical_probabilities(np.array([0.05]), 1.0, 0.02)).all()


def test_sign_flips_by_hand() -> None:
    # Five specimens, all in favour of the first: 2 of the 32 signings are as extreme.
    p_value = sign_flip(np.ones((5, 1)), 20_000, np.random.default_rng(0))[0]
    assert p_value == pytest.approx(2 / 32, rel=1e-12)
    scipys = stats.permutation_test(
        (np.array([3.0, 1, 2, -1, 4]), np.zeros(5)), lambda a, b: np.sum(a - b),
        permutation_type="samples", n_resamples=2**5,
    ).pvalue  # fmt: skip
    ours = sign_flip(np.array([[3.0], [1], [2], [-1], [4]]), 20_000, np.random.default_rng(1))
    assert ours[0] == pytest.approx(scipys, rel=1e-12)


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9), st.sampled_from([1, 3, 5]))
def test_all_signs_are_counted(differences: list[int], repeats: int) -> None:
    # means over repeats, against every combination of signs
    values = np.array(differences, float)
    signs = np.array(list(itertools.product([-1, 1], repeat=len(values))))
    expected = np.mean(np.abs(signs @ values) >= abs(values.sum()) - 1e-9)
    found = sign_flip(values[:, None] / repeats, 100, np.random.default_rng(0))[0]
    assert found == pytest.approx(expected, rel=1e-9)


def test_many_specimens_have_no_least_p_value() -> None:
    # 40 specimens, all in favour of the first; from draws it would be 1 in 10,001
    found = sign_flip(np.full((40, 2), 1 / 3), 10_000, np.random.default_rng(0))
    assert found == pytest.approx(2 / 2**40, rel=1e-9)


def test_what_is_too_much_to_count_is_drawn() -> None:
    # of 3,000 specimens with 1,000 photos each; and of numbers that are no counts
    for differences in (np.full((3000, 1), 1000.0), np.full((20, 1), 2**0.5)):
        assert sign_flip(differences, 99, np.random.default_rng(0))[0] == 0.01


def test_sign_flips_of_equal_models_say_nothing() -> None:
    assert sign_flip(np.zeros((6, 1)), 1000, np.random.default_rng(0))[0] == 1


def test_slopes_are_least_squares() -> None:
    depths = np.array([2.0, 4, 6, 12])
    values = np.array([0.8, 0.7, 0.75, 0.5])
    expected = np.polyfit(depths, values, 1)[0]
    assert slopes(depths, values) == pytest.approx(expected)
    assert slopes(depths, np.stack([values, 2 * values], axis=1)) == pytest.approx(
        [expected, 2 * expected]
    )


def test_page_finds_a_fall_and_not_a_rise() -> None:
    falling = np.array([[0.9, 0.8, 0.95, 0.7], [0.8, 0.7, 0.9, 0.6], [0.7, 0.6, 0.8, 0.5]])
    # Every fold ranks the three alike: one of 6 orders in each of 4 folds, (1/6)^4.
    assert falls_with_depth(falling) == pytest.approx(1 / 6**4)
    assert falls_with_depth(falling[::-1]) == pytest.approx(1)
    assert np.isnan(falls_with_depth(falling[:2]))


def test_interval_of_one_specimen_is_none() -> None:
    draws = np.full(100, 0.8)
    assert np.isnan(index_interval(0.8, draws, 1, 0.95)).all()
    assert np.isnan(difference_interval(0.1, draws, 1, 0.95)).all()


def test_interval_of_a_perfect_classifier_is_clopper_and_pearsons() -> None:
    # Ten specimens, all right: the lower end is 0.025^(1/10).
    low, high = index_interval(1.0, np.ones(100), 10, 0.95)
    assert (low, high) == pytest.approx((0.025 ** (1 / 10), 1))
    scipys = stats.binomtest(10, 10).proportion_ci(0.95, method="exact")
    assert low == pytest.approx(scipys.low)


def test_interval_stays_between_0_and_1_and_ignores_lost_draws() -> None:
    rng = np.random.default_rng(0)
    draws = np.clip(rng.normal(0.97, 0.03, 500), 0, 1)
    draws[::50] = np.nan
    low, high = index_interval(0.97, draws, 8, 0.95)
    assert 0 < low < 0.97 < high < 1


def test_interval_of_independent_photos_is_near_wilsons() -> None:
    rng = np.random.default_rng(1)
    right = np.arange(200) < 160  # every photo its own specimen
    draws = resampled_counts(200, 4000, rng) @ right / 200
    ours = index_interval(0.8, draws, 200, 0.95)
    assert ours == pytest.approx(wilson_interval(160, 200, 0.95), abs=0.006)


def test_intervals_hold_the_truth() -> None:
    """A short form of benchmarks/evidence.py coverage, which simulates 1,000 sets."""
    real, held, n_sets = truth("good"), dict.fromkeys(METRICS, 0), 150
    for number in range(n_sets):
        rng = generator(number, "coverage test")
        outcomes, groups = simulate(30, "good", rng)
        weights = resampled_counts(30, 200, rng)[:, groups].astype(float)
        for index, metric in METRICS.items():
            value = metric(outcomes, np.ones((1, len(groups))))[0]
            low, high = index_interval(value, metric(outcomes, weights), 30, 0.95)
            held[index] += low <= real[index] <= high
    # 150 sets tell 95 % from 90 % no better than this: three standard errors are 5 %.
    assert all(0.90 <= count / n_sets <= 1 for count in held.values()), held


def test_difference_reaches_t_times_the_error_of_its_draws() -> None:
    # Draws of standard deviation 0.1 over 10 groups: error 0.1 sqrt(10/9); t of 9 is 2.262.
    low, high = difference_interval(0.3, np.array([0.2, 0.4] * 50), 10, 0.95)
    assert (low, high) == pytest.approx((0.3 - 2.2622 * 0.105409, 0.3 + 2.2622 * 0.105409), 1e-4)


def test_where_no_draw_differs_each_specimen_is_one_trial() -> None:
    # every specimen half right: five of ten trials (Clopper and Pearson)
    half = index_interval(0.5, np.full(100, 0.5), 10, 0.95)
    scipys = stats.binomtest(5, 10).proportion_ci(0.95, method="exact")
    assert half == pytest.approx((scipys.low, scipys.high))


def test_the_one_picked_is_scored_where_it_was_not_picked() -> None:
    # First draw: the first is picked and gets 0.4 of those left out. Second: the second, 0.7.
    # Third: nothing was left out.
    left_out = np.array([[0.4, 0.5, np.nan], [0.9, 0.7, np.nan]])
    assert expected_of_best(np.array([0, 1, 0]), left_out) == pytest.approx((0.4 + 0.7) / 2)
    assert np.isnan(expected_of_best(np.array([0]), left_out[:, 2:]))


def test_luck_of_the_best_of_many_is_taken_off() -> None:
    # Nineteen equal models, each right in 0.6 of photos: the best of them seems much better.
    rng = generator(3, "best of many")
    found = []
    for _ in range(150):
        right = rng.binomial(6, 0.6, size=(19, 40))  # of six photos of each of 40 specimens
        counts = resampled_counts(40, 200, rng)
        drawn, left_out = ((w @ right.T / w.sum(axis=1, keepdims=True) / 6).T
                           for w in (counts, counts == 0))  # fmt: skip
        found.append((right.mean(axis=1).max() / 6, expected_of_best(drawn.argmax(0), left_out)))
    seems, expected = np.mean(found, axis=0)
    assert seems > 0.64
    assert expected == pytest.approx(0.6, abs=0.01)


def test_the_luck_of_the_training_widens_an_interval() -> None:
    draws = np.array([0.4, 0.6] * 50)  # standard error 0.1 x sqrt(11 / 10)
    luck = TrainingLuck(variance=0.011, freedom=4)  # as much again
    narrow = difference_interval(0.5, draws, 11, 0.95)
    wide = difference_interval(0.5, draws, 11, 0.95, luck)
    # Satterthwaite: (2 v)^2 / (v^2 / 10 + v^2 / 4) = 4 / 0.35 degrees of freedom
    reach = stats.t.ppf(0.975, 4 / 0.35) * np.sqrt(2 * 0.011)
    assert wide == pytest.approx((0.5 - reach, 0.5 + reach))
    assert narrow == difference_interval(0.5, draws, 11, 0.95, UNKNOWN_LUCK)
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
    # the p-value is that of the interval: its end is 0 where p is 0.05
    assert difference_p(reach, draws, 11, luck) == pytest.approx(0.05)
    assert np.isnan(difference_p(0.1, draws, 1, luck))
    low, high = index_interval(0.5, draws, 11, 0.95, luck)
    assert (low, high) == pytest.approx((expit(-reach / 0.25), expit(reach / 0.25)))


def test_one_repeat_tells_no_luck() -> None:
    assert training_luck(np.array([0.7]), 0.5) == UNKNOWN_LUCK
    assert training_luck(np.array([0.7, np.nan]), 0.5) == UNKNOWN_LUCK
    assert training_luck(np.array([0.6, 0.7, 0.8]), 0.5) == pytest.approx(((1 / 3 + 0.5) * 0.01, 2))


def test_with_repeats_intervals_hold_the_truth_when_training_is_repeated() -> None:
    # each set: its own training luck, 0.05, half of which repeats share; specimens of spread 0.3
    rng = generator(5, "luck")
    held = {1: 0, 5: 0}
    for _ in range(400):
        shared = rng.normal(0, 0.05 * np.sqrt(1 / 3))
        of_repeats = shared + rng.normal(0, 0.05 * np.sqrt(2 / 3), 5)
        specimens = rng.normal(0, 0.3, 40)
        for n in held:
            value = of_repeats[:n].mean() + specimens.mean()
            draws = value + rng.normal(0, specimens.std() / np.sqrt(40), 300)
            luck = training_luck(of_repeats[:n], 0.5)
            low, high = difference_interval(value, draws, 40, 0.95, luck)
            held[n] += low <= 0 <= high
    assert held[1] / 400 < 0.92
    assert 0.92 < held[5] / 400 < 0.98
