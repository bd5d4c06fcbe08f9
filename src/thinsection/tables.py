"""The columns of every table, checked when it is written and when it is read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.errors import InputError
from thinsection.files import writing

PROBABILITY = "p_"  # prefix of the probability columns, one for each class, in the classes' order


@dataclass(frozen=True)
class Table:
    """
    What a table must look like.

    ``columns`` maps each name to ``str``, ``int``, ``float`` or ``bool``, in order. ``key`` names
    the columns that identify a row. ``probabilities``: p_<class> columns follow the named ones.
    """

    columns: dict[str, type]
    key: tuple[str, ...]
    probabilities: bool = False


INDEXES = ("auc", "ca", "f1", "precision", "recall")

PHOTOS = Table(
    {
        "photo_id": str,
        "file": str,
        "label": str,
        "specimen": str,
        "grain": str,
        "light": str,
        "group": str,
        "width": int,
        "height": int,
        "sha256": str,
    },
    key=("photo_id",),
)
REJECTED = Table({"file": str, "reason": str}, key=("file",))
WARNINGS = Table({"kind": str, "file": str, "detail": str}, key=("kind", "file", "detail"))
FOLDS = Table({"photo_id": str, "repeat": int, "fold": int}, key=("photo_id", "repeat"))
VARIANTS = Table({"variant_id": str, "photo_id": str}, key=("variant_id",))
PREDICTIONS = Table(
    {
        "photo_id": str,
        "repeat": int,
        "fold": int,
        "label": str,
        "predicted": str,
        "loss": float,
    },
    key=("photo_id", "repeat"),
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
    },
    key=("repeat", "fold", "epoch"),
)
GRADIENTS = Table(
    {"repeat": int, "fold": int, "epoch": int, "layer": int, "gradient_norm": float},
    key=("repeat", "fold", "epoch", "layer"),
)
MODELS = Table(
    {"model": str, "family": str, "name": str, "n_parameters": int, "n_photos": int}
    | {f"{index}{end}": float for index in INDEXES for end in ("", "_low", "_high")},
    key=("model",),
)
COMPARISONS = Table(
    {
        "model_a": str,
        "model_b": str,
        "index": str,
        "difference": float,
        "low": float,
        "high": float,
        "p_value": float,
        "test": str,
        "p_holm": float,
    },
    key=("model_a", "model_b", "index", "test"),
)
PRACTICAL = Table(
    {"model_a": str, "model_b": str}
    | dict.fromkeys(("p_a_better", "p_equivalent", "p_b_better"), float),
    key=("model_a", "model_b"),
)
DEPTH = Table(
    {"family": str, "index": str, "unit": str, "n_models": int}
    | dict.fromkeys(("slope", "low", "high", "p_corrected_t", "p_page_falls"), float),
    key=("family", "index"),
)
LEAKAGE = Table(
    {"index": str, "model": str, "n_photos": int, "n_groups": int, "n_repeats": int}
    | {
        f"{what}{end}": float
        for what in ("random", "grouped", "gap")
        for end in ("", "_low", "_high")
    },
    key=("index",),
)
SHARES = Table({"share": float, "n_specimens": float}, key=("share",))
TRAINING_SHARES = Table(
    {"model": str, "share": float, "n_specimens": float}
    | {f"{index}{end}": float for index in INDEXES for end in ("", "_low", "_high")},
    key=("model", "share"),
)
CALIBRATION = Table(
    {"model": str}
    | dict.fromkeys(("ece", "log_loss", "ece_scaled", "log_loss_scaled", "temperature"), float),
    key=("model",),
)
RELIABILITY = Table(
    {"model": str, "scaled": int, "bin": int, "n_photos": int}
    | dict.fromkeys(("confidence", "accuracy"), float),
    key=("model", "scaled", "bin"),
)
GALLERY = Table(
    {
        "gallery": str,
        "model": str,
        "place": int,
        "photo_id": str,
        "fold": int,
        "label": str,
        "predicted": str,
        "loss": float,
        "similar_photo_id": str,
        "similar_label": str,
    },
    key=("gallery", "model", "place"),
    probabilities=True,
)
DOUBTFUL = Table(
    {"photo_id": str, "label": str, "suggested": str, "p_label": float, "p_suggested": float},
    key=("photo_id",),
)
LEFT_OUT = Table({"model": str, "reason": str}, key=("model",))
PAPER_TABLE = Table({"model": str} | dict.fromkeys(INDEXES, float), key=("model",))
PAPER = Table(
    {"table": int, "model": str, "n_photos_paper": int, "n_photos": int}
    | {f"{index}{end}": float for index in INDEXES for end in ("_paper", "")}
    | dict.fromkeys(("ca_paper_low", "ca_paper_high", "ca_low", "ca_high"), float),
    key=("table", "model"),
)
PER_CLASS = Table(
    {"model": str, "label": str, "n_photos": int, "n_specimens": int}
    | dict.fromkeys(("precision", "recall", "f1", "auc"), float),
    key=("model", "label"),
)
CONFUSION_COUNTS = Table(
    {"model": str, "label": str, "predicted": str, "n_photos": float, "share": float},
    key=("model", "label", "predicted"),
)
CONFUSION_ROWS = Table(
    {"model": str, "photo_id": str, "repeat": int, "label": str, "predicted": str},
    key=("model", "photo_id", "repeat"),
)
ROC = Table({"model": str, "fpr": float, "tpr": float}, key=("model", "fpr"))
CURVES = ("train_loss", "train_accuracy", "held_out_loss", "held_out_accuracy")
LEARNING_CURVES = Table(
    {"model": str, "epoch": int, "n_folds": int}
    | {f"{curve}{end}": float for curve in CURVES for end in ("", "_low", "_high")},
    key=("model", "epoch"),
)
DEPTH_SWEEP = Table(
    {"family": str, "depth": int, "model": str}
    | {f"{index}{end}": float for index in INDEXES for end in ("", "_low", "_high")},
    key=("family", "depth"),
)
GRADIENT_NORMS = Table(
    {"hidden_layers": int, "layer": int, "first_epoch": float, "last_epoch": float},
    key=("hidden_layers", "layer"),
)
VANISHING = Table(
    {"hidden_layers": int, "first_epoch": float, "last_epoch": float, "ca": float},
    key=("hidden_layers",),
)


def write_table(frame: pd.DataFrame, path: Path, table: Table) -> None:
    """
    Write a table as CSV, whole or not at all, the same bytes for the same values.

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
    The table at ``path``, every column with its declared type; empty text stays empty text.

    Raises
    ------
    InputError
        As ``write_table`` does, and if the file is missing.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such table. Run `dvc repro` to make it.") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: the table is empty. Run `dvc repro` to make it again.") from None
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
            f"{path}: row {row} stands {int(repeated.sum()) + 1} times; each key once."
        )
    return checked


def _typed(column: pd.Series, kind: type, path: Path) -> pd.Series:
    if kind is str:
        return column.astype(object).where(column.notna(), "").astype(str)
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    bad = numbers.isna()
    if kind is float:  # a figure that does not exist is an empty cell
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
