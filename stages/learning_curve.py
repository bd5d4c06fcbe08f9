"""Stage learning_curve: the best models on parts of the training specimens."""

from pathlib import Path

from thinsection.aggregate import best_of_families
from thinsection.dataset import read_dataset, read_variants
from thinsection.examples import Examples
from thinsection.files import writing_folder
from thinsection.folds import read_folds
from thinsection.learning_curve import predict_on_shares, write_shares
from thinsection.models import FAMILIES
from thinsection.other_splits import LEARNING_CURVE_FOLDER
from thinsection.params import load_params
from thinsection.runs import named_runs, read_study
from thinsection.stage import log_cost, run
from thinsection.tables import FOLDS, read_table


def main() -> None:
    """Train the best FCNN and the best baseline, and the best ResNet where params.yaml says so."""
    params = load_params()
    photos = read_dataset()
    study = read_study(named_runs(params), photos, read_table(Path("data/folds.csv"), FOLDS))
    wanted = {"fcnn", "baseline"} | ({"resnet"} if params.evidence.learning_curve_resnet else set())
    folds = read_folds(photos.table)
    with writing_folder(LEARNING_CURVE_FOLDER) as folder, log_cost("learning_curve"):
        write_shares(folds, photos.table, params, folder)
        for name, model in best_of_families(study).items():
            if name in wanted:
                family, best = FAMILIES[name], study.result(model).run
                variants = read_variants(photos) if family.stored_variants else None
                examples = Examples(photos, variants)
                predict_on_shares(family.load(), model, best.name, examples, folds, params, folder)


if __name__ == "__main__":
    run(main)
