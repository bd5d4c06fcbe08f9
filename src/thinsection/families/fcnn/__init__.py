"""Fully connected networks, one run for each number of hidden layers."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from thinsection.families.family import (
    PROCESS_MB,
    Depth,
    Effort,
    Family,
    Work,
    shades,
    vectors_in_words,
)
from thinsection.families.fcnn.architecture import Initialisation, Normalisation
from thinsection.settings import VectorSettings


class FcnnSettings(VectorSettings):
    """The depth sweep of fully connected networks."""

    RUN_LIST: ClassVar[str] = "hidden_layers"
    hidden_layers: list[PositiveInt]  # one run each
    width: PositiveInt  # neurons in each hidden layer
    initialisation: Initialisation  # he | glorot | orthogonal | default: fcnn/networks.py
    normalisation: Normalisation  # none | batch | layer, before each ReLU
    shortcuts: bool  # past every two hidden layers, from the second on
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


# of the depths on the demo photos, which end by `tolerance` after 47 to 86 of at most 200
TYPICAL_EPOCHS = 70


def _cost(name: str, settings: FcnnSettings, work: Work) -> Effort:
    """Six operations for each weight and row, and Adam's step; measured in docs/sizes.md."""
    n_weights = (work.n_features + (int(name) - 1) * settings.width) * settings.width
    n_rows = work.n_train * (1 + work.n_variants)
    epochs = min(settings.epochs, TYPICAL_EPOCHS)
    products = n_weights * (6 * n_rows + 2 * work.n_held_out)
    steps = n_rows / settings.batch_size + 1
    # weights with gradients and both moments of Adam, of some folds; vectors, and a batch of them
    megabytes = PROCESS_MB + 5e-5 * n_weights + 8e-6 * n_rows * work.n_features
    start = Effort(seconds=0.3, megabytes=megabytes)  # PyTorch is loaded once for each run
    return Effort(products, 2e-9 * n_weights * steps) * epochs + start


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
    cost=_cost,
)
