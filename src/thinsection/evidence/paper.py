"""The replicated study (Dell'Aversana 2021): its families, and its tables next to ours."""

from pathlib import Path

import pandas as pd

from thinsection.base.tables import read_table
from thinsection.evidence.result_tables import PAPER_INDEXES, PAPER_TABLE
from thinsection.evidence.statistics import wilson_interval

PAPER_FOLDER = Path("data/paper")
# Table -> number of photos, inferred: every CA in the table is a whole number divided by it.
PAPER_N_PHOTOS = {2: 108, 3: 95}
PAPER_FAMILIES = ("fcnn", "resnet", "baseline")  # the families that it compared
PAPER_SWEEP = "fcnn"  # the family of its Table 2 and Figures 2 to 4
PAPER_NETWORKS = "resnet"  # the family of its Figures 5 to 8


def paper_table(
    models: pd.DataFrame, confidence: float, folder: Path = PAPER_FOLDER
) -> pd.DataFrame:
    """paper.csv: the paper's Tables 2 and 3 next to ours; Wilson intervals of the paper's CA."""
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
