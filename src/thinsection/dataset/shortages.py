"""Settings in params.yaml that need more specimens than there are, reported before any training."""

import numpy as np
import pandas as pd

from thinsection.dataset.folds import Fold, as_numbered_by_first
from thinsection.dataset.parts import folds_on_shares, set_aside


def shortages(
    photos: pd.DataFrame,
    folds: list[Fold],
    early_stopping: dict[str, float],
    shares: list[float],
    seed: int,
) -> list[str]:
    """
    One sentence for each thing that repeats, early stopping or the learning curve lack specimens for.

    Parameters
    ----------
    photos : photos.csv (tables.PHOTOS)
    early_stopping : key in params.yaml -> share of the training specimens to set aside
    shares : of the learning curve
    """
    parts, skipped = folds_on_shares(folds, photos, shares, seed)
    found = _repeated(folds, len(photos))
    for key, share in early_stopping.items():
        if not share:
            continue
        for name, trainings in {"": folds, **{_at(s): part for s, part in parts.items()}}.items():
            n = sum(not _can_set_aside(fold, photos, share) for fold in trainings)
            if n:
                found.append(
                    f"{key} is {share:g}, but {name}no specimen can be set aside in {n} of "
                    f"{len(trainings)} folds, which learn from {_counts(trainings, photos)} of a "
                    "class: training ends by its own loss there. Bring photos of more specimens, or "
                    "set it to 0."
                )
    groups = photos["group"].to_numpy(str)
    total = np.mean([len(np.unique(groups[fold.train])) for fold in folds])
    for share, larger in skipped.items():
        found.append(
            f"evidence.learning_curve_shares: {share:g} will be skipped, for of {total:.3g} training "
            f"specimens it leaves the same as {f'{larger:g}' if larger < 1 else 'all of them'}."
        )
    return found


def _repeated(folds: list[Fold], n_samples: int) -> list[str]:
    """Whether repeats part the specimens in the same way, which few specimens leave no choice but to."""
    numbers = np.zeros((1 + max(fold.repeat for fold in folds), n_samples), int)
    for fold in folds:
        numbers[fold.repeat, fold.held_out] = fold.fold
    n_repeats, n_distinct = len(numbers), len(np.unique(as_numbered_by_first(numbers), axis=0))
    if n_distinct == n_repeats:
        return []
    return [
        f"split.repeats is {n_repeats}, but only {n_distinct} of the repeats part the specimens in "
        f"different ways, for there are few of them. Tests over folds count {n_distinct}. Bring more "
        f"specimens, or set it to {n_distinct}."
    ]


def _at(share: float) -> str:
    return f"at {share:g} of the training specimens (evidence.learning_curve_shares) "


def _can_set_aside(fold: Fold, photos: pd.DataFrame, share: float) -> bool:
    train = photos.iloc[fold.train]
    labels = np.unique(train["label"].to_numpy(str), return_inverse=True)[1]
    groups = np.unique(train["group"].to_numpy(str), return_inverse=True)[1]
    # whether any can be spared depends on no order
    return bool(set_aside(labels, groups, share, np.random.default_rng(0)).any())


def _counts(folds: list[Fold], photos: pd.DataFrame) -> str:
    """How many specimens of each class the folds learn from, e.g. "1 to 2 specimens"."""
    trains = [photos.iloc[fold.train] for fold in folds]
    counts = np.concatenate([train.groupby("label")["group"].nunique() for train in trains])
    least, most = int(counts.min()), int(counts.max())
    return f"{least} to {most} specimens" if least < most else f"{most} specimen{'s' * (most > 1)}"
