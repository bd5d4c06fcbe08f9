"""Reading and checking the files of the runs."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from thinsection.base.arrays import Floats, Ints, Texts
from thinsection.base.errors import InputError
from thinsection.base.places import RUNS
from thinsection.base.tables import (
    GRADIENTS,
    HISTORY,
    ONE_LIGHT,
    PREDICTIONS,
    PROBABILITY,
    Table,
    classes_of,
    read_table,
)
from thinsection.dataset.packed import Dataset
from thinsection.evidence.metrics import Outcomes
from thinsection.families.run import Run

SUM_TOLERANCE = 1e-3  # tolerance for the sum of the probabilities in a row


@dataclass(frozen=True)
class InOneLight:
    """
    What a classifier says of samples when it is shown one of their lights only.

    Attributes
    ----------
    samples : (n,) int64, the samples that have the light, as rows of the table of samples
    repeats : one ``Outcomes`` per repeat, of these samples
    """

    samples: Ints
    repeats: list[Outcomes]


@dataclass(frozen=True)
class OutOfFold:
    """
    The out-of-fold predictions of one classifier for every sample.

    Attributes
    ----------
    run : the classifier
    repeats : one ``Outcomes`` per repeat, photos in the order of photos.csv
    losses : (n_repeats, n_photos) float, cross-entropy of each photo
    model : model.json
    history, gradients : the run's tables; None if the family has none or the file is missing
    one_light : light -> what it says without the others; empty where samples have a single light
    """

    run: Run
    repeats: list[Outcomes]
    losses: Floats
    model: dict[str, Any]
    history: pd.DataFrame | None
    gradients: pd.DataFrame | None
    one_light: dict[str, InOneLight] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """
    All inputs of the evidence.

    Attributes
    ----------
    dataset : the photos
    folds : (n_repeats, n_photos) int, the fold in which each photo is held out
    results : the runs that can be used, in the order of params.yaml
    left_out : model and reason of each run that can't be used
    """

    dataset: Dataset
    folds: Ints
    results: list[OutOfFold]
    left_out: pd.DataFrame

    @property
    def groups(self) -> Texts:
        """(n_photos,) str: the groups, which are never split and are resampled as a whole."""
        return self.dataset.table["group"].to_numpy(str)

    def result(self, model: str) -> OutOfFold:
        """The result of the model with this id."""
        return next(result for result in self.results if result.run.model == model)


class UnusableRunError(Exception):
    """A run that is missing, incomplete or without valid probabilities; it is left out."""


def delete_unnamed_runs(runs: list[Run], folder: Path = RUNS) -> list[Path]:
    """
    Delete the run folders that params.yaml no longer lists, and return them.

    DVC leaves them behind when an entry is removed from params.yaml; they would change the hash of
    the folder compared with a fresh clone.
    """
    wanted = {run.folder(folder) for run in runs}
    unnamed = sorted(path for path in folder.glob("*/*") if path.is_dir() and path not in wanted)
    for path in unnamed:
        shutil.rmtree(path)
    return unnamed


def read_study(
    runs: list[Run], dataset: Dataset, folds: pd.DataFrame, folder: Path = RUNS
) -> Study:
    """
    The results of all runs; those that can't be used are listed with the reason.

    Raises
    ------
    InputError
        If tables contradict each other, or no run can be used.
    """
    fold_of = folds_by_photo(dataset, folds)
    results, left_out = [], []
    for run in runs:
        try:
            results.append(read_run(run, dataset, fold_of, folder))
        except UnusableRunError as problem:
            left_out.append({"model": run.model, "reason": str(problem)})
    if not results:
        reasons = [f"{row['model']}: {row['reason']}" for row in left_out]
        raise InputError.of_all(f"{folder}: no run can be used", reasons)
    return Study(dataset, fold_of, results, pd.DataFrame(left_out, columns=["model", "reason"]))


def folds_by_photo(dataset: Dataset, folds: pd.DataFrame) -> Ints:
    """
    (n_repeats, n_photos) int: the fold of each photo, in the order of photos.csv.

    Raises
    ------
    InputError
        If folds.csv and photos.csv do not list the same photos in every repeat.
    """
    wide = folds.pivot(index="repeat", columns="sample", values="fold").sort_index()
    ids = dataset.table["sample"]
    strangers = sorted(set(wide.columns) - set(ids))
    homeless = [photo for photo in ids if photo not in wide or wide[photo].isna().any()]
    problems = [f"photo {photo} is not in photos.csv" for photo in strangers]
    problems += [f"photo {photo} has no fold in some repeat" for photo in homeless]
    if problems:
        raise InputError.of_all(
            "data/folds.csv", [f"{p}. Run `dvc repro split`." for p in problems]
        )
    return wide[list(ids)].to_numpy(int)


def read_run(run: Run, dataset: Dataset, fold_of: Ints, folder: Path = RUNS) -> OutOfFold:
    """
    One run, checked against photos and folds.

    Raises
    ------
    InputError
        If a row contradicts photos.csv or folds.csv, or a probability is not a number.
    UnusableRunError
        If files or rows are missing, or probabilities don't sum to 1.
    """
    place = run.folder(folder)
    for name in ("predictions.csv", "model.json"):
        if not (place / name).is_file() or not (place / name).stat().st_size:
            raise UnusableRunError(f"{place / name} is missing or empty")
    rows = read_table(place / "predictions.csv", PREDICTIONS)
    _stop_at_contradictions(rows, run, place, dataset, fold_of)
    wanted = pd.MultiIndex.from_product([range(len(fold_of)), dataset.table["sample"]])
    rows = rows.set_index(["repeat", "sample"]).reindex(wanted)
    _leave_out_if_incomplete(rows, place)
    return OutOfFold(
        run,
        [_outcomes(rows.loc[[repeat]], dataset) for repeat in range(len(fold_of))],
        rows["loss"].to_numpy(float).reshape(fold_of.shape),
        _read_facts(place / "model.json"),
        _read_if_there(place / "history.csv", HISTORY),
        _read_if_there(place / "gradients.csv", GRADIENTS),
        _read_one_light(place, dataset, len(fold_of)),
    )


def _read_one_light(place: Path, dataset: Dataset, n_repeats: int) -> dict[str, InOneLight]:
    """The content of one_light.csv; nothing if there is none."""
    table = _read_if_there(place / "one_light.csv", ONE_LIGHT)
    found: dict[str, InOneLight] = {}
    if table is None or not len(table):
        return found
    lights = dataset.lights
    for slot, light in enumerate(lights.names):
        samples = np.flatnonzero(lights.present[:, slot])
        wanted = pd.MultiIndex.from_product(
            [range(n_repeats), dataset.table["sample"].iloc[samples]]
        )
        rows = table[table["light"] == light].set_index(["repeat", "sample"])
        if not len(rows):
            continue
        rows = rows.reindex(wanted)
        if rows["predicted"].isna().any() or not rows["predicted"].isin(dataset.classes).all():
            raise UnusableRunError(
                f"{place / 'one_light.csv'} lacks samples of {light or 'a light'}"
            )
        repeats = [_outcomes(rows.loc[[n]], dataset, samples) for n in range(n_repeats)]
        found[light] = InOneLight(samples, repeats)
    return found


def read_outcomes(path: Path, dataset: Dataset) -> list[Outcomes]:
    """
    The outcomes of each repeat in a predictions table, photos in the order of photos.csv.

    Raises
    ------
    InputError
        If it does not have each of these photos once per repeat.
    """
    rows = read_table(path, PREDICTIONS)
    repeats = []
    for _, part in rows.groupby("repeat"):
        by_photo = part.set_index("sample").reindex(dataset.table["sample"])
        labels = by_photo["label"].to_numpy() == dataset.table["label"].to_numpy()
        if len(part) != len(dataset.table) or not labels.all():
            raise InputError(
                f"{path}: its photos are not those of photos.csv. Run `dvc repro` again."
            )
        repeats.append(_outcomes(by_photo, dataset))
    return repeats


def _outcomes(rows: pd.DataFrame, dataset: Dataset, samples: Ints | None = None) -> Outcomes:
    classes = dataset.classes
    return Outcomes(
        dataset.labels if samples is None else dataset.labels[samples],
        np.searchsorted(classes, rows["predicted"].to_numpy(str)),
        rows[[f"{PROBABILITY}{name}" for name in classes]].to_numpy(float),
    )


def _read_facts(path: Path) -> dict[str, Any]:
    """The content of model.json, which must include the number of parameters."""
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return facts | {"n_parameters": int(facts["n_parameters"])}
    except (ValueError, TypeError, KeyError) as problem:
        raise UnusableRunError(f"{path} is incomplete ({problem!r})") from None


def _read_if_there(path: Path, table: Table) -> pd.DataFrame | None:
    return read_table(path, table) if path.is_file() else None


def _stop_at_contradictions(
    rows: pd.DataFrame, run: Run, place: Path, dataset: Dataset, fold_of: Ints
) -> None:
    """Raise an InputError with every row that contradicts photos.csv or folds.csv."""
    if classes_of(rows) != dataset.classes:
        raise InputError(
            f"{place}/predictions.csv: probabilities of {', '.join(classes_of(rows))}; photos.csv "
            f"has {', '.join(dataset.classes)}. Run `dvc repro -f -s {run.stage}`."
        )
    photo = pd.Index(dataset.table["sample"]).get_indexer(rows["sample"].to_list())
    repeat = rows["repeat"].to_numpy()
    known = (photo >= 0) & (repeat >= 0) & (repeat < len(fold_of))
    label = np.where(known, dataset.table["label"].to_numpy(str)[photo], "")
    fold = np.where(known, fold_of[np.where(known, repeat, 0), photo], -1)
    probabilities = rows[[f"{PROBABILITY}{name}" for name in dataset.classes]].to_numpy()
    not_numbers = ~np.isfinite(probabilities).all(axis=1) | ~np.isfinite(rows["loss"])
    contradictions = [
        (~known, "this photo and repeat are not in photos.csv and folds.csv"),
        (known & (rows["label"] != label), "its label {r.label} differs from photos.csv"),
        (known & (rows["fold"] != fold), "its fold {r.fold} differs from folds.csv"),
        (~rows["predicted"].isin(dataset.classes), "predicted {r.predicted!r} is not a class"),
        (not_numbers, f"{run.model}, fold {{r.fold}}: a probability or loss is not a number"),
    ]
    problems = [
        f"{row.sample} in repeat {row.repeat}: {what.format(r=row)}"
        for bad, what in contradictions
        for row in rows.loc[np.asarray(bad, bool)].itertuples()
    ]
    if problems:
        raise InputError.of_all(
            f"{place}/predictions.csv (run `dvc repro -f -s {run.stage}`)", problems
        )


def _leave_out_if_incomplete(rows: pd.DataFrame, place: Path) -> None:
    missing = rows.index[rows["predicted"].isna()]
    if len(missing):
        raise UnusableRunError(
            f"{place}/predictions.csv lacks {len(missing)} of {len(rows)} rows, "
            f"the first for photo {missing[0][1]} in repeat {missing[0][0]}"
        )
    columns = [name for name in rows.columns if name.startswith(PROBABILITY)]
    sums = rows[columns].sum(axis=1)
    off = ((sums - 1).abs() > SUM_TOLERANCE) | (rows[columns] < 0).any(axis=1)
    if off.any():
        repeat, photo = rows.index[off.to_numpy()][0]
        raise UnusableRunError(
            f"{place}/predictions.csv: in {int(off.sum())} rows the probabilities are negative or "
            f"don't sum to 1, the first for photo {photo} in repeat {repeat}: "
            f"sum {sums[off].iloc[0]:.4g}"
        )
