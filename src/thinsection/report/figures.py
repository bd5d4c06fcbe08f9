"""The figures: each takes the tables and returns a drawing, or nothing if there is none to draw."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thinsection.metrics import METRIC_TITLES
from thinsection.report.colours import FAMILY_COLOURS, MARKS
from thinsection.report.drawing import panels
from thinsection.report.evidence import Evidence
from thinsection.runs import FAMILY_TITLES


def ranking(evidence: Evidence) -> Figure:
    """Every model's CA with its interval, best on top; chance as a line."""
    rows = evidence.ranking.iloc[::-1].reset_index(drop=True)
    figure, axes = panels(height=0.9 + 0.3 * len(rows))
    axis = axes[0, 0]
    for place, row in rows.iterrows():
        colour, mark = evidence.colours[row["model"]], MARKS[row["family"]]
        axis.plot([row["ca_low"], row["ca_high"]], [place, place], color=colour, linewidth=3)
        axis.plot(row["ca"], place, mark, color=colour, markersize=9, markeredgecolor="white")
    axis.set_yticks(range(len(rows)), [evidence.titles[model] for model in rows["model"]])
    axis.set_xlabel("classification accuracy on held-out photos, with 95 % interval")
    axis.set_xlim(0, 1)
    axis.grid(axis="y", visible=False)
    return figure


def depth_sweep(evidence: Evidence) -> Figure | None:
    """The five indexes against the number of hidden layers, with CA's interval (Fig. 3)."""
    rows = evidence["plots/depth_sweep"].query("family == 'fcnn'")
    if rows.empty:
        return None
    figure, axes = panels(height=4.6)
    axis = axes[0, 0]
    colours = ["#0072b2", "#000000", "#009e73", "#e69f00", "#cc79a7"]
    for (index, title), colour in zip(METRIC_TITLES.items(), colours, strict=True):
        axis.plot(rows["depth"], rows[index], "o-", color=colour, label=title, markersize=5)
    axis.fill_between(rows["depth"], rows["ca_low"], rows["ca_high"], color="#000000", alpha=0.1)
    axis.set_xticks(rows["depth"])
    axis.set_xlabel("hidden layers")
    axis.set_ylim(0, 1.02)
    axis.legend(ncols=5, loc="lower left")
    return figure


def confusion(evidence: Evidence, models: list[str]) -> Figure:
    """Photos by true (row) and predicted class: counts, shaded by their share of the row."""
    classes = evidence.dataset.classes
    figure, axes = panels(1, len(models), width=4.6 * len(models), height=4.4)
    for axis, model in zip(axes[0], models, strict=True):
        rows = evidence["confusion"].query("model == @model")
        counts = rows["n_photos"].to_numpy().reshape(len(classes), -1)
        shares = rows["share"].to_numpy().reshape(len(classes), -1)
        _matrix(axis, counts, shares, classes)
        axis.set_title(evidence.titles[model])
    return figure


def _matrix(axis: Axes, counts: np.ndarray, shares: np.ndarray, classes: list[str]) -> None:
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axis.grid(visible=False)
    for i, j in np.ndindex(counts.shape):
        colour = "white" if shares[i, j] > 0.55 else "#222222"
        text = f"{counts[i, j]:.4g}\n{100 * shares[i, j]:.0f} %"
        axis.text(j, i, text, ha="center", va="center", color=colour, fontsize=10)
    axis.set_xticks(range(len(classes)), classes, rotation=30, ha="right")
    axis.set_yticks(range(len(classes)), classes)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")


def roc(evidence: Evidence, models: list[str]) -> Figure:
    """ROC curves, one class versus the rest, mean of the classes weighted by size."""
    figure, axes = panels(width=5.6, height=5)
    axis = axes[0, 0]
    axis.plot([0, 1], [0, 1], ":", color="#999999")
    for model in models:
        rows = evidence["plots/roc"].query("model == @model")
        axis.plot(
            rows["fpr"], rows["tpr"], color=evidence.colours[model], label=evidence.titles[model]
        )
    axis.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1.01))
    axis.legend(loc="lower right")
    return figure


def training_curves(evidence: Evidence, family: str, what: str) -> Figure | None:
    """Loss or accuracy of each epoch, training and held out (Figs. 5 to 7)."""
    rows = evidence["plots/learning_curves"]
    models = [m for m in rows["model"].unique() if evidence.runs[m].family == family]
    if not models:
        return None
    figure, axes = panels(1, 2, width=10, height=4.2, sharey=True)
    for axis, part, title in zip(
        axes[0], ("train", "held_out"), ("training photos", "held-out photos"), strict=True
    ):
        for model in models:
            curve = rows[rows["model"] == model]
            axis.plot(
                curve["epoch"],
                curve[f"{part}_{what}"],
                color=evidence.colours[model],
                label=evidence.titles[model],
            )
        axis.set_title(title)
        axis.set_xlabel("epoch")
    axes[0, 0].set_ylabel(what)
    axes[0, 1].legend()
    return figure


def gradients(evidence: Evidence) -> Figure | None:
    """Gradient norm of each layer in the first epoch, one line a depth: does it vanish?"""
    rows = evidence["plots/gradients"]
    if rows.empty:
        return None
    figure, axes = panels(height=4.4)
    axis = axes[0, 0]
    for depth, norms in rows.groupby("hidden_layers"):
        colour = evidence.colours.get(f"fcnn-{depth}", FAMILY_COLOURS["fcnn"])
        axis.plot(norms["layer"], norms["first_epoch"], "o-", color=colour, markersize=4,
                  label=f"{depth}")  # fmt: skip
    axis.set_yscale("log")
    axis.set_xlabel("layer (1 is next to the photo)")
    axis.set_ylabel("mean gradient norm, first epoch")
    axis.legend(title="hidden layers", ncols=2)
    return figure


def families(evidence: Evidence) -> list[str]:
    """The best model of each family, best first."""
    best = evidence.ranking.drop_duplicates("family")["model"]
    return [str(model) for model in best]


__all__ = [
    "FAMILY_TITLES",
    "confusion",
    "depth_sweep",
    "families",
    "gradients",
    "ranking",
    "roc",
    "training_curves",
]
