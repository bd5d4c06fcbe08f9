"""The five indexes of every model: as they are, from draw to draw of specimens, and by fold."""

from dataclasses import dataclass

import numpy as np

from thinsection.evidence.metrics import METRICS, Metric, Outcomes, mean_over_repeats
from thinsection.evidence.runs import Study
from thinsection.evidence.statistics import index_interval, resampled_counts

DRAWS_AT_ONCE = 250  # bounds the memory of a bootstrap: this many weights a photo


@dataclass(frozen=True)
class Estimates:
    """
    The five indexes of every model, as they are and as they vary from draw to draw.

    Attributes
    ----------
    values : index name -> (n_models,) float
    draws : index name -> (n_models, n_draws) float; a column is one draw of specimens, the same
        for every model, so that differences between models are paired
    left_out_ca : (n_models, n_draws) float, CA on the specimens that a draw left out; NaN where
        it left out none
    n_groups : specimens (or what else is never parted) that were resampled
    """

    values: dict[str, np.ndarray]
    draws: dict[str, np.ndarray]
    left_out_ca: np.ndarray
    n_groups: int

    def with_intervals(self, place: int, confidence: float) -> dict[str, float]:
        """Every index of one model, and with _low and _high the ends of its interval."""
        row: dict[str, float] = {}
        for name in METRICS:
            value, draws = self.values[name][place], self.draws[name][place]
            low, high = index_interval(value, draws, self.n_groups, confidence)
            row |= {name: float(value), f"{name}_low": low, f"{name}_high": high}
        return row


def estimate(
    results: list[list[Outcomes]], groups: np.ndarray, n_draws: int, rng: np.random.Generator
) -> Estimates:
    """
    The indexes of every model, and their bootstrap over groups with repeats kept together.

    Parameters
    ----------
    results : the outcomes of each repeat, of each model, all on the same photos
    groups : (n_photos,) str, what is resampled as one
    """
    _, group_of = np.unique(groups, return_inverse=True)
    n_groups = int(group_of.max()) + 1
    counts = resampled_counts(n_groups, n_draws, rng)
    once = np.ones((1, len(group_of)))

    def value(metric: Metric, repeats: list[Outcomes]) -> float:
        return float(mean_over_repeats(metric, repeats, once)[0])

    def drawn(metric: Metric, repeats: list[Outcomes], counts: np.ndarray) -> np.ndarray:
        blocks = np.array_split(counts, -(-n_draws // DRAWS_AT_ONCE))
        weights = (block[:, group_of].astype(float) for block in blocks)
        return np.concatenate([mean_over_repeats(metric, repeats, w) for w in weights])

    return Estimates(
        {name: np.array([value(m, r) for r in results]) for name, m in METRICS.items()},
        {name: np.array([drawn(m, r, counts) for r in results]) for name, m in METRICS.items()},
        np.array([drawn(METRICS["ca"], repeats, counts == 0) for repeats in results]),
        n_groups,
    )


def fold_values(study: Study, index: str) -> np.ndarray:
    """
    (n_models, n_repeats x n_folds): an index of each fold's held-out photos; NaN where undefined.
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
    """Held-out photos for each training photo: 1/3 for four folds."""
    return 1 / (len(np.unique(study.folds)) - 1)
