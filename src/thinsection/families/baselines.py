"""The five classical classifiers, from scikit-learn."""

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from thinsection.base.arrays import Floats, Ints
from thinsection.base.seeds import generator
from thinsection.console.progress import progress
from thinsection.dataset.folds import Fold
from thinsection.families.family import Effort, Family, Work, vectors_in_words
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.class_weights import class_weights
from thinsection.learning.contract import Classifier, FitSettings, FoldResult
from thinsection.learning.examples.examples import Examples, Vectors, as_vectors
from thinsection.learning.inner_folds import inner_folds
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


class SvmSettings(Settings):
    """Support vector machine with a radial kernel."""

    c: PositiveFloat  # cost of an error in training


class RandomForestSettings(Settings):
    """Breiman's random forest."""

    trees: PositiveInt


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
    seconds = {
        "decision_tree": 5e-8 * d * sorting,
        "svm": 1e-9 * n**2 * d,
        "random_forest": 4e-8 * d**0.5 * sorting * settings.random_forest.trees,
        "naive_bayes": 1e-8 * n * d,
        "adaptive_boosting": 7e-9 * d * sorting
        * settings.adaptive_boosting.rounds * settings.adaptive_boosting.tree_depth,
    }[name]  # fmt: skip
    return Effort(seconds=0.3 + float(seconds))  # 0.3: scikit-learn is loaded once for each run


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
    own: BaselineSettings = settings.own
    vectors = as_vectors(examples)
    with progress(TITLES[name], len(folds)) as report:
        for fold in folds:
            held_out = vectors.held_out_rows(fold)
            model = fit_one(name, vectors, fold, settings)
            shown = vectors.x[held_out]
            if (
                fold.is_whole
            ):  # to judge an export by: naive Bayes counts as precisely as it is given
                shown = shown.astype(np.float64)
            probabilities = model.predict_proba(shown)
            right = (probabilities.argmax(1) == vectors.labels[held_out]).mean()
            judged = "all photos" if fold.is_whole else f"held out {right:.3f}"
            report.advance(f"repeat {fold.repeat}, fold {fold.fold}, {judged}")
            classifier = Classifier(model, own.features, n_features=vectors.x.shape[1])
            facts = calibration_facts(model, vectors.groups[vectors.train_rows(fold)])
            yield FoldResult(
                fold, probabilities, count_numbers(model), facts=facts, classifier=classifier
            )


def fit_one(name: str, vectors: Vectors, fold: Fold, settings: FitSettings) -> "ClassifierMixin":
    """Classifier ``name``, fitted on one fold, with the class weights that params.yaml sets."""
    rows = vectors.train_rows(fold)
    rng = generator(settings.seed, "baseline", name, fold.repeat, fold.fold)
    labels, groups, parents = vectors.labels[rows], vectors.groups[rows], vectors.parents[rows]
    weights = class_weights(labels, int(vectors.labels.max()) + 1, settings.training)
    state = int(rng.integers(2**31))
    model = make_classifier(
        name, settings.own, state, labels, groups, weights=weights, parents=parents
    )
    with warnings.catch_warnings():
        # the weights reach only the sigmoid of the SVM; make_classifier gave the SVM its own
        warnings.filterwarnings("ignore", "Since Pipeline does not appear to accept sample_weight")
        each = None if weights is None else weights[labels]
        return model.fit(vectors.x[rows], labels, sample_weight=each)


def make_classifier(
    name: str,
    settings: BaselineSettings,
    random_state: int,
    labels: Ints,
    groups: Ints,
    *,
    weights: Floats | None = None,
    parents: Ints | None = None,
) -> "ClassifierMixin":
    """
    An unfitted classifier; its standardisation is fitted with it, on the training part alone.

    The SVM gives margins; a sigmoid fitted on inner folds (``inner_folds``) turns them into
    probabilities (Platt 1999).

    Parameters
    ----------
    name : an entry of baselines.models
    labels, groups : (n_train,) of the rows it will be fitted on
    weights : (n_classes,) of the classes, to be given to ``fit`` for each row as well
    parents : (n_train,) the photo that each row is, or is a variant of; None: each is a photo
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    match name:
        case "decision_tree":
            tree = settings.decision_tree
            return DecisionTreeClassifier(min_samples_leaf=tree.min_leaf, random_state=random_state)
        case "svm":
            photos = np.arange(len(labels)) if parents is None else parents
            splits = inner_folds(labels, groups, photos, random_state)
            counts = None if weights is None else dict(enumerate(weights.tolist()))
            machine = make_pipeline(StandardScaler(), SVC(C=settings.svm.c, class_weight=counts))
            return CalibratedClassifierCV(machine, cv=splits, ensemble=False)
        case "random_forest":
            return RandomForestClassifier(
                settings.random_forest.trees, random_state=random_state, n_jobs=-1
            )
        case "naive_bayes":
            return GaussianNB(var_smoothing=settings.naive_bayes.smoothing)
        case "adaptive_boosting":
            boosting = settings.adaptive_boosting
            return AdaBoostClassifier(
                DecisionTreeClassifier(max_depth=boosting.tree_depth),
                n_estimators=boosting.rounds,
                learning_rate=boosting.learning_rate,
                random_state=random_state,
            )
    raise AssertionError(f"no classifier {name}")  # params.py checks the names


def calibration_facts(classifier: "ClassifierMixin", groups: Ints) -> dict[str, str]:
    """What is to be said where margins were calibrated on groups (of each row) learned from."""
    splits = getattr(classifier, "cv", [])
    if any(np.isin(groups[held_out], groups[train]).any() for train, held_out in splits):
        return {"calibrated_on": "specimens learned from, as a class has a single one in a fold"}
    return {}


def count_numbers(classifier: Any) -> int:
    """Number of parameters of a fitted classifier: thresholds, leaves, vectors, means."""
    if hasattr(classifier, "calibrated_classifiers_"):
        return sum(count_numbers(each.estimator) for each in classifier.calibrated_classifiers_)
    if hasattr(classifier, "steps"):
        return count_numbers(classifier.steps[-1][1])
    if hasattr(classifier, "estimators_"):
        return sum(count_numbers(each) for each in classifier.estimators_)
    if hasattr(classifier, "tree_"):
        tree = classifier.tree_
        inner = tree.node_count - tree.n_leaves  # a feature and a threshold each
        return int(2 * inner + tree.n_leaves * (classifier.n_classes_ - 1))
    if hasattr(classifier, "support_vectors_"):
        return int(classifier.support_vectors_.size + classifier.dual_coef_.size)
    return int(classifier.theta_.size + classifier.var_.size)
