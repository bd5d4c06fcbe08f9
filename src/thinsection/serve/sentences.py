"""Sentences on the page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thinsection.predict import ModelCard


def joined(names: Sequence[str], last: str) -> str:
    """``a, b or c``, where ``last`` is the conjunction."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def alternatives(prediction_set: Sequence[str], coverage: float) -> str:
    """The prediction set, which contains the true class for ``coverage`` of photos, in words."""
    what = joined(prediction_set, "or") or "none of its classes"
    alone = " and nothing else" if len(prediction_set) == 1 else ""
    share = f"{round(100 * coverage)}\xa0%"
    first = what[0].upper() + what[1:]
    return f"{first}{alone}: such a list contains the right name for {share} of photos."


def experience(card: "ModelCard", label: str) -> str:
    """How often the name of a class was right on unseen specimens; empty where it isn't known."""
    from thinsection.predict import of_those_named

    known = of_those_named(card.by_class, label)
    return f" On unseen specimens, {known}." if known else ""


def only_closest(label: str) -> str:
    """The answer for a photo unlike the training photos, of which no coverage can be promised."""
    return f"The model has to choose one of its classes and {label} is the closest, but the photo may show none of them."


def accuracy(card: "ModelCard") -> str:
    """The accuracy to expect, with its interval."""
    low, high = round(100 * card.ca_low), round(100 * card.ca_high)
    return f"{round(100 * card.ca)}\xa0% (interval {low} to {high}\xa0%)"


def training(card: "ModelCard") -> str:
    """What the model was trained on."""
    photos = f"{card.n_photos} photos"
    return f"{photos} of {card.n_specimens} specimens" if card.n_specimens else photos


def false_alarms(card: "ModelCard") -> str:
    """How often a photo of a known class is wrongly flagged as unlike anything seen."""
    return f"{100 * card.false_alarms:.0f}\xa0%"
