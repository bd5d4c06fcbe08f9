"""Where the stages keep what they make, for each other."""

from pathlib import Path

INGESTED = Path("data/ingested")
AUGMENTED = Path("data/augmented")
FOLDS_FILE = Path("data/folds.csv")
RUNS = Path("data/runs")
BEST_FILE = Path("data/best.json")
LEAKAGE_FOLDER = Path("data/leakage")
LEARNING_CURVE_FOLDER = Path("data/learning_curve")
METRICS_FOLDER = Path("metrics")
FINAL_FOLDER = Path("models/final")

SPLITS = ("random", "grouped")  # the two ways of the leakage stage, a file each


def curve_file(folder: Path, model: str, share: float) -> Path:
    """Where the predictions of a model trained on a share of the specimens lie."""
    return folder / model / f"{round(100 * share):03d}.csv"
