"""Stage aggregate: out-of-fold predictions of all runs -> metrics/."""

import json
from pathlib import Path

from thinsection.aggregate import best_of_families, evidence_tables, summary
from thinsection.dataset import read_dataset
from thinsection.files import writing
from thinsection.params import load_params
from thinsection.runs import delete_unnamed_runs, named_runs, read_study
from thinsection.stage import run
from thinsection.tables import FOLDS, read_table, write_table

METRICS = Path("metrics")


def main() -> None:
    """Read, compute, write."""
    params = load_params()
    runs = named_runs(params)
    delete_unnamed_runs(runs)
    study = read_study(runs, read_dataset(), read_table(Path("data/folds.csv"), FOLDS))
    found = evidence_tables(study, params)
    for name, (frame, table) in found.items():
        write_table(frame, METRICS / f"{name}.csv", table)
    best = next(iter(best_of_families(study).values()))
    numbers = summary({name: frame for name, (frame, _) in found.items()}, best)
    with writing(METRICS / "summary.json") as partial:
        text = json.dumps(numbers, indent=2, sort_keys=True, allow_nan=False)
        partial.write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    run(main)
