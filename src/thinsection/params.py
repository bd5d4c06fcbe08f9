"""params.yaml as typed, frozen settings. Nobody else opens the file."""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from thinsection.base.errors import InputError

PARAMS_FILE = Path("params.yaml")

Share = Annotated[float, Field(ge=0, le=1)]
SidePx = Annotated[int, Field(ge=8, le=4096)]
RenderSidePx = Annotated[int, Field(ge=32, le=4096)]  # smaller ones don't hold a grain


def _has_a_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression ({error}); correct it") from None
    if groups < 1:
        raise ValueError(f"{pattern!r} has no group; put ( ) around the part that is wanted")
    return pattern


Pattern = Annotated[str, AfterValidator(_has_a_group)]
Features = Literal["pixels", "colour_texture", "embedding"]
ResnetDepth = Literal[18, 34, 50, 101, 152]
BaselineName = Literal["decision_tree", "svm", "random_forest", "naive_bayes", "adaptive_boosting"]


class Settings(BaseModel):
    """A section of params.yaml: no unknown keys, no defaults, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DatasetSettings(Settings):
    """
    Where the labelled photos are.

    A folder of class folders, one that holds a photos.csv, or a .zip or .tar archive of either.
    """

    path: str
    specimen_pattern: Pattern | None  # its group, searched in the file name, is the specimen
    light_pattern: Pattern | None  # its group is ppl or xpl


class RenderSettings(Settings):
    """The demo photos, rendered from the physics of polarised light."""

    minerals: Annotated[list[str], Field(min_length=1)]  # one class each: render/minerals.py
    specimens: Annotated[int, Field(ge=1, le=1000)]  # of each mineral
    fields: Annotated[int, Field(ge=1, le=1000)]  # of view of each specimen, one photo each
    width: RenderSidePx
    height: RenderSidePx
    supersample: Annotated[float, Field(ge=1, le=4)]  # grid that many times finer, then averaged
    crossed: Share  # of the photos are taken between crossed polarisers, the others without
    share: Annotated[list[Share], Field(min_length=2, max_length=2)]  # of the label, in the area
    grain_radius_um: Annotated[  # least and greatest median of a specimen
        list[Annotated[float, Field(ge=5, le=2000)]], Field(min_length=2, max_length=2)
    ]
    alteration: Share  # 0 fresh .. 1 the strongest specimens are half gone
    automatic_exposure: Share  # 0 fixed .. 1 every photo equally bright
    colour_cast: Share  # 0 perfect white balance .. 1 off by -9 to +6 % of the lamp's temperature

    @field_validator("minerals")
    @classmethod
    def _each_once(cls, minerals: list[str]) -> list[str]:
        if len(set(minerals)) != len(minerals):
            raise ValueError(f"{minerals}; allowed: each mineral once")
        return minerals

    @field_validator("share", "grain_radius_um")
    @classmethod
    def _least_first(cls, ends: list[float]) -> list[float]:
        if ends[0] > ends[1]:
            raise ValueError(f"{ends}; allowed: the least first")
        return ends


class IngestSettings(Settings):
    """From files in any state to one packed array."""

    height: SidePx
    width: SidePx
    fit: Literal[
        "crop", "pad", "stretch"
    ]  # how a photo of another shape is brought to height x width
    max_megapixels: Annotated[float, Field(gt=0, le=178)]  # a file that unpacks to more is refused
    on_conflict: Literal["error", "reject"]  # the same picture under two labels
    max_archive_files: PositiveInt
    max_archive_gigabytes: PositiveFloat  # unpacked
    max_archive_ratio: Annotated[float, Field(gt=1)]  # of a file's size to its size in the archive


class SplitSettings(Settings):
    """Which photo is held out when."""

    scheme: Literal["grouped", "stratified"]
    folds: Annotated[int, Field(ge=2, le=10)]
    repeats: Annotated[
        int, Field(ge=1, le=20)
    ]  # times the whole cross-validation, each with other folds


class OperatorSettings(Settings):
    """How far a variant may lie from its photo; 0 (or false) switches an operator off."""

    flip_horizontal: bool
    flip_vertical: bool
    rotation_deg: Annotated[float, Field(ge=0, le=180)]  # turned by up to this, either way
    zoom: Annotated[float, Field(ge=0, le=0.9)]  # magnified by 1-zoom..1+zoom, both axes alike
    scale: Annotated[float, Field(ge=0, le=0.9)]  # each axis by its own 1-scale..1+scale
    crop: Annotated[
        float, Field(ge=0, le=0.9)
    ]  # up to this share of each side cut off, rest enlarged
    shift: Annotated[float, Field(ge=0, le=0.9)]  # moved by up to this share of each side
    noise: Annotated[
        float, Field(ge=0, le=1)
    ]  # standard deviation of Gaussian noise, of full scale


class AugmentSettings(OperatorSettings):
    """Variants of the photos, for training only."""

    variants: Annotated[
        int, Field(ge=0, le=100)
    ]  # made once for each photo; ResNets make fresh ones


class VectorSettings(Settings):
    """How a family that takes vectors is shown photos."""

    features: Features
    photo_height: SidePx  # size to which photos are reduced when features are pixels
    photo_width: SidePx


class TrainingSettings(Settings):
    """What holds for the training of every classifier."""

    class_weight: Literal["none", "balanced"]  # balanced: a class counts alike, few photos or many


class FcnnSettings(VectorSettings):
    """The depth sweep of fully connected networks."""

    hidden_layers: list[PositiveInt]  # one run each
    width: PositiveInt  # neurons in each hidden layer
    epochs: PositiveInt  # at most
    tolerance: NonNegativeFloat  # training loss must fall by this ...
    patience: PositiveInt  # ... within so many epochs, or training ends
    early_stopping_share: Annotated[
        float, Field(ge=0, le=0.5)
    ]  # of the training specimens, set aside to end by; 0: by the training loss
    batch_size: PositiveInt
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat


class ResnetSettings(Settings):
    """The three residual networks."""

    depths: list[ResnetDepth]  # one run each
    height: SidePx  # of the photo that the network sees
    width: SidePx
    weights: str  # none | imagenet | path of a file of weights
    epochs: PositiveInt
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: PositiveFloat  # highest of the one-cycle schedule
    weight_decay: NonNegativeFloat


class DecisionTreeSettings(Settings):
    """CART."""

    min_leaf: PositiveInt  # photos in a leaf


class SvmSettings(Settings):
    """Support vector machine with a radial kernel."""

    c: PositiveFloat  # cost of an error in training


class RandomForestSettings(Settings):
    """Breiman's forest."""

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

    models: list[BaselineName]  # one run each
    decision_tree: DecisionTreeSettings
    svm: SvmSettings
    random_forest: RandomForestSettings
    naive_bayes: NaiveBayesSettings
    adaptive_boosting: AdaptiveBoostingSettings


class EmbeddingSettings(Settings):
    """The network behind ``features: embedding``: its last pooled layer describes the photo."""

    depth: ResnetDepth
    weights: str  # imagenet | path of a file of weights
    height: SidePx
    width: SidePx


class EvidenceSettings(Settings):
    """Intervals and comparisons of models."""

    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    bootstrap_draws: Annotated[int, Field(ge=100, le=100_000)]  # resamplings of the specimens
    permutations: Annotated[int, Field(ge=100, le=1_000_000)]  # sign flips behind a p-value
    rope: Share  # accuracies that differ by less are equal for practical purposes
    leakage_model: BaselineName  # cheap: it shows what a random split flatters
    leakage_repeats: Annotated[int, Field(ge=1, le=20)]
    learning_curve_shares: list[Annotated[float, Field(ge=0.05, lt=1)]]  # of training specimens
    learning_curve_resnet: bool  # also the best ResNet, which takes as long as training it did


class FinalSettings(Settings):
    """The model that is taken away, fitted on all photos."""

    select: Annotated[str, Field(min_length=1)]  # best, or a model such as resnet-34
    coverage: Annotated[float, Field(ge=0.5, lt=1)]  # of photos by their prediction sets
    novelty_false_alarms: Annotated[float, Field(gt=0, le=0.5)]  # share flagged for nothing
    novelty_neighbours: Annotated[int, Field(ge=1, le=100)]  # training photos that count
    reference_photos: Annotated[int, Field(ge=10)]  # of the training photos kept, at most
    licence: Annotated[str, Field(min_length=1)]  # of the model folder


class ComputeSettings(Settings):
    """The machine, not the science: no stage depends on it in dvc.yaml."""

    device: Literal["auto", "cpu", "cuda", "mps"]
    threads: NonNegativeInt  # 0: one for each core
    checkpoint_s: NonNegativeFloat  # least seconds between two checkpoints of a training
    dvclive: bool  # also write each epoch for DVCLive's viewers


class Params(Settings):
    """The whole of params.yaml."""

    seed: NonNegativeInt
    dataset: DatasetSettings
    render: RenderSettings
    ingest: IngestSettings
    split: SplitSettings
    augment: AugmentSettings
    training: TrainingSettings
    fcnn: FcnnSettings
    resnet: ResnetSettings
    baselines: BaselineSettings
    embedding: EmbeddingSettings
    evidence: EvidenceSettings
    final: FinalSettings
    compute: ComputeSettings

    @model_validator(mode="after")
    def _lists_name_runs(self) -> Self:
        for name, runs in (
            ("fcnn.hidden_layers", self.fcnn.hidden_layers),
            ("resnet.depths", self.resnet.depths),
            ("baselines.models", self.baselines.models),
        ):
            if not runs or len(set(runs)) != len(runs):
                raise ValueError(f"{name} is {runs}; allowed: one or more entries, each once")
        return self


def load_params(path: Path = PARAMS_FILE) -> Params:
    """
    The settings of a run.

    Raises
    ------
    InputError
        With every unknown key, missing key and value that is not allowed, each by its name.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file. Run from the top folder of the project, where params.yaml lies."
        ) from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML. {error}") from None
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        problems = [_explain(raw, problem) for problem in error.errors()]
        raise InputError.of_all(str(path), problems) from None


def _explain(raw: Any, problem: Any) -> str:
    """One line for a person: the key, what stands there, what is allowed."""
    where = [part for part in problem["loc"] if part not in ("function-after[_lists_name_runs()]",)]
    key = ".".join(str(part) for part in where) or "the file"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(where[:-1])
        close = get_close_matches(str(where[-1]), known, n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        return (
            f"{key} is not a known key. {hint}Known here: {', '.join(known)}. Remove or rename it."
        )
    if problem["type"] == "missing":
        return f"{key} is missing. Add it; `git diff params.yaml` shows what was there."
    if problem["type"] == "value_error":
        message = str(problem["ctx"]["error"])
        return f"{key} is {message}" if where else message
    allowed = problem["msg"].removeprefix("Input should be ")
    return f"{key} is {problem['input']!r}; allowed: {allowed}. Correct it."


def _known_keys(where: list[Any]) -> list[str]:
    settings: type[BaseModel] = Params
    for part in where:
        field = settings.model_fields.get(str(part))
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        settings = annotation
    return list(settings.model_fields)


BASELINE_NAMES: tuple[str, ...] = get_args(BaselineName)
