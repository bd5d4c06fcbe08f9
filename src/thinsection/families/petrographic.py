"""Two classical classifiers of colour and texture, closest to what a petrographer looks at."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from thinsection.dataset.folds import Fold
from thinsection.families.family import Family, vectors_in_words
from thinsection.families.scikit_learn import (
    RandomForestSettings,
    SvmSettings,
    TrainingPart,
    fit_each_fold,
    random_forest,
    support_vector_machine,
)
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.contract import FitSettings, FoldResult
from thinsection.learning.examples.examples import Examples, as_vectors
from thinsection.settings import VectorSettings

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

PetrographicName = Literal["svm", "random_forest"]
TITLES = {
    "svm": "SVM on colour and texture",
    "random_forest": "random forest on colour and texture",
}
COLOURS = {"svm": "#8f4fbf", "random_forest": "#4b1d6f"}
NAMES: tuple[str, ...] = get_args(PetrographicName)


class PetrographicSettings(VectorSettings):
    """The classifiers of colour and texture."""

    RUN_LIST: ClassVar[str] = "models"
    models: list[PetrographicName]  # one run each
    features: Literal["colour_texture"]  # what makes it this family
    svm: SvmSettings
    random_forest: RandomForestSettings


def _colours(names: Sequence[str]) -> list[str]:
    return [COLOURS[name] for name in names]


FAMILY = Family(
    title="petrographic",
    plural="petrographic classifiers",
    short_plural="petrographic classifiers",
    section="petrographic",
    settings=PetrographicSettings,
    module=__name__,
    run_title=TITLES.__getitem__,
    run_prefix="petrographic-",
    colours=_colours,
    colour="#8f4fbf",
    mark=("P", "plus signs"),
    learns_from=vectors_in_words,
    exported_as="scikit-learn",
    keeps_state=False,
)


def fit_folds(
    name: str,
    examples: Examples,
    folds: list[Fold],
    settings: FitSettings,
    checkpoint: Checkpoint = NOT_KEPT,  # noqa: ARG001 - the contract's
) -> Iterator[FoldResult]:
    """Fit classifier ``name`` on every fold (learning.contract.FitFolds); uses no checkpoint."""
    make = partial(make_classifier, name, settings.own)
    vectors = as_vectors(examples)
    return fit_each_fold(make, ("petrographic", name), TITLES[name], vectors, folds, settings)


def make_classifier(
    name: str, settings: PetrographicSettings, part: TrainingPart
) -> "ClassifierMixin":
    """
    An unfitted classifier.

    Parameters
    ----------
    name : an entry of petrographic.models
    part : what it will be fitted on
    """
    if name == "svm":
        return support_vector_machine(settings.svm, part)
    return random_forest(settings.random_forest, part)
