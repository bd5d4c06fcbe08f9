"""Which model is taken away."""

import pandas as pd

from thinsection.errors import InputError
from thinsection.runs import Run

BEST = "best"


def chosen(models: pd.DataFrame, select: str, rope: float) -> pd.Series:
    """
    The row of models.csv that ``select`` names.

    ``best`` is the model whose accuracy is highest at the lower end of its interval: the one that
    can be relied on for most. Those at most ``rope`` below it are as good for practical
    purposes; of them the one of the fewest parameters is taken, which costs its users least.

    Raises
    ------
    InputError
        If there is no such model.
    """
    if select == BEST:
        as_good = models[models["ca_low"] >= models["ca_low"].max() - rope]
        return as_good.sort_values(["n_parameters", "model"], kind="stable").iloc[0]
    found = models[models["model"] == select]
    if found.empty:
        raise InputError(
            f"params.yaml: final.select is {select!r}; allowed: {BEST}, or one of the models that "
            f"were compared: {', '.join(models['model'])}. Correct it, or add the model to the "
            "comparison."
        )
    return found.iloc[0]


def run_of(row: pd.Series) -> Run:
    """The run of a row of models.csv."""
    return Run(str(row["family"]), str(row["name"]))
