"""The content of study/params.yaml, and of study/grains/params.yaml."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, PositiveFloat, PositiveInt

from thinsection.settings import Settings

Kind = Literal["pixels", "colour_texture", "embedding"]


class PhotoSettings(Settings):
    """A set of photos, each a sample of its own; all else as in params.yaml."""

    seed: int  # of the photos, their folds, and all trainings on them
    folder: str = ""  # of real photos, as dataset.path takes it; empty: photos are rendered
    specimens: int = Field(default=0, ge=0)  # rendered, of each mineral
    fields: int = Field(default=0, ge=0)  # of each specimen, one photo each, in one light
    variants: int = Field(ge=0)  # of each photo, to learn from
    features: list[Kind]  # the vectors that designs learn from
    # of params.yaml, by section: sizes that fit these photos
    changes: dict[str, dict[str, Any]] = Field(default_factory=dict)


class DesignSettings(Settings):
    """One way to build and train a network, at several depths."""

    photos: str  # the set of photos
    family: Literal["fcnn", "resnet", "mlp"]  # mlp: scikit-learn's MLPClassifier
    depths: list[PositiveInt]
    repeats: PositiveInt  # with other folds and first weights
    changes: dict[str, Any]  # of the family's section of params.yaml
    variants: bool = False  # whether it learns from variants too


class RunSettings(Settings):
    """A classifier of the product, with the settings of params.yaml."""

    family: str
    name: str


class NumberSettings(Settings):
    """How accuracy depends on the number of specimens to learn from."""

    photos: str  # the set of photos
    specimens: list[PositiveInt]  # of each mineral, to learn from
    tested: PositiveInt  # other specimens of each mineral, the same for all
    draws: PositiveInt  # trainings with each number, each on specimens of its own
    runs: dict[str, RunSettings]


class StudySettings(Settings):
    """The whole file."""

    page: str  # docs/<page>.md, and the beginning of its figures' names
    photos: dict[str, PhotoSettings]
    folds: PositiveInt
    bootstrap_draws: PositiveInt
    confidence: PositiveFloat
    claimed_fall: PositiveFloat  # of accuracy for each 10 hidden layers, in the paper's Table 2
    tolerated: PositiveFloat  # difference of accuracy between networks that count as alike
    faded: PositiveFloat  # a signal has vanished if less than this share of it is left
    designs: dict[str, DesignSettings]
    numbers: NumberSettings | None = None


def read_settings(study: Path) -> StudySettings:
    """The settings in params.yaml of a study's folder."""
    text = (study / "params.yaml").read_text(encoding="utf-8")
    return StudySettings.model_validate(yaml.safe_load(text))
