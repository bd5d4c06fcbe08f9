"""Stage of a family: cross-validates one classifier (data/runs/<family>/<name>)."""

from thinsection.base.places import RUNS
from thinsection.console.stage import log_cost, run
from thinsection.dataset.folds import read_folds
from thinsection.dataset.packed import read_dataset
from thinsection.families import FAMILIES
from thinsection.learning.checkpoints import NOT_KEPT, checkpoint_of
from thinsection.learning.crossval import cross_validate
from thinsection.learning.environment import check_environment
from thinsection.learning.examples.examples import read_examples
from thinsection.params import load_params


def main(family_name: str, name: str) -> None:
    """Fit run ``name`` of a family on every fold and write its out-of-fold predictions."""
    params = load_params()
    check_environment(params.compute)
    family, settings = FAMILIES[family_name], params.fit_settings(family_name)
    photos = read_dataset()
    examples = read_examples(photos, settings.own)
    folds = read_folds(photos.table)
    fit_folds = family.fit_folds()  # imported first, as the key includes the loaded code
    model = f"{family_name}-{name}"
    checkpoint = NOT_KEPT
    if family.keeps_state:
        checkpoint = checkpoint_of(model, settings, examples, folds)
    with log_cost(model):
        result = cross_validate(fit_folds, name, examples, folds, settings, checkpoint)
    result.write(RUNS / family_name / name)
    checkpoint.remove()


if __name__ == "__main__":
    run(main)
