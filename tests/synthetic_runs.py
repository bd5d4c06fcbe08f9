"""Runs that nobody trained: photos, folds and predictions of known skill, as stages write them."""

import colorsys
import json
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from thinsection.base.files import write_json
from thinsection.base.places import SPLITS, TESTED, curve_file
from thinsection.base.tables import (
    FOLDS,
    GRADIENTS,
    HISTORY,
    PHOTOS,
    PREDICTIONS,
    SHARES,
    write_table,
)
from thinsection.dataset.colour_texture import colour_texture
from thinsection.params import Params, load_params

CLASSES = ["augite", "biotite", "olivine", "plagioclase"]
COLOURS = {"augite": (110, 140, 90), "biotite": (140, 90, 50), "olivine": (150, 170, 200),
           "plagioclase": (190, 190, 195)}  # fmt: skip
PARAMS = Path(__file__).parents[1] / "params.yaml"


def synthetic_params(**evidence: object) -> Params:
    """The project's own parameters with four folds, and few draws: a test takes seconds."""
    params = load_params(PARAMS)
    settings = {"bootstrap_draws": 200, "permutations": 500} | evidence
    changes = {
        "evidence": params.evidence.model_copy(update=settings),
        "split": params.split.model_copy(update={"folds": 4, "repeats": 1}),
    }
    return params.model_copy(update=changes)


def run_stage(root: Path, name: str) -> None:
    """Run a stage script in the project at ``root``, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(sys, "argv", ["stage"])
        runpy.run_path(str(PARAMS.parent / f"stages/{name}.py"), run_name="__main__")


def write_study(
    root: Path,
    params: Params,
    *,
    specimens: int = 5,
    photos: int = 3,
    size: tuple[int, int] = (24, 36),
    seed: int = 1,
    classes: Sequence[str] = CLASSES,
) -> pd.DataFrame:
    """data/ as all stages before aggregate would leave it, below ``root``; returns photos.csv."""
    rng = np.random.default_rng(seed)
    table = _photos(classes, specimens, photos, size)
    write_table(table, root / "data/ingested/photos.csv", PHOTOS)
    np.save(root / "data/ingested/pixels.npy", _pixels(table, size, rng))
    folds = _folds(table, params.split.folds, params.split.repeats, rng)
    write_table(folds, root / "data/folds.csv", FOLDS)
    # A specimen is hard or easy for every model: photos of one specimen err together.
    specimens_there = table["group"].unique()
    drawn = rng.normal(0, 1, max(999, len(specimens_there)))
    hardness = dict(zip(specimens_there, drawn, strict=False))
    for place, run in enumerate(params.runs):
        skill = {"fcnn": 1.2, "resnet": 2.4, "baseline": 0.3 + 0.35 * (place % 5),
                 "petrographic": 1.5, "transfer": 1.8, "average": 2.0}[run.family]  # fmt: skip
        folder = run.folder(root / "data/runs")
        predictions = _predictions(table, folds, skill, hardness, rng)
        write_table(predictions, folder / "predictions.csv", PREDICTIONS)
        (folder / "model.json").write_text(
            json.dumps({"n_parameters": 1000 * (place + 1), "features": "pixels"})
        )
        if run.family in ("fcnn", "resnet") or run.name == "fine_tuned":  # those with epochs
            history = _history(params, 12 if run.family == "resnet" else 30, rng)
            write_table(history, folder / "history.csv", HISTORY)
        if run.family == "fcnn":
            gradients = _gradients(params, int(run.name))
            write_table(gradients, folder / "gradients.csv", GRADIENTS)
    _other_splits(root, params, table, folds, hardness, rng)
    _features(root)
    return table


def _features(root: Path) -> None:
    """Colour and texture as stage features leaves them."""
    photos = np.load(root / "data/ingested/pixels.npy")
    folder = root / "data/features/colour_texture"
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "photos.npy", np.stack([colour_texture(photo) for photo in photos]))
    np.save(folder / "variants.npy", np.empty((0, 0), np.float32))
    np.save(folder / "parents.npy", np.empty(0, np.int64))
    (folder / "facts.json").write_text('{"n_parameters": 0}')


def _other_splits(
    root: Path,
    params: Params,
    table: pd.DataFrame,
    folds: pd.DataFrame,
    hardness: dict[str, float],
    rng: np.random.Generator,
) -> None:
    """A random split that flatters, and models that grow with their training specimens."""
    for split, skill in zip(SPLITS, (2.5, 1.0), strict=True):
        rows = _predictions(table, folds, skill, hardness, rng)
        write_table(rows, root / f"data/leakage/{split}.csv", PREDICTIONS)
    write_json({"model": params.evidence.leakage_model}, root / "data/leakage" / TESTED)
    folder = root / "data/learning_curve"
    shares = params.evidence.learning_curve_shares
    specimens = [{"share": share, "n_specimens": round(15 * share)} for share in [*shares, 1.0]]
    write_table(pd.DataFrame(specimens), folder / "shares.csv", SHARES)
    for run in params.runs:
        if run.family != "resnet":
            for share in shares:
                rows = _predictions(table, folds, 1.2 * share, hardness, rng)
                write_table(rows, curve_file(folder, run.model, share), PREDICTIONS)


def _photos(
    classes: Sequence[str], specimens: int, photos: int, size: tuple[int, int]
) -> pd.DataFrame:
    short = {label: label[:3] for label in classes}
    if len(set(short.values())) < len(classes):
        short = {label: f"class {place} " for place, label in enumerate(classes)}
    rows = [
        {
            "photo_id": f"{label}/{short[label]}{s:02d}_{p}.jpg",
            "sample": f"{label}/{short[label]}{s:02d}_{p}.jpg",
            "angle": np.nan,
            "file": f"{label}/{short[label]}{s:02d}_{p}.jpg",
            "label": label,
            "specimen": f"{short[label]}{s:02d}",
            "grain": "",
            "light": ("ppl", "xpl")[p % 2],
            "group": f"{short[label]}{s:02d}",
            "width": size[1],
            "height": size[0],
            "sha256": f"{label}{s}{p}",
        }
        for label in classes
        for s in range(specimens)
        for p in range(photos)
    ]
    return pd.DataFrame(rows)


def _pixels(table: pd.DataFrame, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A crystal of the mineral's colour on a dark ground: enough for a gallery and a forest."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width]
    classes = list(table["label"].unique())
    hues = {
        label: colorsys.hsv_to_rgb(i / len(classes), 0.5, 180) for i, label in enumerate(classes)
    }
    colours = hues | COLOURS
    photos = []
    for label in table["label"]:
        centre = rng.uniform(0.35, 0.65, 2) * size
        axes = rng.uniform(0.2, 0.45, 2) * size
        inside = ((y - centre[0]) / axes[0]) ** 2 + ((x - centre[1]) / axes[1]) ** 2 < 1
        photo = np.where(inside[..., None], colours[label], (45, 42, 50))
        photos.append(photo + rng.normal(0, 25, photo.shape))
    return np.clip(photos, 0, 255).astype(np.uint8)


def _folds(
    table: pd.DataFrame, n_folds: int, repeats: int, rng: np.random.Generator
) -> pd.DataFrame:
    parts = []
    for repeat in range(repeats):
        fold_of: dict[str, int] = {}
        for _, members in table.groupby("label"):
            order = rng.permutation(members["group"].unique())
            fold_of |= {group: place % n_folds for place, group in enumerate(order)}
        fold = table["group"].map(fold_of)
        parts.append(pd.DataFrame({"sample": table["sample"], "repeat": repeat, "fold": fold}))
    return pd.concat(parts, ignore_index=True)


def _predictions(
    table: pd.DataFrame,
    folds: pd.DataFrame,
    skill: float,
    hardness: dict[str, float],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Scores with ``skill`` more for the true class, less in hard specimens; softmax."""
    rows = folds.merge(table[["sample", "label", "group"]], on="sample")
    classes = sorted(table["label"].unique())
    truth = rows["label"].map(classes.index).to_numpy()
    scores = rng.normal(size=(len(rows), len(classes)))
    scores[np.arange(len(rows)), truth] += skill - rows["group"].map(hardness).to_numpy()
    probabilities = np.exp(2 * scores)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    rows["predicted"] = np.array(classes)[probabilities.argmax(axis=1)]
    rows["loss"] = -np.log(probabilities[np.arange(len(rows)), truth])
    rows[[f"p_{name}" for name in classes]] = probabilities
    return rows.drop(columns="group")


def _history(params: Params, epochs: int, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for repeat in range(params.split.repeats):
        for fold in range(params.split.folds):
            last = epochs - int(rng.integers(0, 4))  # folds end early
            for epoch in range(1, last + 1):
                fall = np.exp(-epoch / 5)
                rows.append(
                    {
                        "repeat": repeat,
                        "fold": fold,
                        "epoch": epoch,
                        "train_loss": 1.4 * fall + rng.normal(0, 0.02) ** 2,
                        "train_accuracy": 1 - 0.7 * fall,
                        "held_out_loss": 0.6 + 0.8 * fall + rng.normal(0, 0.05),
                        "held_out_accuracy": 0.8 - 0.5 * fall,
                        "set_aside_loss": np.nan,
                        "learning_rate": 0.001,
                    }
                )
    return pd.DataFrame(rows)


def _gradients(params: Params, hidden_layers: int) -> pd.DataFrame:
    index = pd.MultiIndex.from_product(
        [range(params.split.repeats), range(params.split.folds), range(1, 6),
         range(1, hidden_layers + 2)],
        names=["repeat", "fold", "epoch", "layer"],
    )  # fmt: skip
    frame = index.to_frame(index=False)
    frame["gradient_norm"] = 0.1 * 0.8 ** (hidden_layers + 1 - frame["layer"]) / frame["epoch"]
    frame["signal_norm"] = 0.5 ** (hidden_layers + 1 - frame["layer"])
    frame["activation_spread"] = 0.9 ** frame["layer"]
    frame["dead_share"] = np.nan
    return frame
