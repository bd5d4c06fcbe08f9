"""Which model is taken away."""

import pandas as pd

from thinsection.errors import InputError
from thinsection.runs import Run

BEST = "best"


def chosen(models: pd.DataFrame, select: str) -> pd.Series:
    """
    The row of models.csv that ``select`` names.

    ``best`` is the model whose accuracy is highest at the lower end of its interval: the one that
    can be relied on for most. Among equals the one of fewer parameters.

    Raises
    ------
    InputError
        If there is no such model.
    """
    if select == BEST:
        order = ["ca_low", "n_parameters", "model"]
        return models.sort_values(order, ascending=[False, True, True], kind="stable").iloc[0]
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
