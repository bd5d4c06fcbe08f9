"""Pretrained networks: frozen under a linear classifier, or fine-tuned."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from thinsection.families.family import PROCESS_MB, Effort, Family, Work, multiplications
from thinsection.settings import BackboneSettings, FamilySettings, Precision, Settings

TransferName = Literal["linear", "fine_tuned"]
TITLES = {"linear": "frozen pretrained network", "fine_tuned": "fine-tuned network"}
COLOURS = {"linear": "#56b4e9", "fine_tuned": "#1f6f9f"}
ACTIVATIONS_MB = 130.0  # of a photo of 224 x 224, kept for the way back; measured with lite0
NAMES: tuple[str, ...] = get_args(TransferName)


class LinearSettings(Settings):
    """Logistic regression on the embedding of a frozen network, and on colour and texture."""

    c: Annotated[list[PositiveFloat], Field(min_length=1)]  # inverse strengths of ridge to try


class FineTunedSettings(BackboneSettings):
    """A pretrained network, trained further."""

    views: Literal[1, 8]  # turns and flips of a photo whose probabilities are averaged
    epochs: PositiveInt
    batch_size: Annotated[int, Field(ge=2)]  # photos in a step; a sample counts with its lights
    learning_rate: PositiveFloat  # highest of the one-cycle schedule
    weight_decay: NonNegativeFloat
    precision: Precision


class TransferSettings(FamilySettings):
    """The pretrained networks."""

    RUN_LIST: ClassVar[str] = "models"
    models: list[TransferName]  # one run each
    linear: LinearSettings
    fine_tuned: FineTunedSettings

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the linear classifier takes; of photos alone, as their views are averaged."""
        return ("embedding", "colour_texture") if "linear" in self.models else ()


def _colours(names: Sequence[str]) -> list[str]:
    return [COLOURS[name] for name in names]


def _in_words(settings: TransferSettings) -> str:
    tuned = settings.fine_tuned
    return (
        "the embedding of a pretrained network together with colour and texture features (linear), "
        f"or photos of {tuned.height} × {tuned.width} pixels, starting from pretrained weights of "
        f"{tuned.backbone} (fine-tuned)"
    )


def _cost(name: str, settings: TransferSettings, work: Work) -> Effort:
    """Solving the regression; or forward and backward products, held-out photos once an epoch."""
    if name == "linear":
        return Effort(
            seconds=0.3 + 2.5e-7 * work.n_train * work.n_features * len(settings.linear.c),
            megabytes=PROCESS_MB + 3e-5 * work.n_train * work.n_features,
        )
    tuned = settings.fine_tuned
    forward = 2 * multiplications(tuned.backbone) * tuned.height * tuned.width / 224**2
    epochs = forward * (3 * work.n_train + work.n_held_out) * tuned.epochs
    area = tuned.height * tuned.width / 224**2
    megabytes = PROCESS_MB + ACTIVATIONS_MB * area * tuned.batch_size
    return Effort(epochs + forward * (tuned.views + 3) * work.n_held_out, 5, megabytes)


FAMILY = Family(
    title="transfer",
    plural="pretrained networks",
    short_plural="pretrained networks",
    section="transfer",
    settings=TransferSettings,
    module="thinsection.families.transfer.training",
    run_title=TITLES.__getitem__,
    run_prefix="transfer-",
    colours=_colours,
    colour="#1f6f9f",
    mark=("^", "triangles"),
    learns_from=_in_words,
    exported_as="network",
    cost=_cost,
    learning_curve="on request",
)
