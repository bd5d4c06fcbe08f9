"""What a family of classifiers is given, and what it gives: the contract of ``fit_folds``."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from thinsection.base.arrays import Bytes, Floats
from thinsection.dataset.folds import Fold
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.examples.examples import Examples
from thinsection.settings import ComputeSettings, OperatorSettings, TrainingSettings


@dataclass(frozen=True)
class FitSettings:
    """
    The settings that the training of a classifier depends on.

    Attributes
    ----------
    own : the family's section of params.yaml, e.g. ``FcnnSettings``
    operators : how far the fresh variants of a family that makes them may lie from their photos
    compute : the machine; no result depends on it but in the last digits of sums
    """

    seed: int
    own: Any
    training: TrainingSettings
    operators: OperatorSettings
    compute: ComputeSettings

    def content(self) -> dict[str, Any]:
        """All of them but those of the machine and the list of runs, as JSON holds them."""
        return {
            "seed": self.seed,
            "own": self.own.of_each_run(),
            "training": self.training.model_dump(mode="json"),
            # how many variants are stored is seen in the vectors
            "operators": self.operators.model_dump(mode="json", exclude={"variants"}),
        }


@dataclass(frozen=True)
class Classifier:
    """
    A fitted classifier.

    Attributes
    ----------
    model : a network that gives logits, on the CPU and in evaluation mode; or scikit-learn's
    features : ``photos`` for a network that takes (n, 3, height, width), 0..1; else the kind of
        vectors that it takes
    height, width : of the photos that it takes; 0 where it takes vectors
    n_features : of a vector; 0 where it takes photos
    """

    model: Any
    features: str
    height: int = 0
    width: int = 0
    n_features: int = 0

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of what it takes for one photo."""
        if self.features == "photos":
            return (3, self.height, self.width)
        return (self.n_features,)


@dataclass(frozen=True)
class FoldResult:
    """
    What one training leaves.

    Attributes
    ----------
    probabilities : (n_held_out, n_classes), in the order of ``fold.held_out`` and the classes
    n_parameters : numbers that the fitted classifier consists of
    history : rows of tables.HISTORY without repeat and fold; empty where nothing iterates
    gradients : rows of tables.GRADIENTS without repeat and fold
    heatmaps : (n_held_out, h, w) uint8, where the classifier looked, of those that can tell
    facts : what else is to be said of the training, e.g. device and precision
    classifier : None for a fold that was finished before its training was interrupted
    """

    fold: Fold
    probabilities: Floats
    n_parameters: int
    history: list[dict[str, float]] = field(default_factory=list)
    gradients: list[dict[str, float]] = field(default_factory=list)
    heatmaps: Bytes | None = None
    facts: dict[str, str] = field(default_factory=dict)
    classifier: Classifier | None = None


class FitFolds(Protocol):
    """A family of classifiers: trains run ``name`` on every fold, each from the start."""

    def __call__(
        self,
        name: str,
        examples: Examples,
        folds: list[Fold],
        settings: FitSettings,
        checkpoint: Checkpoint = NOT_KEPT,
    ) -> Iterable[FoldResult]:
        """
        Results of all folds, in any order.

        What takes long is kept in ``checkpoint`` as it goes on, and a later call continues from
        there. Cross-validation and the final model, which is fitted on one fold of all photos,
        both come through here.
        """
        ...
