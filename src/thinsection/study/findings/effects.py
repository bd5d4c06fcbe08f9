"""Trends with depth and effects of settings, with intervals over specimens and trainings."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from thinsection.base.arrays import Bools, Floats, Ints

TEN = 10  # hidden layers, for which a trend is given


@dataclass(frozen=True)
class Estimate:
    """A quantity and its interval."""

    value: float
    low: float
    high: float


class Resampled:
    """
    Draws of specimens and of repeats, with replacement, each independently of the other.

    Outcomes are crossed: every repeat names every specimen. To draw both holds the variance of either
    (Owen 2007, The pigeonhole bootstrap, Annals of Applied Statistics 1, 386-411), at worst a little too
    much of it.

    Parameters
    ----------
    group_of : (n_samples,) the specimen of each sample, 0..n_groups-1
    """

    def __init__(
        self, group_of: Ints, n_repeats: int, n_draws: int, rng: np.random.Generator
    ) -> None:
        n_groups = int(group_of.max()) + 1
        groups = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), n_draws)
        repeats = rng.multinomial(n_repeats, np.full(n_repeats, 1 / n_repeats), n_draws)
        # the first row is the data themselves
        weights = np.concatenate([np.ones((1, n_groups), int), groups])[:, group_of]
        self.of_samples = weights / weights.sum(axis=1, keepdims=True)
        self.of_repeats = np.concatenate([np.ones((1, n_repeats), int), repeats]) / n_repeats

    def accuracies(self, right: Bools) -> Floats:
        """(1 + n_draws, ...) of (..., n_repeats, n_samples), the first from the data themselves."""
        per_repeat = np.einsum("ds,...rs->d...r", self.of_samples, right.astype(float))
        found: Floats = np.einsum("d...r,dr->d...", per_repeat, self.of_repeats)
        return found


def estimate(draws: Floats, confidence: float) -> Estimate:
    """The first draw, and the percentiles of the others."""
    low, high = np.quantile(draws[1:], [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Estimate(float(draws[0]), float(low), float(high))


def mean_of_trainings(values: Floats, confidence: float) -> Estimate:
    """The mean of a quantity, one for each training, and Student's interval."""
    from scipy import stats

    mean, error = float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))
    reach = error * float(stats.t.ppf(0.5 + confidence / 2, len(values) - 1))
    return Estimate(mean, mean - reach, mean + reach)


def slope(accuracies: Floats, depths: list[int]) -> Floats:
    """(n_draws,) change of accuracy for each ten layers: the least-squares line through the depths."""
    x = np.asarray(depths) / TEN
    found: Floats = (accuracies * (x - x.mean())).sum(axis=-1) / ((x - x.mean()) ** 2).sum()
    return found


def specimens_needed(
    found: Estimate, n_specimens: int, wanted: float, confidence: float, power: float = 0.8
) -> float:
    """
    How many specimens find a change of ``wanted`` with a power, trained as often as here.

    The variance is taken to fall with their number.
    """
    from scipy import stats

    error = (found.high - found.low) / (2 * stats.norm.ppf(0.5 + confidence / 2))
    reach = stats.norm.ppf(0.5 + confidence / 2) + stats.norm.ppf(power)
    return float(n_specimens * (reach * error / wanted) ** 2)


def factorial_effects(
    draws: dict[str, Floats], factors: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    """
    What each level of each factor does, against the first level, as a mean over all other factors.

    Parameters
    ----------
    draws : design -> (1 + n_draws, n_depths) accuracies, all from the same draws
    factors : a row for each design, by its name, a column for each factor; levels in order of appearance

    Returns
    -------
    factor, level, against; ``shallow`` and ``deep``: the effect on accuracy at the first and the last
    depth; ``depth_effect``: on the change from the first to the last depth; each with ends of its interval
    """
    rows = []
    for factor in factors.columns:
        first, *others = list(dict.fromkeys(factors[factor]))
        means = {
            level: np.mean(
                [draws[name] for name in factors.index[factors[factor] == level]], axis=0
            )
            for level in (first, *others)
        }
        for level in others:
            effect = means[level] - means[first]
            parts = {
                "shallow": effect[:, 0],
                "deep": effect[:, -1],
                "depth_effect": effect[:, -1] - effect[:, 0],
            }
            row: dict[str, str | float] = {
                "factor": factor,
                "level": str(level),
                "against": str(first),
            }
            for name, each in parts.items():
                found = estimate(each, confidence)
                row |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
            rows.append(row)
    return pd.DataFrame(rows)
