"""Stage best: the best classifier of each family (data/best.json), and the one for leakage."""

from thinsection.base.files import write_json
from thinsection.base.places import BEST_FILE, FOLDS_FILE, FOR_LEAKAGE_FILE
from thinsection.base.tables import FOLDS, read_table
from thinsection.console.stage import run
from thinsection.dataset.packed import read_dataset
from thinsection.evidence.ranking import best_of_families, run_for_leakage
from thinsection.evidence.runs import delete_unnamed_runs, read_study
from thinsection.params import load_params


def main() -> None:
    """Rank the runs, after removing those that params.yaml no longer lists."""
    params = load_params()
    delete_unnamed_runs(params.runs)
    study = read_study(params.runs, read_dataset(), read_table(FOLDS_FILE, FOLDS))
    best = {family: study.result(model).run for family, model in best_of_families(study).items()}
    found = {family: {"model": run.model, "name": run.name} for family, run in best.items()}
    write_json(found, BEST_FILE)
    measured = run_for_leakage(params.evidence.leakage_model, best)
    write_json({"family": measured.family, "name": measured.name}, FOR_LEAKAGE_FILE)


if __name__ == "__main__":
    run(main)
