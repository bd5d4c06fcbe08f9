"""Fitting the chosen classifier on all photos, with the code that cross-validated it."""

import numpy as np

from thinsection.dataset.folds import Fold
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.learning.checkpoints import NOT_KEPT, checkpoint_of
from thinsection.learning.contract import FitSettings, FoldResult
from thinsection.learning.examples.examples import Examples


def whole(n_photos: int, number: int) -> Fold:
    """A fold that trains on all photos and predicts the same, for comparison with the export."""
    rows = np.arange(n_photos)
    return Fold(repeat=0, fold=number, train=rows, held_out=rows)


def fit(run: Run, examples: Examples, fold: Fold, settings: FitSettings) -> FoldResult:
    """
    The classifier of a run, fitted on one fold.

    An interrupted fit continues from its checkpoint, which is removed at the end of the fit, as
    the remaining work takes only seconds.
    """
    family = FAMILIES[run.family]
    fit_folds = family.fit_folds()  # imported first, as the key includes the loaded code
    checkpoint = NOT_KEPT
    if family.keeps_state:
        checkpoint = checkpoint_of(f"final-{run.model}", settings, examples, [fold])
    (result,) = fit_folds(run.name, examples, [fold], settings, checkpoint)
    checkpoint.remove()
    assert result.classifier is not None
    return result
