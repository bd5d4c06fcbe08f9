"""Stage best: the best classifier of each family (data/best.json), for what is tried on it alone."""

from thinsection.dataset import read_dataset
from thinsection.files import write_json
from thinsection.params import load_params
from thinsection.places import BEST_FILE, FOLDS_FILE
from thinsection.ranking import best_of_families
from thinsection.runs import delete_unnamed_runs, named_runs, read_study
from thinsection.stage import run
from thinsection.tables import FOLDS, read_table


def main() -> None:
    """Rank the runs; those that params.yaml names no more are removed first."""
    runs = named_runs(load_params())
    delete_unnamed_runs(runs)
    study = read_study(runs, read_dataset(), read_table(FOLDS_FILE, FOLDS))
    best = {
        family: {"model": model, "name": study.result(model).run.name}
        for family, model in best_of_families(study).items()
    }
    write_json(best, BEST_FILE)


if __name__ == "__main__":
    run(main)
