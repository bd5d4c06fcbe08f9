"""Stage aggregate: computes metrics/ from the out-of-fold predictions of all runs."""

from thinsection.base.files import write_json, writing_folder
from thinsection.base.places import FOLDS_FILE, METRICS_FOLDER, TABLES_FOLDER
from thinsection.base.tables import FOLDS, read_table, write_table
from thinsection.console.stage import run
from thinsection.dataset.packed import read_dataset
from thinsection.evidence.aggregate import evidence_tables, model_indexes, summary
from thinsection.evidence.ranking import best_of_families
from thinsection.evidence.runs import read_study
from thinsection.learning.examples.features import read_features
from thinsection.params import load_params


def main() -> None:
    """Read the runs, compute the tables, write them."""
    params = load_params()
    study = read_study(params.runs, read_dataset(), read_table(FOLDS_FILE, FOLDS))
    features = read_features("colour_texture", with_variants=False).x[study.dataset.first_photos]
    found = evidence_tables(study, features, params.evidence, params.seed)
    drawn = {name: table for name, table in found.items() if name.startswith("plots/")}
    with writing_folder(METRICS_FOLDER / "plots") as folder:
        for name, (frame, table) in drawn.items():
            write_table(frame, folder / f"{name.removeprefix('plots/')}.csv", table)
    with writing_folder(TABLES_FOLDER) as folder:
        for name in found.keys() - drawn.keys():
            write_table(found[name][0], folder / f"{name}.csv", found[name][1])
    best = next(iter(best_of_families(study).values()))
    numbers = summary({name: frame for name, (frame, _) in found.items()}, best)
    write_json(numbers, METRICS_FOLDER / "summary.json")
    with writing_folder(METRICS_FOLDER / "indexes") as folder:
        for model, indexes in model_indexes(found["models"][0]).items():
            write_json(indexes, folder / f"{model}.json")


if __name__ == "__main__":
    run(main)
