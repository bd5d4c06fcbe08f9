"""The columns of the tables in metrics/; no training depends on them."""

from thinsection.base.tables import Table
from thinsection.evidence.metrics import METRICS

PAPER_INDEXES = ("auc", "ca", "f1", "precision", "recall")
INDEXES = tuple(METRICS)
MODELS = Table(
    {"model": str, "family": str, "name": str, "n_parameters": int, "n_photos": int}
    | {f"{index}{end}": float for index in INDEXES for end in ("", "_low", "_high")},
    key=("model",),
)
SELECTION = Table(
    {"model": str, "n_models": int}
    | dict.fromkeys(("ca", "expected", "expected_low", "expected_high"), float),
    key=("model",),
)
COMPARISONS = Table(
    {
        "model_a": str,
        "model_b": str,
        "index": str,
        "difference": float,
        "low": float,
        "high": float,
        "p_value": float,
        "test": str,
        "p_holm": float,
    },
    key=("model_a", "model_b", "index", "test"),
)
PRACTICAL = Table(
    {"model_a": str, "model_b": str}
    | dict.fromkeys(("p_a_better", "p_equivalent", "p_b_better"), float),
    key=("model_a", "model_b"),
)
DEPTH = Table(
    {"family": str, "index": str, "unit": str, "n_models": int}
    | dict.fromkeys(("slope", "low", "high", "p_corrected_t", "p_page_falls"), float),
    key=("family", "index"),
)
LEAKAGE = Table(
    {"index": str, "model": str, "n_photos": int, "n_groups": int, "n_repeats": int}
    | {
        f"{what}{end}": float
        for what in ("random", "grouped", "gap")
        for end in ("", "_low", "_high")
    },
    key=("index",),
)
TRAINING_SHARES = Table(
    {"model": str, "share": float, "n_specimens": float}
    | dict.fromkeys(("gain", "gain_low", "gain_high"), float)
    | {f"{index}{end}": float for index in INDEXES for end in ("", "_low", "_high")},
    key=("model", "share"),
)
SPECIMENS = Table(
    {
        "specimen": str,
        "label": str,
        "n_photos": int,
        "right": float,
        "right_of_all": float,
        "mostly_named": str,
    },
    key=("specimen", "label"),
)
LIGHTS = Table(
    {"model": str, "family": str, "light": str, "n_samples": int}
    | dict.fromkeys(("ca", "ca_low", "ca_high", "auc", "f1", "balanced"), float)
    | dict.fromkeys(("gain", "gain_low", "gain_high", "p_value", "p_holm"), float),
    key=("model", "light"),
)
LIGHTS_PER_CLASS = Table(
    {"model": str, "light": str, "label": str, "n_samples": int, "recall": float},
    key=("model", "light", "label"),
)
CALIBRATION = Table(
    {"model": str}
    | dict.fromkeys(("ece", "log_loss", "ece_scaled", "log_loss_scaled", "temperature"), float),
    key=("model",),
)
RELIABILITY = Table(
    {"model": str, "scaled": int, "bin": int, "n_photos": int}
    | dict.fromkeys(("confidence", "accuracy"), float),
    key=("model", "scaled", "bin"),
)
GALLERY = Table(
    {
        "gallery": str,
        "model": str,
        "place": int,
        "sample": str,
        "fold": int,
        "label": str,
        "predicted": str,
        "loss": float,
        "similar_sample": str,
        "similar_label": str,
    },
    key=("gallery", "model", "place"),
    probabilities=True,
)
DOUBTFUL = Table(
    {"sample": str, "label": str, "suggested": str, "p_label": float, "p_suggested": float},
    key=("sample",),
)
ENVIRONMENT = (
    *("processor", "threads", "device", "precision"),
    *("python", "numpy", "scikit-learn", "torch"),
)
ENVIRONMENTS = Table(dict.fromkeys(("model", *ENVIRONMENT), str), key=("model",))
LEFT_OUT = Table({"model": str, "reason": str}, key=("model",))
PAPER_TABLE = Table({"model": str} | dict.fromkeys(PAPER_INDEXES, float), key=("model",))
PAPER = Table(
    {"table": int, "model": str, "n_photos_paper": int, "n_photos": int}
    | {f"{index}{end}": float for index in PAPER_INDEXES for end in ("_paper", "")}
    | dict.fromkeys(("ca_paper_low", "ca_paper_high", "ca_low", "ca_high"), float),
    key=("table", "model"),
)
PAPER_TREND = Table(
    {"index": str, "slope_paper": float, "error_paper": float, "p_paper": float}
    | dict.fromkeys(("slope", "low", "high", "n_specimens"), float),
    key=("index",),
)
PER_CLASS = Table(
    {"model": str, "label": str, "n_photos": int, "n_specimens": int}
    | dict.fromkeys(("precision", "recall", "f1", "auc"), float),
    key=("model", "label"),
)
CONFUSION_COUNTS = Table(
    {"model": str, "label": str, "predicted": str, "n_photos": float, "share": float},
    key=("model", "label", "predicted"),
)
CONFUSION_ROWS = Table(
    {"model": str, "sample": str, "repeat": int, "label": str, "predicted": str},
    key=("model", "sample", "repeat"),
)
ROC = Table({"model": str, "fpr": float, "tpr": float}, key=("model", "fpr"))
CURVES = ("train_loss", "train_accuracy", "held_out_loss", "held_out_accuracy")
LEARNING_CURVES = Table(
    {"model": str, "epoch": int, "n_folds": int}
    | {f"{curve}{end}": float for curve in CURVES for end in ("", "_low", "_high")},
    key=("model", "epoch"),
)
DEPTH_SWEEP = Table(
    {"family": str, "depth": int, "model": str}
    | {f"{index}{end}": float for index in INDEXES for end in ("", "_low", "_high")},
    key=("family", "depth"),
)
LAYERS = Table(  # of signals, gradients and activations, and shares of dead units
    {"hidden_layers": int, "layer": int, "first_epoch": float, "last_epoch": float},
    key=("hidden_layers", "layer"),
)
VANISHING = Table(
    {
        "hidden_layers": int,
        # in the first hidden layer over the last one: the signal that comes back, and the gradient in
        # the weights
        "signal_first_epoch": float,
        "signal_last_epoch": float,
        "weights_first_epoch": float,
        "weights_last_epoch": float,
        "spread_first_epoch": float,  # of what layers give, in the last over the first
        "signal_at_start": float,  # norm of the signal in the first hidden layer
        "ca": float,
    },
    key=("hidden_layers",),
)
