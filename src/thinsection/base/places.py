"""Where the stages write their outputs, for the other stages to read."""

from decimal import Decimal
from pathlib import Path

PLAN = Path("data/plan")  # the content of params.yaml, in the parts that stages depend on
ENVIRONMENT = Path("data/environment.json")  # which one compute.same_environment requires
DEMO = Path("data/demo")
OTHERS = Path("data/others")  # photos of minerals that the demo lacks
INGESTED = Path("data/ingested")
DEEP_RANGES = INGESTED / "deep_ranges.json"  # only where ingest.deep_photos is dataset
TURNED = INGESTED / "turned.json"  # how photos at several angles were turned, where it matters
AUGMENTED = Path("data/augmented")
FEATURES = Path("data/features")  # one folder for each kind
FOLDS_FILE = Path("data/folds.csv")
RUNS = Path("data/runs")
BEST_FILE = Path("data/best.json")
FOR_LEAKAGE_FILE = Path("data/for_leakage.json")  # the classifier of the stage leakage
LEAKAGE_FOLDER = Path("data/leakage")
LEARNING_CURVE_FOLDER = Path("data/learning_curve")
METRICS_FOLDER = Path("metrics")
TABLES_FOLDER = Path("metrics/tables")
FINAL_FOLDER = Path("models/final")

SPLITS = ("random", "grouped")  # the two splits of the leakage stage, one file each
TESTED = "tested.json"  # beside them: the model


def table_file(name: str) -> Path:
    """
    The path of a table of the evidence, by its name, e.g. ``models`` or ``plots/roc``.

    The tables that ``dvc plots`` draws have their own folder.
    """
    return (METRICS_FOLDER if name.startswith("plots/") else TABLES_FOLDER) / f"{name}.csv"


def curve_file(folder: Path, model: str, share: float) -> Path:
    """
    Where the predictions of a model trained on a share of the specimens lie.

    Named by the digits of the share, two decimals at least, so that no two shares have one file:
    025.csv of 0.25, 050.csv of 0.5, 0254.csv of 0.254.
    """
    ones, decimals = f"{Decimal(repr(float(share))):f}".split(".")
    return folder / model / f"{ones}{decimals:0<2}.csv"
