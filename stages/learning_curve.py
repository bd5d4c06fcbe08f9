"""Stage learning_curve: the best classifiers on parts of the training specimens."""

import json

from thinsection.base.files import writing_folder
from thinsection.base.places import BEST_FILE, LEARNING_CURVE_FOLDER
from thinsection.console.stage import log_cost, run
from thinsection.dataset.folds import read_folds
from thinsection.dataset.packed import read_dataset
from thinsection.experiments.learning_curve import predict_on_shares, write_shares
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.learning.examples.examples import read_examples
from thinsection.params import load_params


def main() -> None:
    """Train the best classifier of each family; slow families only if params.yaml says so."""
    params = load_params()
    photos = read_dataset()
    best = json.loads(BEST_FILE.read_text(encoding="utf-8"))
    shares = params.evidence.learning_curve_shares
    folds = read_folds(photos.table)
    with writing_folder(LEARNING_CURVE_FOLDER) as folder, log_cost("learning_curve"):
        write_shares(folds, photos.table, shares, params.seed, folder)
        for key, family in FAMILIES.items():
            wanted = family.learning_curve == "always" or params.evidence.learning_curve_resnet
            if key not in best or not wanted:
                continue
            settings = params.fit_settings(key)
            examples = read_examples(photos, settings.own)
            run_of_family = Run(key, best[key]["name"])
            predict_on_shares(run_of_family, examples, folds, shares, settings, folder)


if __name__ == "__main__":
    run(main)
