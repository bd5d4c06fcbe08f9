"""Tests of differences: pairs of models, practical equivalence, and the trend with depth."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from thinsection.base.arrays import Bools, Floats, Texts
from thinsection.evidence.estimates import Estimates, fold_values, held_out_ratio
from thinsection.evidence.metrics import METRICS
from thinsection.evidence.runs import Study
from thinsection.evidence.statistics import (
    Difference,
    corrected_t,
    falls_with_depth,
    holm,
    mcnemar,
    practical_probabilities,
    sign_flip,
    slopes,
)
from thinsection.families import FAMILIES
from thinsection.settings import EvidenceSettings


def comparisons_table(
    study: Study, estimates: Estimates, settings: EvidenceSettings, rng: np.random.Generator
) -> pd.DataFrame:
    """
    comparisons.csv: every pair of models with every test; Holm's correction by test and index.

    Tests: ``specimens`` (CA; interval by the paired bootstrap, p-value by sign flips of
    specimens, or, with repeats, Student's t, both with the luck of the training), ``mcnemar`` (CA; the same interval), ``corrected_t`` (each index).
    """
    pairs = list(combinations(range(len(study.results)), 2))
    rows = [
        *_by_specimens(study, estimates, pairs, settings.confidence, settings.permutations, rng),
        *_by_folds(study, pairs, settings.confidence),
    ]
    columns = ["model_a", "model_b", "index", *Difference._fields, "test", "p_holm"]
    frame = pd.DataFrame(rows, columns=columns)
    for _, family in frame.groupby(["test", "index"]):
        frame.loc[family.index, "p_holm"] = holm(family["p_value"].to_numpy(float))
    return frame


def _by_specimens(
    study: Study,
    estimates: Estimates,
    pairs: list[tuple[int, int]],
    confidence: float,
    permutations: int,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    # (n_models, n_repeats, n_photos): whether the photo was classified correctly
    right = np.array([[o.right for o in r.repeats] for r in study.results])
    by_group = right_by_group(right, study.groups)
    first, second = np.array(pairs, int).reshape(-1, 2).T
    by_flips = sign_flip((by_group[first] - by_group[second]).T, permutations, rng)
    values = estimates.values["ca"]
    repeated = right.shape[1] > 1
    rows = []
    for (a, b), p_of_flips in zip(pairs, by_flips, strict=True):
        weights = estimates.difference("ca", a, b)
        interval = estimates.interval_of_sum("ca", weights, confidence)
        p_of_specimens = estimates.p_of_sum("ca", weights) if repeated else p_of_flips
        # One p-value per repeat; their median (van de Wiel et al. 2009, Biostatistics 10, 550-560).
        p_of_mcnemar = np.median([mcnemar(x, y) for x, y in zip(right[a], right[b], strict=True)])
        for test, p_value in (("specimens", p_of_specimens), ("mcnemar", p_of_mcnemar)):
            difference = Difference(values[a] - values[b], *interval, float(p_value))
            rows.append(_row(study, a, b, "ca", test, difference))
    return rows


def right_by_group(right: Bools, groups: Texts) -> Floats:
    """
    (n_models, n_groups) float: correct photos in each group, mean over repeats.

    Parameters
    ----------
    right : (n_models, n_repeats, n_photos) bool
    groups : (n_photos,) str
    """
    _, group_of = np.unique(groups, return_inverse=True)
    n_right = [np.bincount(group_of, of_model) for of_model in right.sum(axis=1)]
    mean: Floats = np.array(n_right) / right.shape[1]
    return mean


def _by_folds(
    study: Study, pairs: list[tuple[int, int]], confidence: float
) -> list[dict[str, Any]]:
    ratio = held_out_ratio(study)
    rows = []
    for index in METRICS:
        by_fold = fold_values(study, index)
        for a, b in pairs:
            difference = corrected_t(by_fold[a] - by_fold[b], ratio, confidence)
            rows.append(_row(study, a, b, index, "corrected_t", difference))
    return rows


def _row(
    study: Study, a: int, b: int, index: str, test: str, difference: Difference
) -> dict[str, Any]:
    models = {"model_a": study.results[a].run.model, "model_b": study.results[b].run.model}
    return models | {"index": index, "test": test, "p_holm": np.nan} | difference._asdict()


def practical_table(study: Study, settings: EvidenceSettings) -> pd.DataFrame:
    """practical.csv: probabilities that a pair's accuracies differ by more than ``rope``, or not."""
    by_fold = fold_values(study, "ca")
    rows = []
    for a, b in combinations(range(len(study.results)), 2):
        chances = practical_probabilities(
            by_fold[a] - by_fold[b], held_out_ratio(study), settings.rope
        )
        rows.append(
            {
                "model_a": study.results[a].run.model,
                "model_b": study.results[b].run.model,
                "p_a_better": chances.first_better,
                "p_equivalent": chances.equivalent,
                "p_b_better": chances.second_better,
            }
        )
    columns = ["model_a", "model_b", "p_a_better", "p_equivalent", "p_b_better"]
    return pd.DataFrame(rows, columns=columns)


def depth_table(study: Study, estimates: Estimates, settings: EvidenceSettings) -> pd.DataFrame:
    """depth.csv: change of CA and AUC with depth, for families with at least three depths."""
    rows = []
    for family, record in FAMILIES.items():
        depth = record.depth
        places = [i for i, r in enumerate(study.results) if r.run.family == family]
        places.sort(key=lambda place: study.results[place].run.depth or 0)
        if depth is None or len(places) < 3:
            continue
        depths = depth.scaled(np.array([study.results[i].run.depth for i in places], float))
        for index in ("ca", "auc"):
            slope = float(slopes(depths, estimates.values[index][places]))
            by_fold = fold_values(study, index)[places]
            weights = np.zeros(len(study.results))
            weights[places] = slopes(depths, np.eye(len(places)))
            interval = estimates.interval_of_sum(index, weights, settings.confidence)
            folds = corrected_t(slopes(depths, by_fold), held_out_ratio(study), settings.confidence)
            rows.append(
                {
                    "family": family,
                    "index": index,
                    "unit": depth.unit,
                    "n_models": len(places),
                    "slope": slope,
                    "low": interval.low,
                    "high": interval.high,
                    "p_corrected_t": folds.p_value,
                    "p_page_falls": falls_with_depth(by_fold),
                }
            )
    columns = ["family", "index", "unit", "n_models", "slope", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "p_corrected_t", "p_page_falls"])
