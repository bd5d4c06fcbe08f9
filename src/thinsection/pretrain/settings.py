"""The content of pretrain/params.yaml."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, PositiveFloat, PositiveInt

from thinsection.settings import Precision, RenderSidePx, Settings, Share


class RenderedSettings(Settings):
    """The photos to learn from."""

    fields: PositiveInt  # of view, each of its own specimen, each in both lights: two photos
    width: RenderSidePx  # pixels
    height: RenderSidePx
    zoom: Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]  # 1: 1650 um wide
    grain_radius_um: Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]
    share: Annotated[list[Share], Field(min_length=2, max_length=2)]
    alteration: Share
    automatic_exposure: Share
    colour_cast: Share
    minutes: PositiveFloat  # at most: what is rendered by then is what is learned from


class LearningSettings(Settings):
    """How the backbone is trained."""

    height: PositiveInt  # pixels of the variants that it sees
    width: PositiveInt
    epochs: PositiveInt
    minutes: PositiveFloat  # at most: the learning rate has fallen to zero by then
    batch_size: PositiveInt
    scratch_rate: PositiveFloat  # maximum of the learning rate, from random weights
    imagenet_rate: PositiveFloat  # ... from those of ImageNet
    weight_decay: PositiveFloat
    least_zoom: Share  # a variant shows at least this share of each side
    precision: Precision


class CompareSettings(Settings):
    """The real photos on which the backbones are compared."""

    photos: str  # a folder as dataset.path takes it
    height: PositiveInt
    width: PositiveInt
    views: Literal[1, 8]
    folds: PositiveInt
    repeats: PositiveInt
    bootstrap_draws: PositiveInt


class PretrainSettings(Settings):
    """The whole file."""

    seed: int
    render: RenderedSettings
    train: LearningSettings
    compare: CompareSettings


def read_settings(path: Path) -> PretrainSettings:
    """The settings in a file."""
    return PretrainSettings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
