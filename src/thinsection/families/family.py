"""The description of a family of classifiers for the rest of the program."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, cast

from thinsection.base.arrays import Floats
from thinsection.learning.contract import FitFolds
from thinsection.settings import FamilySettings, VectorSettings


@dataclass(frozen=True)
class Depth:
    """
    The depth of a family's networks.

    Attributes
    ----------
    title : what is counted, e.g. ``hidden layers``
    unit : unit of its slope, e.g. ``10 hidden layers``
    scaled : converts depths, (n,) float, to that unit
    """

    title: str
    unit: str
    scaled: Callable[[Floats], Floats]


@dataclass(frozen=True)
class Work:
    """
    What one training of a run has to get through, for an estimate of its time.

    Attributes
    ----------
    n_train, n_held_out : photos
    n_variants : stored variants of each photo, from which families with vectors learn too
    n_features : numbers in a vector; 0 for a family that learns from photos
    """

    n_train: float
    n_held_out: float
    n_variants: int
    n_features: int


@dataclass(frozen=True)
class Effort:
    """
    What work costs on any machine (forecast/cost.py makes a time of it).

    Attributes
    ----------
    products : floating-point operations in matrix products and convolutions, which all cores share
    seconds : everything else, on one core that does 100 GFLOP/s in matrix products
    megabytes : most memory of the process that does it; 0: not estimated
    """

    products: float = 0.0
    seconds: float = 0.0
    megabytes: float = 0.0

    def __add__(self, other: "Effort") -> "Effort":
        """One after the other, in one process."""
        return Effort(
            self.products + other.products,
            self.seconds + other.seconds,
            max(self.megabytes, other.megabytes),
        )

    def __mul__(self, times: float) -> "Effort":
        """Again and again, in one process."""
        return Effort(self.products * times, self.seconds * times, self.megabytes)


PROCESS_MB = 500.0  # of a process that trains with PyTorch, before it has data and a network


def multiplications(backbone: str) -> float:
    """
    Multiplications of a pretrained network for one photo of 224 x 224 pixels.

    Convolutions of single channels, of which EfficientNet-Lite has many, wait for memory: measured,
    they take four times as long as their number says. Networks of timm are taken for ResNet-50.
    """
    known = {"lite0": 4 * 0.41e9, "lite2": 4 * 0.87e9, "resnet-18": 1.8e9, "resnet-34": 3.7e9}
    deep = {"resnet-101": 7.8e9, "resnet-152": 11.6e9}
    return (known | deep).get(backbone, 4.1e9)


@dataclass(frozen=True)
class Family:
    """
    A family of classifiers: one entry of ``FAMILIES``, one stage of dvc.yaml.

    Attributes
    ----------
    title : the kind of its classifiers, e.g. ``fully connected``
    plural : all of its classifiers, e.g. ``fully connected networks``
    short_plural : the same, short, for lists, e.g. ``FCNNs``
    section : its section of params.yaml
    settings : the fields of that section. If they name ``kinds`` of vectors, the family learns from
        those of photos (and of stored variants, with ``takes_variants``), otherwise from photos, of
        which it makes fresh variants
    module : the module whose ``fit_folds`` (learning.contract.FitFolds) trains them. It is
        imported on use, so that a stage loads only the libraries of its own family.
    run_title : name of a run -> its title
    run_prefix : prefix of a run's name in its id
    colours : names of all runs -> the colour of each
    colour, mark : of the family in figures; a matplotlib marker, and a word for it
    depth : what depth means for this family; None if nothing
    learns_from : its settings -> its input, in words
    exported_as : how a fitted classifier becomes a graph: by PyTorch, by skl2onnx, or as the mean
        of the graphs of another family's runs
    keeps_state : whether its training takes long enough for checkpoints
    cost : name of a run, its settings, the work -> what one training takes, to tell the user
        beforehand; None: not estimated, which is told too
    learning_curve : whether it is fitted again on parts of the specimens: always, or only if
        ``evidence.learning_curve_resnet`` is true, since that takes as long as the comparison;
        never for a family that trains nothing itself
    """

    title: str
    plural: str
    short_plural: str
    section: str
    settings: type[FamilySettings]
    module: str
    run_title: Callable[[str], str]
    run_prefix: str
    colours: Callable[[Sequence[str]], Sequence[str]]
    colour: str
    mark: tuple[str, str]
    learns_from: Callable[[Any], str]
    exported_as: Literal["network", "scikit-learn", "mean"]
    depth: Depth | None = None
    keeps_state: bool = True
    cost: Callable[[str, Any, Work], Effort] | None = None
    learning_curve: Literal["always", "on request", "never"] = "always"

    def fit_folds(self) -> FitFolds:
        """The function that trains a run on each of the given folds."""
        return cast(FitFolds, import_module(self.module).fit_folds)


def vectors_in_words(settings: VectorSettings) -> str:
    """The input of a family that learns from vectors, in words."""
    return {
        "pixels": "reduced pixels",
        "colour_texture": "colour and texture features",
        "embedding": "the embedding of a pretrained network",
    }[settings.features]


def shades(light: str, dark: str, n: int) -> list[str]:
    """``n`` colours from ``light`` to ``dark``, both as ``#rrggbb``."""
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (light, dark)]
    mixed = [
        [round(a + place / max(1, n - 1) * (b - a)) for a, b in zip(*ends, strict=True)]
        for place in range(n)
    ]
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in mixed]
