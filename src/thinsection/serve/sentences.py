"""What the page says in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thinsection.predict import ModelCard


def listed(names: Sequence[str], last: str) -> str:
    """``a, b or c``, where ``last`` is the word before the last."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def alternatives(prediction_set: Sequence[str], coverage: float) -> str:
    """The prediction set, which holds the true class in a ``coverage`` of photos, as a sentence."""
    share = f"{round(100 * coverage)} %"
    if not prediction_set:
        return f"No class fits well enough for {share} coverage."
    what = listed(prediction_set, "or")
    alone = " and nothing else" if len(prediction_set) == 1 else ""
    return f"{what[0].upper()}{what[1:]}{alone}, at {share} coverage."


def accuracy(card: "ModelCard") -> str:
    """What accuracy to expect, with its interval."""
    low, high = round(100 * card.ca_low), round(100 * card.ca_high)
    return f"{round(100 * card.ca)} % (interval {low} to {high} %)"


def training(card: "ModelCard") -> str:
    """What the model was trained on."""
    photos = f"{card.n_photos} photos"
    return f"{photos} of {card.n_specimens} specimens" if card.n_specimens else photos


def false_alarms(card: "ModelCard") -> str:
    """How often a photo of a known class is called unlike anything seen all the same."""
    return f"{100 * card.false_alarms:.0f} %"
