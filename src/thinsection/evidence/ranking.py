"""The best classifier of each family, by its out-of-fold predictions, and of those that are trained."""

import numpy as np

from thinsection.evidence.metrics import METRICS, mean_over_repeats
from thinsection.evidence.runs import Study
from thinsection.families import FAMILIES
from thinsection.families.run import Run


def best_of_families(study: Study) -> dict[str, str]:
    """Family -> its model with the highest CA (ties: AUC); the best family first."""
    once = np.ones((1, len(study.dataset.table)))
    score = {
        result.run.model: tuple(
            round(float(mean_over_repeats(METRICS[name], result.repeats, once)[0]), 9)
            for name in ("ca", "auc")
        )
        for result in study.results
    }
    ranked = sorted(study.results, key=lambda result: score[result.run.model], reverse=True)
    best: dict[str, str] = {}
    for result in ranked:
        best.setdefault(result.run.family, result.run.model)
    return best


def run_for_leakage(asked: str, best: dict[str, Run]) -> Run:
    """
    The classifier that a random and a grouped split are compared with.

    Parameters
    ----------
    asked : ``evidence.leakage_model``, a classical classifier or ``best``
    best : family -> its best run, the best family first
    """
    if asked != "best":
        return Run("baseline", asked)
    # a mean of runs has no training that a split could change
    return next(run for key, run in best.items() if FAMILIES[key].exported_as != "mean")
