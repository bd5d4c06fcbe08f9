"""The indexes of every model: their values, bootstrap draws over specimens, and by fold."""

from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Floats, Texts
from thinsection.evidence.metrics import METRICS, Metric, Outcomes, Weights, mean_over_repeats
from thinsection.evidence.runs import Study
from thinsection.evidence.statistics import draws_at_once, index_interval, resampled_counts


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
    n_groups : number of groups that were resampled
    """

    values: dict[str, Floats]
    draws: dict[str, Floats]
    left_out_ca: Floats
    n_groups: int

    def with_intervals(self, place: int, confidence: float) -> dict[str, float]:
        """Every index of one model; ``_low`` and ``_high`` are the ends of its interval."""
        row: dict[str, float] = {}
        for name in METRICS:
            value, draws = self.values[name][place], self.draws[name][place]
            low, high = index_interval(value, draws, self.n_groups, confidence)
            row |= {name: float(value), f"{name}_low": low, f"{name}_high": high}
        return row


def estimate(
    results: list[list[Outcomes]], groups: Texts, n_draws: int, rng: np.random.Generator
) -> Estimates:
    """
    The indexes of every model, and their bootstrap over groups with repeats kept together.

    Parameters
    ----------
    results : for each model the outcomes of each repeat, all on the same photos
    groups : (n_photos,) str, the units of resampling
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
        n_groups,
    )


def fold_values(study: Study, index: str) -> Floats:
    """
    (n_models, n_repeats x n_folds): an index on each fold's held-out photos; NaN if undefined.
    """
    numbers = np.unique(study.folds)[:, None]
    return np.array(
        [
            np.concatenate(
                [
                    METRICS[index](outcomes, (fold == numbers).astype(float))
                    for outcomes, fold in zip(result.repeats, study.folds, strict=True)
                ]
            )
            for result in study.results
        ]
    )


def held_out_ratio(study: Study) -> float:
    """Number of held-out photos / training photos: 1/3 for four folds."""
    return 1 / (len(np.unique(study.folds)) - 1)
