"""What all lights of a sample add to one."""

import pandas as pd

from thinsection.dataset.extinction import BRIGHTEST, ONE_ANGLE
from thinsection.report.evidence import Evidence
from thinsection.report.sentences.ranking import SIGNIFICANT
from thinsection.report.wording import (
    capital,
    counted,
    in_words,
    percent,
    signed_interval,
)

ALONE = {
    "ppl": "in ppl",
    "xpl": "in xpl",
    BRIGHTEST: "by the photo of their brightest angles",
    "": "in an unknown light",
}


def lights(evidence: Evidence) -> list[str]:
    """What all lights of a sample add to one, in a few sentences; none where there is one light."""
    table = evidence["lights"]
    if table.empty:
        return []
    by_light = table.pivot(index="model", columns="light", values="ca")
    rows = table.set_index(["model", "light"])
    first = next(m for m in evidence.ranking["model"] if m in by_light.index)
    title = capital(evidence.titles[first])
    n = int(table["n_samples"].iloc[0])
    alone = by_light.drop(columns=["together", ONE_ANGLE], errors="ignore")
    found = []
    if alone.shape[1]:
        row = rows.loc[(first, alone.loc[first].idxmax())]
        found.append(
            f"{title} names {percent(by_light.loc[first, 'together'])} of the {n} samples that were "
            "seen in all lights, and "
            + " and ".join(
                f"{percent(value)} of the same samples {ALONE[light]} alone"
                for light, value in alone.loc[first].items()
            )
            + f"; all lights add {signed_interval(row['gain'], row['gain_low'], row['gain_high'])} to "
            "the better one."
        )
        found.append(_on_average(by_light, alone.max(axis=1), "the better light alone"))
    if ONE_ANGLE in by_light:
        row = rows.loc[(first, ONE_ANGLE)]
        found.append(
            f"At one angle of the stage, {evidence.titles[first]} names {percent(row['ca'])} of them; the "
            f"other angles add {signed_interval(row['gain'], row['gain_low'], row['gain_high'])}."
        )
        found.append(_on_average(by_light, by_light[ONE_ANGLE], "one angle"))
    compared = table[table["light"] != "together"]
    real = int(((compared["p_holm"] < SIGNIFICANT) & (compared["gain"] > 0)).sum())
    found.append(
        f"Of the {len(compared)} gains in the table, "
        + (f"{real} are" if real > 1 else "one is" if real else "none is")
        + " significant after correction for their number (Holm)."
    )
    worse = by_light.index[by_light["together"] < alone.max(axis=1) - 1e-9]
    if len(worse) and alone.shape[1]:
        names = in_words([evidence.titles[m] for m in evidence.ranking["model"] if m in set(worse)])
        found.append(f"Less accurate together than in their better light: {names}.")
    return found


def _on_average(by_light: pd.DataFrame, other: pd.Series, what: str) -> str:
    mean = float((by_light["together"] - other).mean())
    return (
        f"On average of {counted(len(by_light), 'classifier')}, all photos together are "
        f"{abs(mean):.2f} {'above' if mean >= 0 else 'below'} {what}."
    )
