"""Fitting the chosen classifier on all photos, with the code that cross-validated it."""

from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np

from thinsection.base.arrays import Floats
from thinsection.dataset.folds import Fold
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.learning.checkpoints import NOT_KEPT, checkpoint_of
from thinsection.learning.contract import Classifier, FitSettings, FoldResult
from thinsection.learning.examples.examples import Examples
from thinsection.params import Params


@dataclass(frozen=True, eq=False)
class Member:
    """
    A fitted classifier: the final model, or one of those whose mean it is.

    Attributes
    ----------
    name : of its run
    how : it becomes a graph (``Family.exported_as``)
    probabilities : (n_held_out, n_classes) of the fold that it was fitted on
    one_light : light -> the same where samples are shown in it alone
    """

    name: str
    how: Literal["network", "scikit-learn"]
    classifier: Classifier
    probabilities: Floats
    one_light: dict[str, Floats] = field(default_factory=dict)


def fit_members(runs: list[Run], examples: Examples, fold: Fold, params: Params) -> list[Member]:
    """The classifiers of the final model (``Params.members``), fitted on one fold."""
    members = []
    for run in runs:
        how = cast(Literal["network", "scikit-learn"], FAMILIES[run.family].exported_as)
        result = fit(run, examples, fold, params.fit_settings(run.family))
        assert result.classifier is not None
        members.append(
            Member(run.name, how, result.classifier, result.probabilities, result.one_light)
        )
    return members


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
