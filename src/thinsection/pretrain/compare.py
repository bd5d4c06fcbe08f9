"""What backbones are worth on real photos: frozen, with colour and texture, specimens kept whole."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from thinsection.base.arrays import Floats, Ints
from thinsection.base.seeds import generator
from thinsection.dataset.folds import as_folds, assign_folds
from thinsection.dataset.samples import samples_of
from thinsection.families.transfer.logistic import fit_logistic

STRENGTHS = [0.001, 0.01, 0.1, 1.0, 10.0]  # inverse strengths of ridge, as transfer.linear.c


def right_by_arm(
    photos: pd.DataFrame,
    arms: Mapping[str, tuple[list[Floats], tuple[int, ...]]],
    *,
    folds: int,
    repeats: int,
    seed: int,
) -> dict[str, Floats]:
    """
    (n_samples,) the share of repeats in which each sample was named rightly, for each arm.

    Parameters
    ----------
    photos : rows of photos.csv, one for each sample
    arms : name -> vectors (n_samples, n) of each kind, and how many numbers each has
    """
    table, _ = samples_of(photos)
    classes = sorted(table["label"].unique())
    labels = np.searchsorted(classes, table["label"].to_numpy(str))
    groups = pd.factorize(table["group"])[0]
    parts = as_folds(assign_folds(table, "grouped", folds, repeats, seed), table)
    found: dict[str, Floats] = {}
    for name, (kinds, sizes) in arms.items():
        x = np.concatenate(kinds, axis=1)
        right = np.zeros(len(labels))
        for fold in parts:
            state = int(
                generator(seed, "pretrain", "compare", fold.repeat, fold.fold).integers(2**31)
            )
            fitted = fit_logistic(
                x[fold.train], labels[fold.train], groups[fold.train], STRENGTHS, state, sizes=sizes
            )
            logits = (x[fold.held_out] - fitted.mean) / fitted.std @ fitted.weight.T + fitted.bias
            right[fold.held_out] += logits.argmax(axis=1) == labels[fold.held_out]
        found[name] = right / repeats
    return found


def differences(
    right: Mapping[str, Floats], groups: Ints, base: str, draws: int, seed: int
) -> list[dict[str, Any]]:
    """
    The accuracy of each arm, and its difference to one of them, with 95 % intervals.

    The intervals are percentiles of the paired bootstrap over groups.
    """
    numbers, group_of = np.unique(groups, return_inverse=True)
    rng = generator(seed, "pretrain", "bootstrap")
    counts = rng.multinomial(len(numbers), np.full(len(numbers), 1 / len(numbers)), draws)
    weights = counts[:, group_of]
    rows = []
    for name, each in right.items():
        drawn = (weights @ each) / weights.sum(axis=1)
        less = (weights @ (each - right[base])) / weights.sum(axis=1)
        row = {"arm": name, "ca": each.mean(), "difference": (each - right[base]).mean()}
        for what, values in (("ca", drawn), ("difference", less)):
            row[f"{what}_low"], row[f"{what}_high"] = np.percentile(values, [2.5, 97.5])
        rows.append(row)
    return rows


def arms_of(
    embeddings: Mapping[str, Floats], colour_texture: Floats
) -> dict[str, tuple[list[Floats], tuple[int, ...]]]:
    """Each backbone's vectors beside colour and texture, and those of two together."""
    singles = [(name,) for name in embeddings]
    pairs = [
        pair for pair in combinations(embeddings, 2) if pair == ("imagenet", "imagenet-renders")
    ]
    found = {}
    for names in [*singles, *pairs]:
        kinds = [*(embeddings[name] for name in names), colour_texture]
        found[" + ".join(names)] = (kinds, tuple(kind.shape[1] for kind in kinds))
    return found
