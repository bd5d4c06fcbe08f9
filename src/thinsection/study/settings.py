"""The content of study/params.yaml."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, PositiveFloat, PositiveInt

from thinsection.settings import Settings

SETTINGS = Path("study/params.yaml")


class PhotoSettings(Settings):
    """The rendered photos, each a sample of its own; all else as in params.yaml."""

    specimens: PositiveInt  # of each mineral
    fields: PositiveInt  # of each specimen, one photo each
    variants: int = Field(ge=0)  # of each photo, to learn from


class DesignSettings(Settings):
    """One way to build and train a network, at several depths."""

    family: Literal["fcnn", "resnet", "mlp"]  # mlp: scikit-learn's MLPClassifier
    depths: list[PositiveInt]
    repeats: PositiveInt  # with other folds and first weights
    changes: dict[str, Any]  # of the family's section of params.yaml
    variants: bool = False  # whether it learns from variants too


class StudySettings(Settings):
    """The whole file."""

    seed: int
    photos: PhotoSettings
    real: str  # a folder of real photos, as dataset.path takes it; empty: none
    folds: PositiveInt
    bootstrap_draws: PositiveInt
    confidence: PositiveFloat
    claimed_fall: PositiveFloat  # of accuracy for each 10 hidden layers, in the paper's Table 2
    faded: PositiveFloat  # a signal has vanished if less than this share of it is left
    designs: dict[str, DesignSettings]


def read_settings(path: Path = SETTINGS) -> StudySettings:
    """The settings in a file."""
    return StudySettings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
