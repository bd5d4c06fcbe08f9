"""The mean of the out-of-fold probabilities of several classifiers, as a run of its own."""

import numpy as np

from thinsection.base.arrays import Floats, Ints
from thinsection.base.errors import InputError
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.evidence.runs import OutOfFold, UnusableRunError, read_run
from thinsection.families.run import Run
from thinsection.learning.contract import FoldResult
from thinsection.learning.crossval import CrossValidation, joined


def average_of(run: Run, members: list[Run], photos: Dataset, fold_of: Ints) -> CrossValidation:
    """
    The mean of the members' probabilities, photo by photo.

    A photo's probabilities all come from classifiers that never saw its group, since the members
    were trained on the same folds.

    Parameters
    ----------
    fold_of : (n_repeats, n_photos) int, the fold in which each photo is held out

    Raises
    ------
    InputError
        If a member's predictions can't be used.
    """
    results = [_usable(run, member, photos, fold_of) for member in members]
    n_parameters = sum(result.model["n_parameters"] for result in results)
    parts = []
    for repeat, folds in enumerate(fold_of):
        mean = np.mean([result.repeats[repeat].probabilities for result in results], axis=0)
        for number in np.unique(folds):
            held_out, train = np.flatnonzero(folds == number), np.flatnonzero(folds != number)
            fold = Fold(repeat, int(number), train, held_out)
            one_light = _in_one_light(results, repeat, held_out, len(mean))
            parts.append(FoldResult(fold, mean[held_out], n_parameters, one_light=one_light))
    return joined(run.model, photos, parts)


def _in_one_light(
    results: list[OutOfFold], repeat: int, held_out: Ints, n_samples: int
) -> dict[str, Floats]:
    """``FoldResult.one_light`` of the mean, where every member has been shown that light alone."""
    found = {}
    for light in results[0].one_light:
        if not all(light in result.one_light for result in results):
            continue
        known = [result.one_light[light] for result in results]
        chances = np.mean([each.repeats[repeat].probabilities for each in known], axis=0)
        whole = np.full((n_samples, chances.shape[1]), np.nan)
        whole[known[0].samples] = chances
        found[light] = whole[held_out]
    return found


def _usable(run: Run, member: Run, photos: Dataset, fold_of: Ints) -> OutOfFold:
    try:
        return read_run(member, photos, fold_of)
    except UnusableRunError as problem:
        raise InputError(
            f"{run.title}: {member.title} can't be averaged, {problem}. Run `dvc repro "
            f"{member.stage}` again, or take {run.name} out of average.of in params.yaml."
        ) from None
