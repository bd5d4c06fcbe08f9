"""The columns of tables, which are checked on writing and on reading."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.base.errors import InputError
from thinsection.base.files import writing

# prefix of the probability columns, one for each class, in the order of the classes
PROBABILITY = "p_"


@dataclass(frozen=True)
class Table:
    """
    The columns of a table.

    ``columns`` maps each name to ``str``, ``int``, ``float`` or ``bool``, in order. ``key`` names
    the columns that identify a row. ``probabilities``: p_<class> columns follow the others.
    """

    columns: dict[str, type]
    key: tuple[str, ...]
    probabilities: bool = False


PHOTOS = Table(
    {
        "photo_id": str,
        "file": str,
        "label": str,
        "specimen": str,
        "grain": str,
        "sample": str,  # photos of one sample show one place on the stage
        "light": str,
        "angle": float,  # of the stage, degrees; empty where it is not known
        "group": str,
        "width": int,
        "height": int,
        "sha256": str,
    },
    key=("photo_id",),
)
REJECTED = Table({"file": str, "reason": str}, key=("file",))
WARNINGS = Table({"kind": str, "file": str, "detail": str}, key=("kind", "file", "detail"))
FOLDS = Table({"sample": str, "repeat": int, "fold": int}, key=("sample", "repeat"))
VARIANTS = Table({"variant_id": str, "photo_id": str}, key=("variant_id",))
PREDICTIONS = Table(
    {
        "sample": str,
        "repeat": int,
        "fold": int,
        "label": str,
        "predicted": str,
        "loss": float,
    },
    key=("sample", "repeat"),
    probabilities=True,
)
# what the same classifiers say of a sample when they are shown its photos in one light only
ONE_LIGHT = Table(
    {
        "light": str,
        "sample": str,
        "repeat": int,
        "fold": int,
        "label": str,
        "predicted": str,
    },
    key=("light", "sample", "repeat"),
    probabilities=True,
)
HISTORY = Table(
    {
        "repeat": int,
        "fold": int,
        "epoch": int,
        "train_loss": float,
        "train_accuracy": float,
        "held_out_loss": float,
        "held_out_accuracy": float,
        "set_aside_loss": float,  # on the specimens set aside for early stopping, if any
        "learning_rate": float,  # at the last step of the epoch
    },
    key=("repeat", "fold", "epoch"),
)
GRADIENTS = Table(
    {
        "repeat": int,
        "fold": int,
        "epoch": int,
        "layer": int,
        "gradient_norm": float,  # in the layer's weights, mean of the epoch's steps
        # of the epoch's first step: norm of the gradient in what the layer gives, the signal that comes
        # back, and the spread of what it gives
        "signal_norm": float,
        "activation_spread": float,
        "dead_share": float,  # share of units that were 0 for every training example of the epoch
    },
    key=("repeat", "fold", "epoch", "layer"),
)
SHARES = Table({"share": float, "n_specimens": float}, key=("share",))


def write_table(frame: pd.DataFrame, path: Path, table: Table) -> None:
    """
    Write a table as CSV, completely or not at all; the same values give the same bytes.

    Raises
    ------
    InputError
        If a column is missing or unknown, a value has the wrong type, or a key repeats.
    """
    checked = _checked(frame, path, table)
    with writing(path) as partial:
        checked.to_csv(partial, index=False, lineterminator="\n", float_format="%.8g")


def read_table(path: Path, table: Table) -> pd.DataFrame:
    """
    The table at ``path``, each column with its declared type; empty text stays empty.

    Raises
    ------
    InputError
        As in ``write_table``, and if the file is missing or empty.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such table. Run `dvc repro` to make it.") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: the table is empty. Run `dvc repro` to make it again.") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: not whole ({error}). Run `dvc repro` to make it again."
        ) from None
    return _checked(frame, path, table)


def classes_of(predictions: pd.DataFrame) -> list[str]:
    """The class names of a predictions table, in the order of its probability columns."""
    return [c.removeprefix(PROBABILITY) for c in predictions.columns if c.startswith(PROBABILITY)]


def _checked(frame: pd.DataFrame, path: Path, table: Table) -> pd.DataFrame:
    named = list(table.columns)
    found = list(frame.columns)
    extra = [c for c in found if c not in named]
    missing = [c for c in named if c not in found]
    unknown = [c for c in extra if not (table.probabilities and c.startswith(PROBABILITY))]
    if missing or unknown:
        raise InputError(
            f"{path}: columns {', '.join(found)}; missing: {', '.join(missing) or 'none'}, "
            f"unknown: {', '.join(unknown) or 'none'}; allowed: {', '.join(named)}"
            f"{f', {PROBABILITY}<class>' if table.probabilities else ''}."
        )
    types = {**table.columns, **dict.fromkeys(extra, float)}
    checked = pd.DataFrame({c: _typed(frame[c], types[c], path) for c in [*named, *extra]})
    repeated = checked.duplicated(list(table.key))
    if repeated.any():
        row = checked.loc[repeated, list(table.key)].iloc[0].to_dict()
        raise InputError(
            f"{path}: row {row} occurs {int(repeated.sum()) + 1} times; allowed: each key once."
        )
    return checked


def _typed(column: pd.Series, kind: type, path: Path) -> pd.Series:
    if kind is str:
        return column.astype(object).where(column.notna(), "").astype(str)
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    bad = numbers.isna()
    if kind is float:  # an empty cell means that the value does not exist
        filled = column.astype(object).map(lambda cell: str(cell).strip() != "").astype(bool)
        bad &= column.notna() & filled
    if kind is int:
        bad |= ~np.isclose(numbers % 1, 0)
    if bad.any():
        row = int(np.flatnonzero(bad.to_numpy())[0])
        raise InputError(
            f"{path} row {row + 2}: {column.name} is {str(column.iloc[row])!r}; allowed: "
            f"{'a whole number' if kind is int else 'a number'}."
        )
    return numbers.astype(kind)
