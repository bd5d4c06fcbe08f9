"""Classifiers of the product, trained on few and on many specimens and tested on the same others."""

from pathlib import Path

import numpy as np

from thinsection.base.arrays import Bools
from thinsection.base.seeds import generator
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.families import FAMILIES
from thinsection.learning.examples.examples import groups_of, read_examples
from thinsection.params import Params
from thinsection.study.settings import NumberSettings, RunSettings


def draws_of(photos: Dataset, settings: NumberSettings, seed: int) -> list[list[Fold]]:
    """
    The trainings, for each number of specimens one for each draw.

    Some specimens of each mineral are set aside; all trainings are tested on their photos. From the
    others each draw takes specimens in an order of its own, so a larger number holds the smaller one.

    Raises
    ------
    ValueError
        If a mineral has too few specimens.
    """
    groups = groups_of(photos)
    rng = generator(seed, "study", "numbers")
    n_classes = len(photos.classes)
    of_class = [rng.permutation(np.unique(groups[photos.labels == k])) for k in range(n_classes)]
    wanted = settings.tested + max(settings.specimens)
    if min(map(len, of_class)) < wanted:
        raise ValueError(f"{min(map(len, of_class))} specimens of a mineral, {wanted} wanted")
    tested = np.isin(groups, np.concatenate([each[: settings.tested] for each in of_class]))
    orders = [
        [rng.permutation(each[settings.tested :]) for each in of_class]
        for _ in range(settings.draws)
    ]
    held_out = np.flatnonzero(tested)
    return [
        [
            Fold(draw, 0, _samples_of(groups, [each[:number] for each in order]), held_out)
            for draw, order in enumerate(orders)
        ]
        for number in settings.specimens
    ]


def _samples_of(groups: np.ndarray, specimens: list[np.ndarray]) -> np.ndarray:
    return np.flatnonzero(np.isin(groups, np.concatenate(specimens)))


def trained(
    run: RunSettings, photos: Dataset, draws: list[list[Fold]], params: Params, folder: Path
) -> Bools:
    """
    Whether each tested sample was named rightly by a run with the product's settings.

    Parameters
    ----------
    draws : of ``draws_of``
    folder : of the photos and their vectors (``photos.write_photos``)

    Returns
    -------
    (n_numbers, n_draws, n_tested) bool
    """
    family, settings = FAMILIES[run.family], params.fit_settings(run.family)
    examples = read_examples(photos, settings.own, folder=folder / "features")
    fit_folds = family.fit_folds()
    right = np.zeros((len(draws), len(draws[0]), len(draws[0][0].held_out)), bool)
    for place, folds in enumerate(draws):
        for result in fit_folds(run.name, examples, folds, settings):
            named = result.probabilities.argmax(axis=1)
            right[place, result.fold.repeat] = named == photos.labels[result.fold.held_out]
        n_photos = len(folds[0].train)
        print(f"{n_photos} photos to learn from: accuracy {right[place].mean():.3f}", flush=True)
    return right
