"""What each light brought: the same classifiers, shown one light of a sample, or all."""

import numpy as np
import pandas as pd

from thinsection.base.arrays import Floats, Ints
from thinsection.evidence.estimates import held_out_ratio
from thinsection.evidence.metrics import (
    METRICS,
    Outcomes,
    confusion,
    mean_over_repeats,
    recall_per_class,
)
from thinsection.evidence.result_tables import LIGHTS
from thinsection.evidence.runs import OutOfFold, Study
from thinsection.evidence.statistics import (
    difference_interval,
    difference_p,
    holm,
    index_interval,
    resampled_counts,
    sign_flip,
    training_luck,
)
from thinsection.settings import EvidenceSettings

TOGETHER = "together"
PLAIN = ("auc", "f1", "balanced")  # indexes without an interval


def in_all_lights(study: Study) -> Ints:
    """The samples that are seen in every light, as rows of the table of samples."""
    return np.flatnonzero(study.dataset.lights.present.all(axis=1))


def lights_table(
    study: Study, settings: EvidenceSettings, rng: np.random.Generator
) -> pd.DataFrame:
    """
    lights.csv: each classifier shown one light of a sample, and all of them, on the same samples.

    Only samples that are seen in all lights count. ``gain`` is the accuracy with all lights minus that
    with this one alone, its interval from the paired bootstrap over specimens, its p-value from sign
    flips of specimens (with repeats both as in ``comparisons_table``), ``p_holm`` corrected for all rows of the table.

    Returns
    -------
    Empty where samples are not seen in several lights.
    """
    samples = in_all_lights(study)
    known = [result for result in study.results if result.one_light]
    if not known or not len(samples):
        return pd.DataFrame(columns=list(LIGHTS.columns))
    _, group_of = np.unique(study.groups[samples], return_inverse=True)
    n_groups = int(group_of.max()) + 1
    sizes = np.bincount(group_of).astype(float)
    counts = resampled_counts(n_groups, settings.bootstrap_draws, rng).astype(float)
    once = np.ones((1, len(samples)))
    ratio = held_out_ratio(study)
    rows = []
    for result in known:
        shown = outcomes_by_light(result, samples)
        of_repeats = {
            light: np.array([o.right.mean() for o in repeats]) for light, repeats in shown.items()
        }
        right = {
            light: np.mean([np.bincount(group_of, o.right, n_groups) for o in repeats], axis=0)
            for light, repeats in shown.items()
        }
        draws = {light: counts @ each / (counts @ sizes) for light, each in right.items()}
        for light, repeats in shown.items():
            ca = right[light].sum() / len(samples)
            luck = training_luck(of_repeats[light], ratio)
            low, high = index_interval(ca, draws[light], n_groups, settings.confidence, luck)
            row = {
                "model": result.run.model,
                "family": result.run.family,
                "light": light,
                "n_samples": len(samples),
                "ca": ca,
                "ca_low": low,
                "ca_high": high,
            }
            row |= {name: _plain(name, repeats, once) for name in PLAIN}
            if light != TOGETHER:
                gained = right[TOGETHER] - right[light]
                gain = gained.sum() / len(samples)
                gains = draws[TOGETHER] - draws[light]
                luck = training_luck(of_repeats[TOGETHER] - of_repeats[light], ratio)
                ends = difference_interval(gain, gains, n_groups, settings.confidence, luck)
                p_value = (
                    difference_p(gain, gains, n_groups, luck)
                    if len(repeats) > 1
                    else float(sign_flip(gained[:, None], settings.permutations, rng)[0])
                )
                row |= {"gain": gain, "gain_low": ends[0], "gain_high": ends[1], "p_value": p_value}
            rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=list(LIGHTS.columns))
    table["p_holm"] = holm(table["p_value"].to_numpy(float))
    return table


def lights_per_class_table(study: Study, best: dict[str, str]) -> pd.DataFrame:
    """lights_per_class.csv: the recall of each class in each light and in all, best of each family."""
    columns = ["model", "light", "label", "n_samples", "recall"]
    samples = in_all_lights(study)
    rows = []
    for model in best.values():
        result = study.result(model)
        if not result.one_light or not len(samples):
            continue
        for light, repeats in outcomes_by_light(result, samples).items():
            once = np.ones((1, len(samples)))
            recalls = np.mean([recall_per_class(confusion(o, once))[0] for o in repeats], axis=0)
            for place, label in enumerate(study.dataset.classes):
                n = int((repeats[0].labels == place).sum())
                rows.append(
                    dict(zip(columns, [model, light, label, n, recalls[place]], strict=True))
                )
    return pd.DataFrame(rows, columns=columns)


def outcomes_by_light(result: OutOfFold, samples: Ints) -> dict[str, list[Outcomes]]:
    """Light -> the outcomes of each repeat for some samples that have it; then all lights together."""
    found = {}
    for light, alone in result.one_light.items():
        rows = np.searchsorted(alone.samples, samples)
        found[light] = [_some(outcomes, rows) for outcomes in alone.repeats]
    found[TOGETHER] = [_some(outcomes, samples) for outcomes in result.repeats]
    return found


def _some(outcomes: Outcomes, rows: Ints) -> Outcomes:
    return Outcomes(outcomes.labels[rows], outcomes.predicted[rows], outcomes.probabilities[rows])


def _plain(name: str, repeats: list[Outcomes], once: Floats) -> float:
    return float(mean_over_repeats(METRICS[name], repeats, once)[0])
