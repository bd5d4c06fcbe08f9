"""Stage learning_curve: the best classifiers on parts of the training specimens."""

import json

from thinsection.base.files import writing_folder
from thinsection.base.places import BEST_FILE, LEARNING_CURVE_FOLDER
from thinsection.console.stage import log_cost, run
from thinsection.dataset.folds import read_folds
from thinsection.dataset.packed import read_dataset, read_variants
from thinsection.examples.examples import Examples
from thinsection.experiments.learning_curve import predict_on_shares, write_shares
from thinsection.families import FAMILIES
from thinsection.params import load_params


def main() -> None:
    """Train the best FCNN and the best baseline, and the best ResNet where params.yaml says so."""
    params = load_params()
    photos = read_dataset()
    best = json.loads(BEST_FILE.read_text(encoding="utf-8"))
    wanted = {"fcnn", "baseline"} | ({"resnet"} if params.evidence.learning_curve_resnet else set())
    folds = read_folds(photos.table)
    with writing_folder(LEARNING_CURVE_FOLDER) as folder, log_cost("learning_curve"):
        write_shares(folds, photos.table, params, folder)
        for name in sorted(wanted & best.keys()):
            family = FAMILIES[name]
            variants = read_variants(photos) if family.stored_variants else None
            examples = Examples(photos, variants)
            predict_on_shares(
                family.load(),
                **best[name],
                examples=examples,
                folds=folds,
                params=params,
                folder=folder,
            )


if __name__ == "__main__":
    run(main)
