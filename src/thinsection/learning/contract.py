"""The inputs and outputs of a family of classifiers: the contract of ``fit_folds``."""

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
    operators : augmentation ranges, for families that make fresh variants
    compute : the machine; it affects only the last digits of sums
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
    model : a network that returns logits, on the CPU in evaluation mode, or a scikit-learn model
    features : ``photos`` for a network that takes (n, 3, height, width), 0..1; otherwise the kind
        of vectors that it takes, or several kinds in a row, joined by ``+``
    height, width : of the photos that it takes; 0 where it takes vectors
    n_features : of a vector; 0 if it takes photos
    contains : pretrained weights that went into the model, and their licence; empty: none
    lights : the slots in which it takes photos of a sample (``Lights.names``); empty where it takes
        each photo as a sample. A network with lights takes photos (p, 3, height, width) and
        weights (n, n_slots, p), which photo shows which sample in which slot (``slot_weights``).
        A classifier of vectors takes those of each photo; its probabilities are joined
        (``joining.of_samples``).
    """

    model: Any
    features: str
    height: int = 0
    width: int = 0
    n_features: int = 0
    contains: str = ""
    lights: tuple[str, ...] = ()

    @property
    def kinds(self) -> list[str]:
        """The kinds of vectors that it takes, in a row; none if it takes photos."""
        return [] if self.features == "photos" else self.features.split("+")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The input shape for one photo."""
        if self.features == "photos":
            return (3, self.height, self.width)
        return (self.n_features,)


@dataclass(frozen=True)
class FoldResult:
    """
    The result of one training.

    Attributes
    ----------
    probabilities : (n_held_out, n_classes), in the order of ``fold.held_out`` and the classes
    n_parameters : number of parameters of the fitted classifier
    history : rows of tables.HISTORY without repeat and fold; empty for training without epochs
    gradients : rows of tables.GRADIENTS without repeat and fold
    heatmaps : (n_held_out, h, w) uint8, where the classifier looked; None if it has none
    facts : other facts of the training, e.g. device and precision
    classifier : None for a fold that was finished before an interruption
    one_light : light -> (n_held_out, n_classes), what the same classifier says when it is shown the
        photos of a sample in this light only; NaN for a sample that has none. Empty where samples
        are not seen in several lights.
    """

    fold: Fold
    probabilities: Floats
    n_parameters: int
    history: list[dict[str, float]] = field(default_factory=list)
    gradients: list[dict[str, float]] = field(default_factory=list)
    heatmaps: Bytes | None = None
    facts: dict[str, str] = field(default_factory=dict)
    classifier: Classifier | None = None
    one_light: dict[str, Floats] = field(default_factory=dict)


class FitFolds(Protocol):
    """A family of classifiers: trains run ``name`` on every fold, each time from new weights."""

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

        Long training saves its state in ``checkpoint``, and a later call continues from
        there. This is used for cross-validation and for the final model, which is fitted on a
        single fold of all photos.
        """
        ...
