"""The five classical classifiers, from scikit-learn."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, get_args

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from thinsection.dataset.folds import Fold
from thinsection.families.family import Effort, Family, Work, vectors_in_words
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
from thinsection.settings import BaselineName, Settings, VectorSettings

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

TITLES = {
    "decision_tree": "decision tree",
    "svm": "support vector machine",
    "random_forest": "random forest",
    "naive_bayes": "naive Bayes",
    "adaptive_boosting": "adaptive boosting",
}
COLOURS = {
    "decision_tree": "#009e73",
    "svm": "#cc79a7",
    "random_forest": "#000000",
    "naive_bayes": "#e69f00",
    "adaptive_boosting": "#8c8c8c",
}
NAMES: tuple[str, ...] = get_args(BaselineName)


class DecisionTreeSettings(Settings):
    """CART."""

    min_leaf: PositiveInt  # least number of examples in a leaf


class NaiveBayesSettings(Settings):
    """Gaussian naive Bayes."""

    smoothing: PositiveFloat  # share of the largest variance added to every variance


class AdaptiveBoostingSettings(Settings):
    """AdaBoost over shallow trees."""

    rounds: PositiveInt
    tree_depth: PositiveInt
    learning_rate: PositiveFloat


class BaselineSettings(VectorSettings):
    """The five classical classifiers."""

    RUN_LIST: ClassVar[str] = "models"
    models: list[BaselineName]  # one run each
    decision_tree: DecisionTreeSettings
    svm: SvmSettings
    random_forest: RandomForestSettings
    naive_bayes: NaiveBayesSettings
    adaptive_boosting: AdaptiveBoostingSettings


def _cost(name: str, settings: BaselineSettings, work: Work) -> Effort:
    """By the growth of each method with rows and features; measured in docs/sizes.md."""
    n, d = work.n_train * (1 + work.n_variants), work.n_features
    sorting = n * np.log2(max(n, 2))  # of one feature
    boosting = settings.adaptive_boosting
    seconds = {
        "decision_tree": 5e-8 * d * sorting,
        "svm": support_vector_seconds(n, d),
        "random_forest": forest_seconds(n, d, settings.random_forest.trees),
        "naive_bayes": 1e-8 * n * d,
        "adaptive_boosting": 7e-9 * d * sorting * boosting.rounds * boosting.tree_depth,
    }[name]
    return Effort(seconds=START_S + float(seconds))


def _colours(names: Sequence[str]) -> list[str]:
    return [COLOURS[name] for name in names]


FAMILY = Family(
    title="classical",
    plural="classical classifiers",
    short_plural="classical classifiers",
    section="baselines",
    settings=BaselineSettings,
    module=__name__,
    run_title=TITLES.__getitem__,
    run_prefix="",
    colours=_colours,
    colour="#595959",
    mark=("D", "diamonds"),
    learns_from=vectors_in_words,
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
    return fit_each_fold(make, ("baseline", name), TITLES[name], vectors, folds, settings)


def make_classifier(name: str, settings: BaselineSettings, part: TrainingPart) -> "ClassifierMixin":
    """
    An unfitted classifier.

    Parameters
    ----------
    name : an entry of baselines.models
    part : what it will be fitted on
    """
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.naive_bayes import GaussianNB
    from sklearn.tree import DecisionTreeClassifier

    state = part.random_state
    match name:
        case "decision_tree":
            tree = settings.decision_tree
            return DecisionTreeClassifier(min_samples_leaf=tree.min_leaf, random_state=state)
        case "svm":
            return support_vector_machine(settings.svm, part)
        case "random_forest":
            return random_forest(settings.random_forest, part)
        case "naive_bayes":
            return GaussianNB(var_smoothing=settings.naive_bayes.smoothing)
        case "adaptive_boosting":
            boosting = settings.adaptive_boosting
            return AdaBoostClassifier(
                DecisionTreeClassifier(max_depth=boosting.tree_depth),
                n_estimators=boosting.rounds,
                learning_rate=boosting.learning_rate,
                random_state=state,
            )
    raise AssertionError(f"no classifier {name}")  # params.py checks the names
