"""The chosen classifier, fitted on all photos by the same code that cross-validated it."""

import numpy as np

from thinsection.dataset.folds import Fold
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.learning.checkpoints import NOT_KEPT, checkpoint_of
from thinsection.learning.contract import FitSettings, FoldResult
from thinsection.learning.examples.examples import Examples


def whole(n_photos: int, number: int) -> Fold:
    """All photos to learn from. They are also judged, to compare exports of the model with it."""
    rows = np.arange(n_photos)
    return Fold(repeat=0, fold=number, train=rows, held_out=rows)


def fit(run: Run, examples: Examples, fold: Fold, settings: FitSettings) -> FoldResult:
    """
    The classifier of a run, fitted on one fold.

    An interrupted fit continues where it was; its checkpoint is removed when it is done, for what
    follows takes seconds.
    """
    family = FAMILIES[run.family]
    fit_folds = family.fit_folds()  # before the key is made of the code that is loaded
    checkpoint = NOT_KEPT
    if family.keeps_state:
        checkpoint = checkpoint_of(f"final-{run.model}", settings, examples, [fold])
    (result,) = fit_folds(run.name, examples, [fold], settings, checkpoint)
    checkpoint.remove()
    assert result.classifier is not None
    return result
