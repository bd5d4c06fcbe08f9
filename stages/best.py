"""Stage best: the best classifier of each family (data/best.json), for further experiments."""

from thinsection.base.files import write_json
from thinsection.base.places import BEST_FILE, FOLDS_FILE
from thinsection.base.tables import FOLDS, read_table
from thinsection.console.stage import run
from thinsection.dataset.packed import read_dataset
from thinsection.evidence.ranking import best_of_families
from thinsection.evidence.runs import delete_unnamed_runs, read_study
from thinsection.params import load_params


def main() -> None:
    """Rank the runs, after removing those that params.yaml no longer lists."""
    runs = load_params().runs
    delete_unnamed_runs(runs)
    study = read_study(runs, read_dataset(), read_table(FOLDS_FILE, FOLDS))
    best = {
        family: {"model": model, "name": study.result(model).run.name, "place": place}
        for place, (family, model) in enumerate(best_of_families(study).items(), start=1)
    }
    write_json(best, BEST_FILE)


if __name__ == "__main__":
    run(main)
