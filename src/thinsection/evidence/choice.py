"""Selection of the final model, and the accuracy to expect of it."""

from typing import NamedTuple

import pandas as pd

from thinsection.base.arrays import Floats, Ints
from thinsection.base.errors import InputError
from thinsection.families.run import Run

BEST = "best"
ROUNDING = 1e-7  # of accuracies in a table


def chosen(models: pd.DataFrame, select: str, rope: float) -> pd.Series:
    """
    The row of models.csv selected by ``select``.

    ``best`` compares the lower ends of the accuracy intervals. Models at most ``rope`` below the
    highest are equal for practical purposes; of these the one with the fewest parameters is
    chosen, since it is the cheapest to use.

    Raises
    ------
    InputError
        If there is no such model.
    """
    if select == BEST:
        least = models["ca_low"].fillna(models["ca"])  # a single specimen has no interval
        return models.iloc[int(smallest_of_the_best(models, least.to_numpy()[:, None], rope)[0])]
    found = models[models["model"] == select]
    if found.empty:
        raise InputError(
            f"params.yaml: final.select is {select!r}; allowed: {BEST}, or one of the models "
            f"compared: {', '.join(models['model'])}. Correct it, or add the model to the "
            "comparison."
        )
    return found.iloc[0]


def smallest_of_the_best(models: pd.DataFrame, accuracies: Floats, rope: float) -> Ints:
    """
    Which model ``best`` picks, (n_draws,) places, by each of several accuracies of all models.

    Parameters
    ----------
    models : models.csv
    accuracies : (n_models, n_draws) float, of which the highest is the best
    rope : what is at most so far below the best is as good
    """
    by_size = models.reset_index(drop=True).sort_values(["n_parameters", "model"], kind="stable")
    smallest_first = by_size.index.to_numpy(int)
    # the same by the figures of a table and by those that it was written from
    as_good = accuracies >= accuracies.max(axis=0) - rope - ROUNDING
    found: Ints = smallest_first[as_good[smallest_first].argmax(axis=0)]
    return found


class Expected(NamedTuple):
    """The accuracy to expect on new specimens, 0..1, and its interval."""

    ca: float
    low: float
    high: float


def expected_accuracy(row: pd.Series, selection: pd.DataFrame, select: str) -> Expected:
    """
    The accuracy to expect of the chosen model.

    Parameters
    ----------
    row : of the model in models.csv
    selection : selection.csv: what is left of the accuracy of the model that ``best`` picks without
        the luck of having been picked; a model that its user names keeps its own figure
    """
    picked = selection.iloc[0]
    was_picked = select == BEST and picked["model"] == row["model"]
    if was_picked and pd.notna(picked["expected"]):
        return Expected(picked["expected"], picked["expected_low"], picked["expected_high"])
    return Expected(row["ca"], row["ca_low"], row["ca_high"])


def run_of(row: pd.Series) -> Run:
    """The run of a row of models.csv."""
    return Run(str(row["family"]), str(row["name"]))
