"""The data of the report: the tables that aggregate wrote, read once. Nothing is computed."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from thinsection.base.arrays import Bytes, read_array
from thinsection.base.errors import InputError
from thinsection.base.files import read_json
from thinsection.base.places import INGESTED, METRICS_FOLDER, RUNS, table_file
from thinsection.base.tables import Table, read_table
from thinsection.dataset.packed import Dataset, read_dataset
from thinsection.evidence import result_tables
from thinsection.families.run import Run
from thinsection.params import Params
from thinsection.report.colours import model_colours

TABLES: dict[str, Table] = {
    "models": result_tables.MODELS,
    "selection": result_tables.SELECTION,
    "comparisons": result_tables.COMPARISONS,
    "practical": result_tables.PRACTICAL,
    "depth": result_tables.DEPTH,
    "leakage": result_tables.LEAKAGE,
    "training_shares": result_tables.TRAINING_SHARES,
    "calibration": result_tables.CALIBRATION,
    "vanishing": result_tables.VANISHING,
    "gallery": result_tables.GALLERY,
    "doubtful": result_tables.DOUBTFUL,
    "per_class": result_tables.PER_CLASS,
    "lights": result_tables.LIGHTS,
    "lights_per_class": result_tables.LIGHTS_PER_CLASS,
    "specimens": result_tables.SPECIMENS,
    "confusion": result_tables.CONFUSION_COUNTS,
    "paper": result_tables.PAPER,
    "paper_trend": result_tables.PAPER_TREND,
    "environments": result_tables.ENVIRONMENTS,
    "left_out": result_tables.LEFT_OUT,
    "plots/roc": result_tables.ROC,
    "plots/learning_curves": result_tables.LEARNING_CURVES,
    "plots/depth_sweep": result_tables.DEPTH_SWEEP,
    "plots/signals": result_tables.LAYERS,
    "plots/gradients": result_tables.LAYERS,
    "plots/spreads": result_tables.LAYERS,
    "plots/dead_units": result_tables.LAYERS,
    "plots/reliability": result_tables.RELIABILITY,
}


@dataclass(frozen=True)
class Evidence:
    """
    Everything that the report shows.

    Attributes
    ----------
    params : the settings of the run
    dataset : the photos
    tables : name -> table, as in ``TABLES``
    ingest : metrics/ingest.json, empty if there is none
    warnings : data/ingested/warnings.csv, empty if there is none
    heatmaps : model id -> (n_photos, h, w) uint8, where a ResNet looked in each held-out photo;
        for the models whose run folder contains heatmaps.npy
    """

    params: Params
    dataset: Dataset
    tables: dict[str, pd.DataFrame]
    ingest: dict[str, Any]
    warnings: pd.DataFrame
    heatmaps: dict[str, Bytes]

    def __getitem__(self, name: str) -> pd.DataFrame:
        """The table with this name."""
        return self.tables[name]

    @cached_property
    def runs(self) -> dict[str, Run]:
        """Model id -> run, for every run in params.yaml."""
        return {run.model: run for run in self.params.runs}

    @cached_property
    def titles(self) -> dict[str, str]:
        """Model id -> title."""
        titles = {model: run.title for model, run in self.runs.items()}
        if (asked := self.params.evidence.leakage_model) != "best":  # may not be in the comparison
            cheap = Run("baseline", asked)
            titles |= {cheap.model: cheap.title}
        return titles

    @cached_property
    def colours(self) -> dict[str, str]:
        """Model id -> its colour."""
        return model_colours(self.runs.values())

    @cached_property
    def guessing(self) -> float:
        """The accuracy of always predicting the commonest class."""
        return float(self.dataset.table["label"].value_counts(normalize=True).max())

    @property
    def unit(self) -> str:
        """What is classified and counted, in one word: a photo, or a sample of several photos."""
        return "sample" if self.dataset.lights.together else "photo"

    @property
    def is_uneven(self) -> bool:
        """Whether the classes have different numbers of samples."""
        return bool(self.dataset.table["label"].value_counts().nunique() > 1)

    @property
    def ranking(self) -> pd.DataFrame:
        """models.csv, highest CA first; ties are ordered by AUC."""
        return self["models"].sort_values(["ca", "auc"], ascending=False, kind="stable")

    def against_best(self) -> pd.DataFrame:
        """The best model compared with every other: differences are best minus other."""
        first = self.ranking["model"].iloc[0]
        pairs = self["comparisons"]
        pairs = pairs[(pairs["model_a"] == first) | (pairs["model_b"] == first)].copy()
        turned = pairs["model_b"] == first
        pairs["other"] = pairs["model_a"].where(turned, pairs["model_b"])
        low, high = pairs["low"].copy(), pairs["high"].copy()
        pairs["low"], pairs["high"] = low.where(~turned, -high), high.where(~turned, -low)
        pairs["difference"] = pairs["difference"].where(~turned, -pairs["difference"])
        return self.best_first(pairs, "other")

    def best_first(self, frame: pd.DataFrame, column: str = "model") -> pd.DataFrame:
        """The rows in the order of the ranking."""
        place = {model: place for place, model in enumerate(self.ranking["model"])}
        return frame.sort_values(column, key=lambda models: models.map(place), kind="stable")


def read_evidence(params: Params, root: Path = Path()) -> Evidence:
    """
    Read everything that the report shows.

    Raises
    ------
    InputError
        If a table that aggregate always writes is missing or has other columns.
    """
    found = {name: read_table(root / table_file(name), table) for name, table in TABLES.items()}
    if found["models"].empty:
        raise InputError(
            f"{root / table_file('models')} lists no model. Run `dvc repro aggregate`."
        )
    return Evidence(
        params,
        read_dataset(root / INGESTED),
        found,
        _json_if_there(root / METRICS_FOLDER / "ingest.json"),
        _csv_if_there(root / INGESTED / "warnings.csv"),
        _heatmaps(params, root),
    )


def _heatmaps(params: Params, root: Path) -> dict[str, Bytes]:
    files = {run.model: run.folder(root / RUNS) / "heatmaps.npy" for run in params.runs}
    return {model: read_array(file) for model, file in files.items() if file.is_file()}


def _json_if_there(path: Path) -> dict[str, Any]:
    return dict(read_json(path)) if path.is_file() else {}


def _csv_if_there(path: Path) -> pd.DataFrame:
    try:
        if not path.is_file() or not path.read_text(encoding="utf-8").strip():
            return pd.DataFrame()
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except ValueError as error:  # no UTF-8, or no CSV
        raise InputError(
            f"{path}: not whole ({error}). Run `dvc repro` to make it again."
        ) from None
