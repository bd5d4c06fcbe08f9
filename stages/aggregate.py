"""Stage aggregate: out-of-fold predictions of all runs -> metrics/."""

import json

from thinsection.aggregate import best_of_families, evidence_tables, summary
from thinsection.dataset import read_dataset
from thinsection.files import writing
from thinsection.params import load_params
from thinsection.places import FOLDS_FILE, METRICS_FOLDER
from thinsection.runs import named_runs, read_study
from thinsection.stage import run
from thinsection.tables import FOLDS, read_table, write_table


def main() -> None:
    """Read, compute, write."""
    params = load_params()
    study = read_study(named_runs(params), read_dataset(), read_table(FOLDS_FILE, FOLDS))
    found = evidence_tables(study, params)
    for name, (frame, table) in found.items():
        write_table(frame, METRICS_FOLDER / f"{name}.csv", table)
    best = next(iter(best_of_families(study).values()))
    numbers = summary({name: frame for name, (frame, _) in found.items()}, best)
    with writing(METRICS_FOLDER / "summary.json") as partial:
        text = json.dumps(numbers, indent=2, sort_keys=True, allow_nan=False)
        partial.write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    run(main)
