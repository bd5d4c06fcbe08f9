"""Stage leakage: one cheap model under a random and a grouped split (data/leakage)."""

from thinsection.base.files import writing_folder
from thinsection.base.places import LEAKAGE_FOLDER
from thinsection.console.stage import run
from thinsection.dataset.packed import read_dataset
from thinsection.experiments.leakage import predict_both_ways
from thinsection.learning.examples.examples import read_examples
from thinsection.params import load_params


def main() -> None:
    """Train the model with both splits and write its out-of-fold predictions."""
    params = load_params()
    settings, evidence = params.fit_settings("baseline"), params.evidence
    examples = read_examples(read_dataset(), settings.own, with_variants=False)
    with writing_folder(LEAKAGE_FOLDER) as folder:
        predict_both_ways(
            evidence.leakage_model,
            examples,
            settings,
            params.split.folds,
            evidence.leakage_repeats,
            folder,
        )


if __name__ == "__main__":
    run(main)
