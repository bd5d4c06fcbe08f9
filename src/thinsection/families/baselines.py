"""The five classical classifiers, by scikit-learn."""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from thinsection.base.seeds import generator
from thinsection.console.progress import progress
from thinsection.dataset.folds import Fold
from thinsection.examples.examples import Examples, Vectors, as_vectors
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.class_weights import class_weights
from thinsection.learning.crossval import FoldResult
from thinsection.params import BaselineSettings, Params

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

CALIBRATION_FOLDS = 3  # inside a training fold, to turn the margins of the SVM into probabilities


def fit_folds(
    name: str,
    examples: Examples,
    folds: list[Fold],
    params: Params,
    checkpoint: Checkpoint = NOT_KEPT,
) -> Iterator[FoldResult]:
    """Fit classifier ``name`` on every fold (crossval.FitFolds), in seconds: nothing is kept."""
    vectors = as_vectors(examples, params.baselines, params.embedding)
    with progress(name.replace("_", " "), len(folds)) as report:
        for fold in folds:
            held_out = vectors.held_out_rows(fold)
            classifier = fitted(name, vectors, fold, params)
            probabilities = classifier.predict_proba(vectors.x[held_out])
            right = (probabilities.argmax(1) == vectors.labels[held_out]).mean()
            report.advance(f"repeat {fold.repeat}, fold {fold.fold}, held out {right:.3f}")
            yield FoldResult(fold, probabilities, count_numbers(classifier))


def fitted(name: str, vectors: Vectors, fold: Fold, params: Params) -> "ClassifierMixin":
    """Classifier ``name``, fitted on one fold, each class counting as params.yaml says."""
    rows = vectors.train_rows(fold)
    rng = generator(params.seed, "baseline", name, fold.repeat, fold.fold)
    labels, groups = vectors.labels[rows], vectors.groups[rows]
    weights = class_weights(labels, int(vectors.labels.max()) + 1, params.training)
    state = int(rng.integers(2**31))
    classifier = make_classifier(name, params.baselines, state, labels, groups, weights)
    with warnings.catch_warnings():
        # that weights reach the sigmoid of the SVM alone; make_classifier has told the machine
        warnings.filterwarnings("ignore", "Since Pipeline does not appear to accept sample_weight")
        each = None if weights is None else weights[labels]
        return classifier.fit(vectors.x[rows], labels, sample_weight=each)


def make_classifier(
    name: str,
    settings: BaselineSettings,
    random_state: int,
    labels: np.ndarray,
    groups: np.ndarray,
    weights: np.ndarray | None = None,
) -> "ClassifierMixin":
    """
    An unfitted classifier; what it standardises is fitted with it, on the training fold alone.

    The SVM gives margins; a sigmoid fitted on inner folds turns them into probabilities (Platt
    1999). Those inner folds keep groups whole too, for a variant beside its photo would make
    every margin look certain.

    Parameters
    ----------
    name : an entry of baselines.models
    labels, groups : (n_train,) of the rows it will be fitted on
    weights : (n_classes,) of the classes, to be given to ``fit`` for each row as well
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold
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
            inner = StratifiedGroupKFold(CALIBRATION_FOLDS, shuffle=True, random_state=random_state)
            splits = list(inner.split(labels, labels, groups))
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
    raise AssertionError(f"no classifier {name}")  # params.py knows the names


def count_numbers(classifier: Any) -> int:
    """The numbers that a fitted classifier consists of: thresholds, leaves, vectors, means."""
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
