"""Two classical classifiers of colour and texture, closest to what a petrographer looks at."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from thinsection.dataset.folds import Fold
from thinsection.families.family import Effort, Family, Work
from thinsection.families.scikit_learn import (
    START_S,
    RandomForestSettings,
    SvmSettings,
    TrainingPart,
    fit_each_fold,
    forest_seconds,
    random_forest,
    support_vector_machine,
    support_vector_seconds,
)
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.contract import FitSettings, FoldResult
from thinsection.learning.examples.examples import Examples, as_vectors
from thinsection.settings import FamilySettings

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

PetrographicName = Literal["svm", "random_forest"]
TITLES = {
    "svm": "SVM on colour and texture",
    "random_forest": "random forest on colour and texture",
}
# at least 13 (CIEDE2000) from the colour of any other model, with every common colour blindness
COLOURS = {"svm": "#5500ff", "random_forest": "#665555"}
NAMES: tuple[str, ...] = get_args(PetrographicName)


class PetrographicSettings(FamilySettings):
    """The classifiers of colour and texture."""

    RUN_LIST: ClassVar[str] = "models"
    models: list[PetrographicName]  # one run each
    svm: SvmSettings
    random_forest: RandomForestSettings

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of photos alone: variants of them have nearly the same colour and texture."""
        return ("colour_texture",)


def _cost(name: str, settings: PetrographicSettings, work: Work) -> Effort:
    n, d = work.n_train, work.n_features
    forest = forest_seconds(n, d, settings.random_forest.trees)
    return Effort(seconds=START_S + (support_vector_seconds(n, d) if name == "svm" else forest))


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
    colour="#5500ff",
    mark=("P", "plus signs"),
    learns_from=lambda _: "colour and texture features of photos without variants",
    exported_as="scikit-learn",
    keeps_state=False,
    cost=_cost,
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
