"""The families of classifiers, one module each."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from thinsection.learning.crossval import FitFolds


@dataclass(frozen=True)
class Family:
    """
    A family of classifiers.

    ``module`` is imported only when the family is used, so that a stage depends on its own
    family's code and no other's. ``stored_variants``: it learns from data/augmented.
    ``keeps_state``: its trainings last long enough for checkpoints.
    """

    module: str
    stored_variants: bool
    keeps_state: bool = True

    def load(self) -> "FitFolds":
        """The function of the family that trains a run on every fold."""
        return cast("FitFolds", import_module(self.module).fit_folds)


FAMILIES = {
    "fcnn": Family("thinsection.families.fcnn.training", stored_variants=True),
    "resnet": Family("thinsection.families.resnet.training", stored_variants=False),
    "baseline": Family("thinsection.families.baselines", stored_variants=True, keeps_state=False),
}
