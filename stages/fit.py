"""Stages fcnn, resnet and baseline: one classifier, cross-validated (data/runs/<family>/<name>)."""

from thinsection.base.places import RUNS
from thinsection.console.stage import log_cost, run
from thinsection.dataset.folds import read_folds
from thinsection.dataset.packed import read_dataset, read_variants
from thinsection.examples.examples import Examples
from thinsection.families import FAMILIES
from thinsection.learning.checkpoints import NOT_KEPT, checkpoint_of
from thinsection.learning.crossval import cross_validate
from thinsection.params import load_params


def main(family_name: str, name: str) -> None:
    """Fit run ``name`` of a family on every fold and keep its out-of-fold predictions."""
    params = load_params()
    family = FAMILIES[family_name]
    photos = read_dataset()
    examples = Examples(photos, read_variants(photos) if family.stored_variants else None)
    folds = read_folds(photos.table)
    fit_folds = family.load()  # before the key is made of the code that is loaded
    checkpoint = NOT_KEPT
    if family.keeps_state:
        checkpoint = checkpoint_of(family_name, name, params, examples, folds)
    with log_cost(f"{family_name}-{name}"):
        result = cross_validate(fit_folds, name, examples, folds, params, checkpoint)
    result.write(RUNS / family_name / name)
    checkpoint.remove()


run(main)
