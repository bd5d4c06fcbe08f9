"""torchvision's residual networks, one run for each number of layers."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from thinsection.families.family import PROCESS_MB, Depth, Effort, Family, Work
from thinsection.settings import FamilySettings, Precision, ResnetDepth, SidePx

VERMILIONS = ("#f0a07a", "#d55e00", "#8a3a00", "#5c2700", "#3d1a00")  # one for each possible depth


class ResnetSettings(FamilySettings):
    """The residual networks."""

    RUN_LIST: ClassVar[str] = "depths"
    depths: list[ResnetDepth]  # one run each
    height: SidePx  # of the input photo
    width: SidePx
    weights: str  # none | imagenet | path of a file of weights
    shortcuts: bool  # past every block; false: the plain networks that He et al. compare with
    epochs: PositiveInt
    batch_size: Annotated[int, Field(ge=2)]  # photos in a step; a sample counts with its lights
    learning_rate: PositiveFloat  # highest of the one-cycle schedule
    weight_decay: NonNegativeFloat
    precision: Precision


def _darker_with_depth(names: Sequence[str]) -> list[str]:
    by_depth = dict(zip(sorted(names, key=int), VERMILIONS, strict=False))
    return [by_depth[name] for name in names]


def _photos_in_words(settings: ResnetSettings) -> str:
    started = {"none": "random weights", "imagenet": "weights trained on ImageNet"}
    return (
        f"photos of {settings.height} × {settings.width} pixels, starting from "
        f"{started.get(settings.weights, f'the weights in {settings.weights}')}"
        + ("" if settings.shortcuts else ", without shortcuts")
    )


# of a photo of 224 x 224: multiplications forward (as torchvision counts them), and weights
MULTIPLICATIONS = {18: 1.81e9, 34: 3.66e9, 50: 4.09e9, 101: 7.80e9, 152: 11.51e9}
WEIGHTS = {18: 11.2e6, 34: 21.3e6, 50: 23.5e6, 101: 42.5e6, 152: 58.2e6}
ACTIVATIONS_MB = {18: 25.0, 34: 40.0, 50: 95.0, 101: 145.0, 152: 205.0}  # kept for the way back


def _cost(name: str, settings: ResnetSettings, work: Work) -> Effort:
    """
    Forward and backward products, Adam's step, fresh variants, heat maps; measured in docs/sizes.md.

    A layer's cost is in proportion to the area of the photo.
    """
    depth, area = int(name), settings.height * settings.width / 224**2
    forward = 2 * MULTIPLICATIONS[depth] * area
    steps = work.n_train / settings.batch_size + 1
    epoch = Effort(
        forward * (3 * work.n_train + work.n_held_out),
        2e-9 * WEIGHTS[depth] * steps + 4e-3 * area * work.n_train,
    )
    megabytes = (
        PROCESS_MB
        + 24e-6 * WEIGHTS[depth]  # with gradients, both moments of Adam, and a copy to save
        + ACTIVATIONS_MB[depth] * area * settings.batch_size
    )
    start_and_maps = Effort(3 * forward * work.n_held_out, 1 + 50e-9 * WEIGHTS[depth], megabytes)
    return epoch * settings.epochs + start_and_maps


FAMILY = Family(
    title="residual network",
    plural="ResNets",
    short_plural="ResNets",
    section="resnet",
    settings=ResnetSettings,
    module="thinsection.families.resnet.training",
    run_title=lambda name: f"ResNet-{name}",
    run_prefix="resnet-",
    colours=_darker_with_depth,
    colour="#d55e00",
    mark=("s", "squares"),
    # 18 to 152 layers: on a log scale, or the deepest alone would determine the slope
    depth=Depth("layers", "doubling of layers", np.log2),
    learns_from=_photos_in_words,
    exported_as="network",
    learning_curve="on request",
    cost=_cost,
)
