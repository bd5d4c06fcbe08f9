"""The indexes of every model: their values, bootstrap draws over specimens, and by fold."""

from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Floats, Texts
from thinsection.dataset.folds import as_numbered_by_first
from thinsection.evidence.metrics import METRICS, Metric, Outcomes, Weights, mean_over_repeats
from thinsection.evidence.runs import Study
from thinsection.evidence.statistics import (
    Interval,
    TrainingLuck,
    difference_interval,
    difference_p,
    draws_at_once,
    index_interval,
    resampled_counts,
    training_luck,
)


@dataclass(frozen=True)
class Estimates:
    """
    The indexes of every model, and their bootstrap draws.

    Attributes
    ----------
    values : index name -> (n_models,) float
    draws : index name -> (n_models, n_draws) float; each column is one draw of specimens, the
        same for every model, so that differences between models are paired
    left_out_ca : (n_models, n_draws) float, CA on the specimens that a draw left out; NaN if
        it left out none
    of_repeats : index name -> (n_models, n_repeats) float
    n_groups : number of groups that were resampled
    held_out_ratio : number of held-out photos / training photos
    """

    values: dict[str, Floats]
    draws: dict[str, Floats]
    left_out_ca: Floats
    of_repeats: dict[str, Floats]
    n_groups: int
    held_out_ratio: float

    def luck(self, index: str, weights: Floats) -> TrainingLuck:
        """Of a sum of the models' values with (n_models,) weights: how much training moves it."""
        # models without weight may have no value
        used = weights != 0
        return training_luck(weights[used] @ self.of_repeats[index][used], self.held_out_ratio)

    def interval(self, index: str, place: int, confidence: float) -> Interval:
        """The interval of an index of one model."""
        alone = np.eye(len(self.values[index]))[place]
        return index_interval(
            self.values[index][place],
            self.draws[index][place],
            self.n_groups,
            confidence,
            self.luck(index, alone),
        )

    def difference(self, index: str, first: int, second: int) -> Floats:
        """(n_models,) weights, with which a sum is the first model's value less the second's."""
        every = np.eye(len(self.values[index]))
        found: Floats = every[first] - every[second]
        return found

    def interval_of_sum(self, index: str, weights: Floats, confidence: float) -> Interval:
        """The interval of a sum of the models' values with (n_models,) weights."""
        used = weights != 0
        value, draws = (weights[used] @ each[index][used] for each in (self.values, self.draws))
        luck = self.luck(index, weights)
        return difference_interval(float(value), draws, self.n_groups, confidence, luck)

    def p_of_sum(self, index: str, weights: Floats) -> float:
        """The p-value that a sum of the models' values with (n_models,) weights is 0."""
        used = weights != 0
        value, draws = (weights[used] @ each[index][used] for each in (self.values, self.draws))
        return difference_p(float(value), draws, self.n_groups, self.luck(index, weights))

    def with_intervals(self, place: int, confidence: float) -> dict[str, float]:
        """Every index of one model; ``_low`` and ``_high`` are the ends of its interval."""
        row: dict[str, float] = {}
        for name in METRICS:
            low, high = self.interval(name, place, confidence)
            value = float(self.values[name][place])
            row |= {name: value, f"{name}_low": low, f"{name}_high": high}
        return row


def estimate(
    results: list[list[Outcomes]],
    groups: Texts,
    n_draws: int,
    rng: np.random.Generator,
    held_out_ratio: float,
) -> Estimates:
    """
    The indexes of every model, and their bootstrap over groups with repeats kept together.

    Parameters
    ----------
    results : for each model the outcomes of each repeat, all on the same photos
    groups : (n_photos,) str, the units of resampling
    held_out_ratio : number of held-out photos / training photos
    """
    _, group_of = np.unique(groups, return_inverse=True)
    n_groups = int(group_of.max()) + 1

    def of_models(metric: Metric, weights: Weights) -> Floats:
        """(n_models, n_weightings)."""
        return np.array([mean_over_repeats(metric, repeats, weights) for repeats in results])

    once = np.ones((1, len(groups)))
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in METRICS}
    left_out = []
    for n in draws_at_once(n_draws, len(groups)):
        counts = resampled_counts(n_groups, n, rng)[:, group_of].astype(float)
        for name, metric in METRICS.items():
            drawn[name].append(of_models(metric, counts))
        left_out.append(of_models(METRICS["ca"], (counts == 0).astype(float)))
    return Estimates(
        {name: of_models(metric, once)[:, 0] for name, metric in METRICS.items()},
        {name: np.concatenate(parts, axis=1) for name, parts in drawn.items()},
        np.concatenate(left_out, axis=1),
        {
            name: np.array([[metric(o, once)[0] for o in repeats] for repeats in results])
            for name, metric in METRICS.items()
        },
        n_groups,
        held_out_ratio,
    )


def fold_values(study: Study, index: str) -> Floats:
    """
    (n_models, n_distinct x n_folds): an index on each fold's held-out photos; NaN if undefined.

    Repeats that part the specimens alike are trainings on the same photos, which say nothing new of the
    luck of the specimens: each distinct way counts once, with the mean of its repeats.
    """
    numbered = as_numbered_by_first(study.folds)
    numbers = np.unique(numbered)[:, None]
    distinct = np.unique(numbered, axis=0, return_inverse=True)[1].ravel()
    found = []
    for result in study.results:
        of_repeats = np.array(
            [
                METRICS[index](outcomes, (fold == numbers).astype(float))
                for outcomes, fold in zip(result.repeats, numbered, strict=True)
            ]
        )
        # in the order of the repeats, so that nothing changes where all are distinct
        ways = dict.fromkeys(distinct)
        found.append(np.concatenate([of_repeats[distinct == way].mean(axis=0) for way in ways]))
    return np.array(found)


def held_out_ratio(study: Study) -> float:
    """Number of held-out photos / training photos: 1/3 for four folds."""
    return 1 / (len(np.unique(study.folds)) - 1)
