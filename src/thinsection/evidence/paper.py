"""The replicated study (Dell'Aversana 2021): its families, and its tables next to ours."""

from pathlib import Path

import pandas as pd
from scipy import stats

from thinsection.base.tables import read_table
from thinsection.evidence.result_tables import PAPER_INDEXES, PAPER_TABLE, PAPER_TREND
from thinsection.evidence.statistics import wilson_interval

PAPER_FOLDER = Path("data/paper")
# Table -> number of photos, inferred: every CA in the table is a whole number divided by it.
PAPER_N_PHOTOS = {1: 108, 2: 108, 3: 95}
PAPER_FAMILIES = ("fcnn", "resnet", "baseline")  # the families that it compared
PAPER_SWEEP = "fcnn"  # the family of its Table 2 and Figures 2 to 4
PAPER_NETWORKS = "resnet"  # the family of its Figures 5 to 8


def paper_table(
    models: pd.DataFrame, confidence: float, folder: Path = PAPER_FOLDER
) -> pd.DataFrame:
    """paper.csv: the paper's Tables 1 to 3 next to ours; Wilson intervals of the paper's CA."""
    ours = models.set_index("model")
    rows = []
    for table, n_photos in PAPER_N_PHOTOS.items():
        for theirs in read_table(folder / f"table{table}.csv", PAPER_TABLE).to_dict("records"):
            mine = ours.reindex([theirs["model"]]).iloc[0]
            low, high = wilson_interval(theirs["ca"] * n_photos, n_photos, confidence)
            rows.append(
                {
                    "table": table,
                    "model": theirs["model"],
                    "n_photos_paper": n_photos,
                    "n_photos": int(models["n_photos"].iloc[0]),
                }
                | {f"{index}_paper": theirs[index] for index in PAPER_INDEXES}
                | {index: mine[index] for index in PAPER_INDEXES}
                | {"ca_paper_low": low, "ca_paper_high": high}
                | {"ca_low": mine["ca_low"], "ca_high": mine["ca_high"]}
            )
    return pd.DataFrame(rows)


def paper_trend(
    depth: pd.DataFrame, n_specimens: int, confidence: float, folder: Path = PAPER_FOLDER
) -> pd.DataFrame:
    """
    paper_trend.csv: the line through the indexes of the paper's Table 2 against depth, next to ours.

    Least squares over its eleven depths, one training each; the p-value is that of Student's t of the
    slope. ``n_specimens`` says how many specimens, each depth trained as often as here, would find its
    slope with a power of 80 % in a test at 5 %: the variance of our slope falls with their number.

    Parameters
    ----------
    depth : depth.csv
    n_specimens : of this data set
    """
    table = read_table(folder / "table2.csv", PAPER_TABLE)
    tens = table["model"].str.removeprefix(f"{PAPER_SWEEP}-").astype(int) / 10
    ours = depth[depth["family"] == PAPER_SWEEP].set_index("index")
    both_ends = stats.norm.ppf(0.5 + confidence / 2) * 2
    rows = []
    for index in ("auc", "ca", "f1"):
        line = stats.linregress(tens, table[index])
        row = {"index": index, "slope_paper": line.slope, "error_paper": line.stderr,
               "p_paper": line.pvalue}  # fmt: skip
        if index in ours.index:
            mine = ours.loc[index]
            error = (mine["high"] - mine["low"]) / both_ends
            wanted = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
            needed = n_specimens * (wanted * error / line.slope) ** 2
            row |= {name: mine[name] for name in ("slope", "low", "high")} | {"n_specimens": needed}
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=list(PAPER_TREND.columns))
