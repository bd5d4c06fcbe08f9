"""A classifier whose true indexes are known, on specimens that are not equally hard."""

from functools import cache

import numpy as np

from thinsection.evidence.metrics import METRICS, Outcomes

N_CLASSES = 4
PHOTOS_PER_SPECIMEN = 8
SKILL = {"fair": 1.6, "good": 3.0}  # how far the true class's score lies above the others
HARDNESS = 0.8  # standard deviation between specimens, in units of that within one


def simulate(
    n_specimens: int, accuracy: str, rng: np.random.Generator
) -> tuple[Outcomes, np.ndarray]:
    """Outcomes on the photos of ``n_specimens``, and the specimen of each photo."""
    groups = np.repeat(np.arange(n_specimens), PHOTOS_PER_SPECIMEN)
    labels = rng.integers(0, N_CLASSES, n_specimens)[groups]
    scores = rng.normal(size=(len(groups), N_CLASSES))
    scores += HARDNESS * rng.normal(size=(n_specimens, N_CLASSES))[groups]
    scores[np.arange(len(groups)), labels] += SKILL[accuracy]
    probabilities = np.exp(scores)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return Outcomes(labels, probabilities.argmax(axis=1), probabilities), groups


@cache
def truth(accuracy: str) -> dict[str, float]:
    """The indexes on 40,000 specimens: known to about 0.001."""
    outcomes, groups = simulate(40_000, accuracy, np.random.default_rng(0))
    once = np.ones((1, len(groups)))
    return {name: float(metric(outcomes, once)[0]) for name, metric in METRICS.items()}
