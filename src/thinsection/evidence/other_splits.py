"""Results of other splits of the same photos: random folds, and fewer training specimens."""

from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.base.files import read_json
from thinsection.base.places import (
    LEAKAGE_FOLDER,
    LEARNING_CURVE_FOLDER,
    SPLITS,
    TESTED,
    curve_file,
)
from thinsection.base.seeds import generator
from thinsection.base.tables import SHARES, read_table
from thinsection.dataset.packed import Dataset
from thinsection.evidence.estimates import Estimates, estimate, held_out_ratio
from thinsection.evidence.metrics import METRICS
from thinsection.evidence.result_tables import LEAKAGE, TRAINING_SHARES
from thinsection.evidence.runs import Study, read_outcomes
from thinsection.settings import EvidenceSettings


def leakage_table(
    dataset: Dataset,
    settings: EvidenceSettings,
    seed: int,
    ratio: float,
    folder: Path = LEAKAGE_FOLDER,
) -> pd.DataFrame:
    """
    leakage.csv: each index under both splits, and the gap, with intervals over specimens.

    Empty if no two photos share a specimen, or the stage has not run.

    Parameters
    ----------
    ratio : number of held-out photos / training photos
    """
    groups = dataset.table["group"].to_numpy(str)
    n_groups = len(np.unique(groups))
    files = [folder / f"{split}.csv" for split in SPLITS]
    if n_groups == len(groups) or not all(file.is_file() for file in [*files, folder / TESTED]):
        return pd.DataFrame(columns=list(LEAKAGE.columns))
    results = [read_outcomes(file, dataset) for file in files]
    rng = generator(seed, "evidence", "leakage")
    estimates = estimate(results, groups, settings.bootstrap_draws, rng, ratio)
    rows = []
    for index in METRICS:
        values = estimates.values[index]
        row: dict[str, object] = {
            "index": index,
            "model": read_json(folder / TESTED)["model"],
            "n_photos": len(groups),
            "n_groups": n_groups,
            "n_repeats": len(results[0]),
        }
        for place, split in enumerate(SPLITS):
            interval = estimates.interval(index, place, settings.confidence)
            row |= {split: values[place], f"{split}_low": interval.low}
            row[f"{split}_high"] = interval.high
        gap = values[0] - values[1]
        weights = estimates.difference(index, 0, 1)
        low, high = estimates.interval_of_sum(index, weights, settings.confidence)
        rows.append(row | {"gap": gap, "gap_low": low, "gap_high": high})
    return pd.DataFrame(rows)


def training_shares_table(
    study: Study,
    models: list[str],
    settings: EvidenceSettings,
    seed: int,
    folder: Path = LEARNING_CURVE_FOLDER,
) -> pd.DataFrame:
    """
    training_shares.csv: the indexes against the share of training specimens.

    Empty if the stage has not run. Share 1 is the run itself. ``gain`` is the gain in CA over the
    next smaller share, on the same photos.
    """
    columns = list(TRAINING_SHARES.columns)
    if not (folder / "shares.csv").is_file():
        return pd.DataFrame(columns=columns)
    # by the eight digits that a table holds of a share; params.yaml has no two of the same
    n_specimens = {
        f"{share:.8g}": n for share, n in read_table(folder / "shares.csv", SHARES).to_numpy()
    }
    rows = []
    for model in models:
        if not (folder / model).is_dir():
            continue
        shares = [
            share
            for share in sorted(settings.learning_curve_shares)
            if curve_file(folder, model, share).is_file()
        ] + [1.0]
        results = [
            study.result(model).repeats
            if share == 1
            else read_outcomes(curve_file(folder, model, share), study.dataset)
            for share in shares
        ]
        rng = generator(seed, "evidence", "learning curve")
        estimates = estimate(
            results, study.groups, settings.bootstrap_draws, rng, held_out_ratio(study)
        )
        for place, share in enumerate(shares):
            row = {"model": model, "share": share, "n_specimens": n_specimens[f"{share:.8g}"]}
            row |= _gain(estimates, place, settings.confidence)
            rows.append(row | estimates.with_intervals(place, settings.confidence))
    return pd.DataFrame(rows, columns=columns)


def _gain(estimates: Estimates, place: int, confidence: float) -> dict[str, float]:
    """Gain in CA over the previous share, with its paired interval; NaN for the first."""
    if place == 0:
        return dict.fromkeys(("gain", "gain_low", "gain_high"), np.nan)
    values = estimates.values["ca"]
    gain = float(values[place] - values[place - 1])
    weights = estimates.difference("ca", place, place - 1)
    low, high = estimates.interval_of_sum("ca", weights, confidence)
    return {"gain": gain, "gain_low": low, "gain_high": high}
