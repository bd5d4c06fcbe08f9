"""The errors of a model on specimens that it had not seen, from its folder."""

import csv
from pathlib import Path

import numpy as np

from thinsection.base.arrays import Floats
from thinsection.base.errors import InputError
from thinsection.predict.folder import ERRORS, ModelCard

COLUMNS = ("specimen", "label", "named", "n")


def read_errors(folder: Path, card: ModelCard) -> Floats:
    """
    (n_specimens, n_classes, n_classes): how often samples of a class (second axis) got a name (third).

    Raises
    ------
    InputError
        If the folder has none, as those of older versions, or they are not of this model.
    """
    path = folder / ERRORS
    again = "Make the model again with `dvc repro -f final`."
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise InputError(
            f"{path}: missing. An older version made this model; counting needs its errors. {again}"
        ) from None
    place = {name: k for k, name in enumerate(card.classes)}
    try:
        numbers = [int(row["specimen"]) for row in rows]
        found = np.zeros((max(numbers) + 1, len(place), len(place)))
        for number, row in zip(numbers, rows, strict=True):
            found[number, place[row["label"]], place[row["named"]]] += float(row["n"])
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: not the errors of this model ({error}). {again}") from None
    return found
