"""Stage split: assigns photos to folds (data/folds.csv)."""

from thinsection.base.places import FOLDS_FILE, INGESTED
from thinsection.base.tables import FOLDS, PHOTOS, read_table, write_table
from thinsection.console.stage import run
from thinsection.dataset.folds import as_folds, assign_folds
from thinsection.dataset.samples import samples_of
from thinsection.dataset.shortages import shortages
from thinsection.params import load_params


def main() -> None:
    """Assign every photo its fold, and say what there are too few specimens for."""
    params = load_params()
    photos = read_table(INGESTED / "photos.csv", PHOTOS)
    samples, _ = samples_of(photos)
    split = params.split
    folds = assign_folds(samples, split.scheme, split.folds, split.repeats, params.seed)
    write_table(folds, FOLDS_FILE, FOLDS)
    shares = params.evidence.learning_curve_shares
    trainings = as_folds(folds, samples)
    for problem in shortages(samples, trainings, params.early_stopping, shares, params.seed):
        print(f"WARNING: {problem}")


if __name__ == "__main__":
    run(main)
