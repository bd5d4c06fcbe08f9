"""Stage aggregate: out-of-fold predictions of all runs -> metrics/."""

import json
from pathlib import Path

from thinsection import aggregate, plot_tables, stage, tables
from thinsection.dataset import read_dataset
from thinsection.files import writing
from thinsection.params import load_params
from thinsection.runs import delete_unnamed_runs, named_runs, read_study
from thinsection.seeds import generator
from thinsection.tables import FOLDS, read_table, write_table

METRICS = Path("metrics")


def main() -> None:
    """Read, compute, write."""
    params = load_params()
    evidence = params.evidence
    runs = named_runs(params)
    delete_unnamed_runs(runs)
    study = read_study(runs, read_dataset(), read_table(Path("data/folds.csv"), FOLDS))

    rng = generator(params.seed, "evidence", "bootstrap")
    estimates = aggregate.estimate(study, evidence.bootstrap_draws, rng)
    models = aggregate.models_table(study, estimates, evidence)
    rng = generator(params.seed, "evidence", "sign flips")
    comparisons = aggregate.comparisons_table(study, estimates, evidence, rng)
    best = aggregate.best_model(models)

    for name, frame, table in [
        ("models", models, tables.MODELS),
        ("comparisons", comparisons, tables.COMPARISONS),
        ("per_class", aggregate.per_class_table(study), tables.PER_CLASS),
        ("confusion", aggregate.confusion_table(study), tables.CONFUSION_COUNTS),
        ("paper", aggregate.paper_table(models, evidence.confidence), tables.PAPER),
        ("left_out", study.left_out, tables.LEFT_OUT),
        ("plots/confusion", plot_tables.confusion_rows(study, best), tables.CONFUSION_ROWS),
        ("plots/roc", plot_tables.roc_curves(study), tables.ROC),
        ("plots/learning_curves", plot_tables.learning_curves(study), tables.LEARNING_CURVES),
        ("plots/depth_sweep", plot_tables.depth_sweep(models), tables.DEPTH_SWEEP),
        ("plots/gradients", plot_tables.gradient_norms(study), tables.GRADIENT_NORMS),
    ]:
        write_table(frame, METRICS / f"{name}.csv", table)
    with writing(METRICS / "summary.json") as partial:
        text = json.dumps(aggregate.summary(models), indent=2, sort_keys=True)
        partial.write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    stage.run(main)
