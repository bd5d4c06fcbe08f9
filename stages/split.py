"""Stage split: assigns photos to folds (data/folds.csv)."""

from thinsection.base.places import FOLDS_FILE, INGESTED
from thinsection.base.tables import FOLDS, PHOTOS, read_table, write_table
from thinsection.console.stage import run
from thinsection.dataset.folds import assign_folds
from thinsection.params import load_params


def main() -> None:
    """Assign every photo to a fold in each repeat."""
    params = load_params()
    photos = read_table(INGESTED / "photos.csv", PHOTOS)
    split = params.split
    folds = assign_folds(photos, split.scheme, split.folds, split.repeats, params.seed)
    write_table(folds, FOLDS_FILE, FOLDS)


if __name__ == "__main__":
    run(main)
