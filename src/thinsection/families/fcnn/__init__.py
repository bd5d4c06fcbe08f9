"""Fully connected networks, one run for each number of hidden layers."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from thinsection.families.family import Depth, Family, shades, vectors_in_words
from thinsection.settings import VectorSettings


class FcnnSettings(VectorSettings):
    """The depth sweep of fully connected networks."""

    RUN_LIST: ClassVar[str] = "hidden_layers"
    hidden_layers: list[PositiveInt]  # one run each
    width: PositiveInt  # neurons in each hidden layer
    epochs: PositiveInt  # at most
    tolerance: NonNegativeFloat  # training loss must fall by this ...
    patience: PositiveInt  # ... within so many epochs, or training ends
    # of the training specimens, set aside for early stopping; 0: the training loss decides
    early_stopping_share: Annotated[float, Field(ge=0, le=0.5)]
    batch_size: PositiveInt
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat


def _darker_with_depth(names: Sequence[str]) -> list[str]:
    blues = shades("#8fc7ee", "#003a63", len(names))
    by_depth = dict(zip(sorted(names, key=int), blues, strict=True))
    return [by_depth[name] for name in names]


FAMILY = Family(
    title="fully connected",
    plural="fully connected networks",
    short_plural="FCNNs",
    section="fcnn",
    settings=FcnnSettings,
    module="thinsection.families.fcnn.training",
    run_title=lambda name: f"FCNN-{name}",
    run_prefix="fcnn-",
    colours=_darker_with_depth,
    colour="#0072b2",
    mark=("o", "circles"),
    depth=Depth("hidden layers", "10 hidden layers", lambda depths: depths / 10),
    learns_from=vectors_in_words,
    exported_as="network",
)
