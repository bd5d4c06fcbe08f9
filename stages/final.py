"""Stage final: the chosen model, fitted on all photos (models/final), for prediction."""

from thinsection.base.files import hash_of, read_json, writing_folder
from thinsection.base.places import (
    DEEP_RANGES,
    FINAL_FOLDER,
    FOLDS_FILE,
    INGESTED,
    OTHERS,
    TURNED,
    table_file,
)
from thinsection.base.tables import FOLDS, read_table
from thinsection.console.stage import log_cost, run
from thinsection.dataset.packed import read_dataset
from thinsection.evidence.choice import chosen, expected_accuracy, run_of
from thinsection.evidence.result_tables import MODELS, SELECTION
from thinsection.evidence.runs import folds_by_photo, read_run
from thinsection.final.fitting import whole
from thinsection.final.others import read_others
from thinsection.learning.environment import check_environment
from thinsection.learning.examples.examples import read_examples
from thinsection.params import load_params


def main() -> None:
    """Choose the model, fit it, write its folder."""
    # Imported here: it loads PyTorch, for which `run` prepares.
    from thinsection.final.write import Chosen, write_final

    params = load_params()
    check_environment(params.compute)
    models = read_table(table_file("models"), MODELS)
    row = chosen(models, params.final.select, params.evidence.rope)
    selection = read_table(table_file("selection"), SELECTION)
    expected = expected_accuracy(row, selection, params.final.select)
    photos = read_dataset()
    folds = folds_by_photo(photos, read_table(FOLDS_FILE, FOLDS))
    result = read_run(run_of(row), photos, folds)
    examples = read_examples(photos, params.family_settings(params.members(result.run)[0].family))
    data = [INGESTED / "photos.csv", INGESTED / "pixels.npy", FOLDS_FILE]
    hashes = {path.as_posix(): hash_of(path) for path in data}
    ranges = read_json(DEEP_RANGES) if params.ingest.deep_photos == "dataset" else {}
    turned = read_json(TURNED)["turned"] if TURNED.exists() else None
    height, width = photos.pixels.shape[1:3]
    others = read_others(OTHERS, height, width, params.ingest, photos.classes)
    fold = whole(len(photos.table), params.split.folds)
    with writing_folder(FINAL_FOLDER) as folder, log_cost("final"):
        chosen_model = Chosen(row, expected, result)
        found = write_final(
            folder, chosen_model, examples, fold, folds,
            data=hashes, params=params, deep_ranges=ranges, turned=turned, others=others,
        )  # fmt: skip
    print(
        f"{FINAL_FOLDER}: {found['title']}, expected accuracy on new specimens {found['ca']:.3f} "
        f"({found['ca_low']:.3f} to {found['ca_high']:.3f}); its README.md describes the model"
    )


if __name__ == "__main__":
    run(main)
