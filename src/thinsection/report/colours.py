"""One colour and one mark for each model, the same in every figure and table."""

from collections.abc import Iterable

from thinsection.evidence.runs import Run

# Okabe and Ito's palette (2008), told apart with every common kind of colour blindness.
BASELINES = {
    "decision_tree": "#009e73",
    "svm": "#cc79a7",
    "random_forest": "#000000",
    "naive_bayes": "#e69f00",
    "adaptive_boosting": "#8c8c8c",
}
RESNETS = ["#f0a07a", "#d55e00", "#8a3a00", "#5c2700", "#3d1a00"]  # vermilion, darker = deeper
FCNN_SHALLOW, FCNN_DEEP = (0x8F, 0xC7, 0xEE), (0x00, 0x3A, 0x63)  # blue, darker = deeper
INDEX_COLOURS = {
    "auc": "#0072b2",
    "ca": "#000000",
    "f1": "#009e73",
    "precision": "#e69f00",
    "recall": "#cc79a7",
}
MARKS = {"fcnn": "o", "resnet": "s", "baseline": "D"}
FAMILY_COLOURS = {"fcnn": "#0072b2", "resnet": "#d55e00", "baseline": "#595959"}


def model_colours(runs: Iterable[Run]) -> dict[str, str]:
    """Model id -> colour, for the runs that params.yaml names (also those left out)."""
    runs = list(runs)
    fcnns = [run for run in runs if run.family == "fcnn"]
    resnets = [run for run in runs if run.family == "resnet"]
    colours = {run.model: BASELINES[run.name] for run in runs if run.family == "baseline"}
    colours |= {
        run.model: RESNETS[place % len(RESNETS)]
        for place, run in enumerate(sorted(resnets, key=lambda run: int(run.name)))
    }
    for place, run in enumerate(sorted(fcnns, key=lambda run: int(run.name))):
        share = place / max(1, len(fcnns) - 1)
        mixed = [round(a + share * (b - a)) for a, b in zip(FCNN_SHALLOW, FCNN_DEEP, strict=True)]
        colours[run.model] = "#{:02x}{:02x}{:02x}".format(*mixed)
    return colours
