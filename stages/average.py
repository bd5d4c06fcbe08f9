"""Stage average: the mean of the probabilities of a family's runs (data/runs/average/<family>)."""

from thinsection.base.places import FOLDS_FILE
from thinsection.base.tables import FOLDS, read_table
from thinsection.console.stage import run
from thinsection.dataset.packed import read_dataset
from thinsection.evidence.average import average_of
from thinsection.evidence.runs import folds_by_photo
from thinsection.families.run import Run
from thinsection.params import load_params


def main(family: str) -> None:
    """Average the out-of-fold predictions of a family."""
    average, photos = Run("average", family), read_dataset()
    fold_of = folds_by_photo(photos, read_table(FOLDS_FILE, FOLDS))
    found = average_of(average, load_params().members(average), photos, fold_of)
    found.write(average.folder())


if __name__ == "__main__":
    run(main)
