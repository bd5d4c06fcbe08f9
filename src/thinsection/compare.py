"""Two versions of the comparison, classifier by classifier, on the samples that both have."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from thinsection.base.arrays import Floats
from thinsection.base.errors import InputError
from thinsection.base.places import INGESTED, RUNS
from thinsection.base.seeds import generator
from thinsection.dataset.samples import samples_of
from thinsection.evidence.statistics import (
    UNKNOWN_LUCK,
    TrainingLuck,
    difference_interval,
    difference_p,
    holm,
    resampled_counts,
    sign_flip,
    training_luck,
)
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.settings import EvidenceSettings

WORKSPACE = "workspace"
SUMMARY = Path("metrics/summary.json")


@dataclass(frozen=True)
class Version:
    """
    What the classifiers of one commit, experiment or the workspace said.

    Attributes
    ----------
    name : as it was asked for
    right : model -> (n_samples, n_repeats) 1 where it named a sample rightly, 0 where not, NaN where it
        did not judge it; rows by sample
    samples : by sample: ``label`` and ``group``
    expected : the accuracy to expect of its best classifier, corrected for being the best of many;
        NaN if unknown
    n_folds : of the cross-validation
    """

    name: str
    right: dict[str, pd.DataFrame]
    samples: pd.DataFrame
    expected: float = np.nan
    n_folds: int = 3


def read_version(name: str, repository: Path = Path()) -> Version:
    """
    The out-of-fold predictions of a version, from git and the cache of DVC.

    Parameters
    ----------
    name : a commit, branch, tag or experiment, or ``workspace``

    Raises
    ------
    InputError
        If git knows no such version, or its predictions are neither in the cache nor in a remote.
    """
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.scm import RevError
    from scmrepo.exceptions import SCMError

    try:
        files = DVCFileSystem(str(repository), rev=None if name == WORKSPACE else name)
        photos = _table(files, INGESTED / "photos.csv")
        found = {
            run.model: _table(files, run.folder() / "predictions.csv")
            for run in _runs(files)
            if files.isfile((run.folder() / "predictions.csv").as_posix())
        }
        expected = _expected(files)
    except (RevError, SCMError):
        raise InputError(
            f"{name}: git knows no such version here. Allowed: a commit, branch, tag or experiment "
            f"(`git log --oneline`, `dvc exp show`), or {WORKSPACE}."
        ) from None
    except (DvcException, OSError) as error:
        raise InputError(
            f"{name}: its predictions can't be read ({error}). `dvc fetch -A` brings them from the remote; "
            "without one, check this version out and run `dvc repro`."
        ) from None
    if not found:
        raise InputError(f"{name}: it has no predictions in {RUNS}. Run `dvc repro` there first.")
    samples = samples_of(photos)[0].set_index("sample")[["label", "group"]]
    right = {
        model: rows.assign(right=(rows["predicted"] == rows["label"]).astype(float))
        .pivot(index="sample", columns="repeat", values="right")
        .reindex(samples.index)
        for model, rows in found.items()
    }
    n_folds = max(int(rows["fold"].nunique()) for rows in found.values())
    return Version(name, right, samples, expected, n_folds)


def _expected(files: Any) -> float:
    if not files.isfile(SUMMARY.as_posix()):
        return np.nan
    with files.open(SUMMARY.as_posix()) as file:
        return float(json.load(file).get("expected", {}).get("ca", np.nan))


def _table(files: Any, path: Path) -> pd.DataFrame:
    with files.open(path.as_posix()) as file:
        return pd.read_csv(file, dtype={"sample": str, "photo_id": str, "label": str, "group": str})


def _runs(files: Any) -> list[Run]:
    """All runs of a version, of the families that are known here."""
    found = []
    for family in FAMILIES:
        folder = (RUNS / family).as_posix()
        if files.isdir(folder):
            names = sorted(Path(each).name for each in files.ls(folder, detail=False))
            found += [Run(family, name) for name in names]
    return found


def compare(old: Version, new: Version, settings: EvidenceSettings, seed: int) -> pd.DataFrame:
    """
    The change of accuracy of each classifier that both versions have, on the samples that both judge.

    The interval is Student's with the standard error of a bootstrap over specimens, the p-value that
    of sign flips of specimens, corrected by Holm for the number of classifiers; where both versions have
    repeats, the luck of the training is in both: all as in comparisons.csv.

    Returns
    -------
    model, n_samples, old, new, difference, low, high, p_value, p_holm; largest gain first. A classifier
    that is right about the same samples, as one that was not trained again does, is not tested: NaN.

    Raises
    ------
    InputError
        If no classifier or no sample is in both.
    """
    alike = old.samples.rename(columns=lambda name: f"{name}_old").join(new.samples, how="inner")
    alike = alike[alike["label_old"] == alike["label"]]
    models = [model for model in old.right if model in new.right]
    if not models or alike.empty:
        missing = "classifier" if not models else "sample with the same label"
        raise InputError(f"{old.name} and {new.name} have no {missing} in common.")
    rows = []
    for model in models:
        ours, theirs = (version.right[model].reindex(alike.index) for version in (old, new))
        judged = ours.notna().all(axis=1) & theirs.notna().all(axis=1)
        ours, theirs = ours[judged], theirs[judged]
        both = pd.DataFrame(
            {"old": ours.mean(axis=1), "new": theirs.mean(axis=1), "group": alike["group"][judged]}
        )
        ratio = 1 / (min(old.n_folds, new.n_folds) - 1)
        luck = _luck(ours.mean().to_numpy(), theirs.mean().to_numpy(), ratio)
        rows.append({"model": model, **_paired(both, luck, settings, seed)})
    table = pd.DataFrame(rows)
    table["p_holm"] = np.nan
    tested = table["p_value"].notna()
    table.loc[tested, "p_holm"] = holm(table.loc[tested, "p_value"].to_numpy(float))
    return table.sort_values("difference", ascending=False, kind="stable", ignore_index=True)


def _luck(old: Floats, new: Floats, ratio: float) -> TrainingLuck:
    """Of a difference, from the accuracies of each version's repeats; unknown if one has a single one."""
    if len(old) == len(new):  # repeats of one number have the same folds
        return training_luck(new - old, ratio)
    each = [training_luck(of_repeats, ratio) for of_repeats in (old, new)]
    if UNKNOWN_LUCK in each:
        return UNKNOWN_LUCK
    return TrainingLuck(sum(luck.variance for luck in each), min(luck.freedom for luck in each))


def _paired(
    both: pd.DataFrame, luck: TrainingLuck, settings: EvidenceSettings, seed: int
) -> dict[str, float]:
    if both.empty:
        return {"n_samples": 0} | dict.fromkeys(
            ["old", "new", "difference", "low", "high", "p_value"], np.nan
        )
    accuracies = {
        "n_samples": len(both),
        "old": float(both["old"].mean()),
        "new": float(both["new"].mean()),
    }
    if (both["old"] == both["new"]).all():
        return accuracies | {"difference": 0.0, "low": np.nan, "high": np.nan, "p_value": np.nan}
    gained = (both["new"] - both["old"]).groupby(both["group"]).agg(["sum", "size"])
    sums: Floats = gained["sum"].to_numpy(float)
    sizes = gained["size"].to_numpy()
    rng = generator(seed, "compare")
    counts = resampled_counts(len(sums), settings.bootstrap_draws, rng)
    draws = (counts @ sums) / (counts @ sizes)
    value = float(sums.sum() / sizes.sum())
    low, high = difference_interval(value, draws, len(sums), settings.confidence, luck)
    p_value = (
        difference_p(value, draws, len(sums), luck)
        if luck.freedom
        else float(sign_flip(sums[:, None], settings.permutations, rng)[0])
    )
    return accuracies | {"difference": value, "low": low, "high": high, "p_value": p_value}


def in_words(table: pd.DataFrame, old: Version, new: Version, confidence: float) -> list[str]:
    """What a comparison says, sentence by sentence."""
    known = table.dropna(subset=["p_value"])
    level = 1 - confidence
    better = known[(known["p_holm"] < level) & (known["difference"] > 0)]["model"].tolist()
    worse = known[(known["p_holm"] < level) & (known["difference"] < 0)]["model"].tolist()
    same = table[table["p_value"].isna() & (table["difference"] == 0)]["model"].tolist()
    found = []
    if better:
        found.append(f"{new.name} names significantly more samples with {', '.join(better)}.")
    if worse:
        found.append(f"{new.name} names significantly fewer samples with {', '.join(worse)}.")
    if len(known) and not better and not worse:
        found.append(
            f"Whether {new.name} or {old.name} is better can't be decided for any classifier: every difference "
            "may be the luck of these specimens."
        )
    if same:
        names = f": {', '.join(same)}" if len(known) else ""
        found.append(
            f"{len(same)} of {len(table)} classifiers are right about the same samples in both{names}."
        )
    if np.isfinite(old.expected + new.expected):
        found.append(
            f"The best classifier is expected to name {old.expected:.3f} of new samples in {old.name} and "
            f"{new.expected:.3f} in {new.name}, corrected for having been the best of many."
        )
    only = [
        f"{', '.join(str(model) for model in a.right if model not in b.right)} only in {a.name}"
        for a, b in ((old, new), (new, old))
        if not set(a.right) <= set(b.right)
    ]
    if only:
        found.append(f"Not compared: {'; '.join(only)}.")
    n_alike = int(table["n_samples"].max())
    n_old, n_new = len(old.samples), len(new.samples)
    if not n_alike == n_old == n_new:
        found.append(
            f"{n_alike} samples are compared, of {n_old} in {old.name} and {n_new} in {new.name}."
        )
    if min(right.shape[1] for version in (old, new) for right in version.right.values()) == 1:
        found.append(
            "P-values and intervals hold for these trained classifiers: another training, with other first "
            "weights, may move a network by a few hundredths, which split.repeats takes in."
        )
    return found
