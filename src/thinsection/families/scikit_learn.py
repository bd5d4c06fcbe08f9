"""Fitting scikit-learn's classifiers on vectors, for every family that consists of such."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from thinsection.base.arrays import Floats, Ints
from thinsection.base.seeds import generator
from thinsection.console.progress import progress
from thinsection.dataset.folds import Fold
from thinsection.learning.class_weights import class_weights
from thinsection.learning.contract import Classifier, FitSettings, FoldResult
from thinsection.learning.examples.examples import Vectors
from thinsection.learning.inner_folds import inner_folds
from thinsection.settings import Settings

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin


START_S = 0.3  # scikit-learn is loaded once for each run


class SvmSettings(Settings):
    """Support vector machine with a radial kernel."""

    c: PositiveFloat  # cost of an error in training


class RandomForestSettings(Settings):
    """Breiman's random forest."""

    trees: PositiveInt


@dataclass(frozen=True)
class TrainingPart:
    """
    What a classifier is going to be fitted on, apart from the vectors.

    Attributes
    ----------
    labels, groups : (n_train,)
    parents : (n_train,) the photo that each row is, or is a variant of
    weights : (n_classes,) of the classes; None: all count alike
    random_state : where the classifier draws from
    """

    labels: Ints
    groups: Ints
    parents: Ints
    weights: Floats | None
    random_state: int


Make = Callable[[TrainingPart], "ClassifierMixin"]  # an unfitted classifier for a training part


def fit_each_fold(
    make: Make,
    purpose: tuple[str, str],
    title: str,
    vectors: Vectors,
    folds: list[Fold],
    settings: FitSettings,
) -> Iterator[FoldResult]:
    """
    The result of every fold.

    Parameters
    ----------
    purpose : family and name of the run, by which its random numbers are its own
    title : of the run, for the progress line
    """
    (features,) = settings.own.kinds
    with progress(title, len(folds)) as report:
        for fold in folds:
            held_out = vectors.held_out_rows(fold)
            model = fit_one(make, purpose, vectors, fold, settings)
            shown = vectors.x[held_out]
            if (
                fold.is_whole
            ):  # to judge an export by: naive Bayes counts as precisely as it is given
                shown = shown.astype(np.float64)
            probabilities, one_light = vectors.of_samples(fold, model.predict_proba(shown))
            right = (probabilities.argmax(1) == vectors.labels_of(fold)).mean()
            judged = "all photos" if fold.is_whole else f"held out {right:.3f}"
            report.advance(f"repeat {fold.repeat}, fold {fold.fold}, {judged}")
            classifier = Classifier(
                model, features, n_features=vectors.x.shape[1], lights=vectors.slots
            )
            facts = calibration_facts(model, vectors.groups[vectors.train_rows(fold)])
            yield FoldResult(
                fold,
                probabilities,
                count_numbers(model),
                facts=facts,
                classifier=classifier,
                one_light=one_light,
            )


def fit_one(
    make: Make, purpose: tuple[str, str], vectors: Vectors, fold: Fold, settings: FitSettings
) -> "ClassifierMixin":
    """A classifier, fitted on one fold, with the class weights that params.yaml sets."""
    rows = vectors.train_rows(fold)
    labels = vectors.labels[rows]
    weights = class_weights(labels, int(vectors.labels.max()) + 1, settings.training)
    rng = generator(settings.seed, *purpose, fold.repeat, fold.fold)
    state = int(rng.integers(2**31))
    part = TrainingPart(labels, vectors.groups[rows], vectors.parents[rows], weights, state)
    model = make(part)
    with warnings.catch_warnings():
        # the weights reach only the sigmoid of the SVM; support_vector_machine gave it its own
        warnings.filterwarnings("ignore", "Since Pipeline does not appear to accept sample_weight")
        each = None if weights is None else weights[labels]
        return model.fit(vectors.x[rows], labels, sample_weight=each)


def support_vector_machine(settings: SvmSettings, part: TrainingPart) -> "ClassifierMixin":
    """
    An unfitted support vector machine; its standardisation is fitted with it.

    It gives margins; a sigmoid fitted on inner folds (``inner_folds``) turns them into
    probabilities (Platt 1999).
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    splits = inner_folds(part.labels, part.groups, part.parents, part.random_state)
    counts = None if part.weights is None else dict(enumerate(part.weights.tolist()))
    machine = make_pipeline(StandardScaler(), SVC(C=settings.c, class_weight=counts))
    return CalibratedClassifierCV(machine, cv=splits, ensemble=False)


def random_forest(settings: RandomForestSettings, part: TrainingPart) -> "ClassifierMixin":
    """An unfitted random forest."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(settings.trees, random_state=part.random_state, n_jobs=-1)


def support_vector_seconds(n_rows: float, n_features: int) -> float:
    """About how long the fit takes on one core, as ``Effort.seconds``."""
    return 1e-9 * n_rows**2 * n_features


def forest_seconds(n_rows: float, n_features: int, trees: int) -> float:
    """About how long the fit takes on one core, as ``Effort.seconds``."""
    growing = 4e-8 * n_features**0.5 * n_rows * np.log2(max(n_rows, 2)) * trees
    return float(0.3 + growing)  # 0.3: its threads start


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
