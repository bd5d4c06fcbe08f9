"""Stage final: the chosen model, fitted on all photos (models/final), to be used and taken away."""

from thinsection.dataset import read_dataset, read_variants
from thinsection.examples import Examples
from thinsection.files import hash_of, writing_folder
from thinsection.final.choice import chosen, expected_accuracy, run_of
from thinsection.final.taking_away import write_final
from thinsection.models import FAMILIES
from thinsection.models.final import whole
from thinsection.params import load_params
from thinsection.places import FINAL_FOLDER, FOLDS_FILE, INGESTED, METRICS_FOLDER
from thinsection.result_tables import MODELS, SELECTION
from thinsection.runs import folds_by_photo, read_run
from thinsection.stage import log_cost, run
from thinsection.tables import FOLDS, read_table


def main() -> None:
    """Choose, fit, write."""
    params = load_params()
    models = read_table(METRICS_FOLDER / "models.csv", MODELS)
    row = chosen(models, params.final.select, params.evidence.rope)
    selection = read_table(METRICS_FOLDER / "selection.csv", SELECTION)
    expected = expected_accuracy(row, selection, params.final.select)
    photos = read_dataset()
    folds = folds_by_photo(photos, read_table(FOLDS_FILE, FOLDS))
    result = read_run(run_of(row), photos, folds)
    variants = read_variants(photos) if FAMILIES[result.run.family].stored_variants else None
    data = [INGESTED / "photos.csv", INGESTED / "pixels.npy", FOLDS_FILE]
    hashes = {path.as_posix(): hash_of(path) for path in data}
    fold = whole(len(photos.table), params.split.folds)
    examples = Examples(photos, variants)
    with writing_folder(FINAL_FOLDER) as folder, log_cost("final"):
        found = write_final(folder, row, expected, result, examples, fold, folds, hashes, params)
    print(
        f"{FINAL_FOLDER}: {found['title']}, accuracy {found['ca']:.3f} "
        f"({found['ca_low']:.3f} to {found['ca_high']:.3f}) to expect on specimens not seen; "
        f"its README.md says what it is for"
    )


if __name__ == "__main__":
    run(main)
