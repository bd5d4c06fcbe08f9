"""Which of the pretrained networks is trained."""

from collections.abc import Iterable

from thinsection.dataset.folds import Fold
from thinsection.families.transfer import fine_tuned, linear
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.contract import FitSettings, FoldResult
from thinsection.learning.examples.examples import Examples


def fit_folds(
    name: str,
    examples: Examples,
    folds: list[Fold],
    settings: FitSettings,
    checkpoint: Checkpoint = NOT_KEPT,
) -> Iterable[FoldResult]:
    """Train ``linear`` or ``fine_tuned`` on every fold (learning.contract.FitFolds)."""
    if name == "linear":
        return linear.fit_folds(examples, folds, settings)
    return fine_tuned.fit_folds(examples, folds, settings, checkpoint)
