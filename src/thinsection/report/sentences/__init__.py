"""The sentences of the report, from the numbers: what they show, and what they do not."""

from thinsection.report.sentences.depth import depth, not_learned, paper_trend, vanishing
from thinsection.report.sentences.lights import lights
from thinsection.report.sentences.ranking import (
    best,
    best_of_study,
    data_set,
    expected,
    features,
    final_model,
    never_named,
    no_better_than_guessing,
    significance,
)
from thinsection.report.sentences.trust import (
    calibrated,
    has_groups,
    leakage,
    learning,
    luck_of_the_training,
    mixed_environments,
    rough_probabilities,
    warnings,
)

__all__ = [
    "best",
    "best_of_study",
    "calibrated",
    "data_set",
    "depth",
    "expected",
    "features",
    "final_model",
    "has_groups",
    "leakage",
    "learning",
    "lights",
    "luck_of_the_training",
    "mixed_environments",
    "never_named",
    "no_better_than_guessing",
    "not_learned",
    "paper_trend",
    "rough_probabilities",
    "significance",
    "vanishing",
    "warnings",
]
