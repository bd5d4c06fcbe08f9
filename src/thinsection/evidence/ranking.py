"""The best classifier of each family, by its out-of-fold predictions."""

import numpy as np

from thinsection.evidence.metrics import METRICS, mean_over_repeats
from thinsection.evidence.runs import Study


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
