"""The summary of ingestion on the terminal."""

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from thinsection.ingest.survey import Survey

SHOWN = 5  # files shown for each kind; the tables list all


def print_summary(found: Survey) -> None:
    """Classes, samples, rejected files and warnings, a few of each kind."""
    console = Console(soft_wrap=True)
    classes = Table("class", "photos", "samples", "groups", "specimens known", title="Photos used")
    for label, photos in found.photos.groupby("label"):
        known = int((photos["specimen"] != "").sum())
        counts = [len(photos), photos["sample"].nunique(), photos["group"].nunique(), known]
        classes.add_row(escape(str(label)), *map(str, counts))
    console.print(classes)
    for line in found.told:
        console.print(escape(line), highlight=False)
    reasons = found.rejected["reason"]
    kinds = [reason.partition(":")[0] for reason in reasons]
    _print_kinds(console, "Rejected", found.rejected.assign(kind=kinds, detail=reasons))
    _print_kinds(console, "Warnings", found.warnings)


def _print_kinds(console: Console, title: str, rows: pd.DataFrame) -> None:
    if rows.empty:
        console.print(f"{title}: none")
        return
    table = Table("kind", "n", "for example", title=f"{title} ({len(rows)})")
    for kind, members in rows.groupby("kind", sort=True):
        examples = [
            ": ".join(filter(None, (row["file"], row["detail"])))
            for row in members.head(SHOWN).to_dict("records")
        ]
        table.add_row(str(kind), str(len(members)), escape("\n".join(examples)))
    console.print(table)
