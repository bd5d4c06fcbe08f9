"""Where the stages write their outputs, for the other stages to read."""

from pathlib import Path

PLAN = Path("data/plan")  # the content of params.yaml, in the parts that stages depend on
DEMO = Path("data/demo")
INGESTED = Path("data/ingested")
AUGMENTED = Path("data/augmented")
FEATURES = Path("data/features")  # one folder for each kind
FOLDS_FILE = Path("data/folds.csv")
RUNS = Path("data/runs")
BEST_FILE = Path("data/best.json")
LEAKAGE_FOLDER = Path("data/leakage")
LEARNING_CURVE_FOLDER = Path("data/learning_curve")
METRICS_FOLDER = Path("metrics")
TABLES_FOLDER = Path("metrics/tables")
FINAL_FOLDER = Path("models/final")

SPLITS = ("random", "grouped")  # the two splits of the leakage stage, one file each


def table_file(name: str) -> Path:
    """
    The path of a table of the evidence, by its name, e.g. ``models`` or ``plots/roc``.

    The tables that ``dvc plots`` draws have their own folder.
    """
    return (METRICS_FOLDER if name.startswith("plots/") else TABLES_FOLDER) / f"{name}.csv"


def curve_file(folder: Path, model: str, share: float) -> Path:
    """The path of the predictions of a model trained on a share of the specimens."""
    return folder / model / f"{round(100 * share):03d}.csv"
