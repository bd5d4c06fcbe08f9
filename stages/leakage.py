"""Stage leakage: one classifier under a random and a grouped split (data/leakage)."""

from thinsection.base.files import read_json, writing_folder
from thinsection.base.places import FOR_LEAKAGE_FILE, LEAKAGE_FOLDER
from thinsection.console.stage import log_cost, run
from thinsection.dataset.packed import read_dataset
from thinsection.experiments.leakage import predict_both_ways
from thinsection.families.run import Run
from thinsection.learning.examples.examples import read_examples
from thinsection.params import load_params


def main() -> None:
    """Train the classifier with both splits and write its out-of-fold predictions."""
    params = load_params()
    evidence = params.evidence
    tested = Run(**read_json(FOR_LEAKAGE_FILE))
    settings = params.fit_settings(tested.family)
    # a cheap one without variants, which would take longer than they are worth here
    with_variants = evidence.leakage_model == "best"
    examples = read_examples(read_dataset(), settings.own, with_variants=with_variants)
    with writing_folder(LEAKAGE_FOLDER) as folder, log_cost("leakage"):
        predict_both_ways(
            tested, examples, settings, params.split.folds, evidence.leakage_repeats, folder
        )


if __name__ == "__main__":
    run(main)
