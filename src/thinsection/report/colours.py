"""One colour for each model, the same in every figure and table."""

from collections.abc import Iterable

from thinsection.families import FAMILIES
from thinsection.families.run import Run

# Okabe and Ito's palette (2008), whose colours are distinct with every common kind of colour
# blindness, as are the colours of the families.
INDEX_COLOURS = {
    "auc": "#0072b2",
    "ca": "#000000",
    "f1": "#009e73",
    "precision": "#e69f00",
    "recall": "#cc79a7",
}


def model_colours(runs: Iterable[Run]) -> dict[str, str]:
    """Model id -> colour, for the runs in params.yaml (also those left out)."""
    runs = list(runs)
    colours: dict[str, str] = {}
    for key, family in FAMILIES.items():
        own = [run for run in runs if run.family == key]
        named = family.colours([run.name for run in own])
        colours |= {run.model: colour for run, colour in zip(own, named, strict=True)}
    return colours
