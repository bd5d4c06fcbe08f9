"""The figures: each function takes the tables and returns a figure, or None without data."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from thinsection.base.arrays import Floats, Ints
from thinsection.dataset.extinction import BRIGHTEST, ONE_ANGLE
from thinsection.evidence.metrics import METRIC_TITLES
from thinsection.evidence.paper import PAPER_SWEEP
from thinsection.evidence.result_tables import PAPER_INDEXES
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.report import fonts
from thinsection.report.colours import INDEX_COLOURS
from thinsection.report.drawing import panels
from thinsection.report.evidence import Evidence
from thinsection.report.pictures import in_all_lights
from thinsection.report.wording import capital

NO_BREAK = "\u00a0"  # a space that SVG keeps at the ends of a text
POINTS = 72  # in an inch
PAGE_WIDTH = 15  # inches: wider figures would shrink too much on the page
LABEL_SIZE = 11  # points, of class names
WIDEST_NAME = 400  # points; longer names lose their middle
WIDEST_CAPTION = 190  # points, above a photo of a gallery
MATRIX_SIDE = 232  # points, of a confusion matrix of up to nine classes
LEAST_CELL = 25  # points, the cells of larger ones
LEAST_SHARE_SIZE, LEAST_SIZE = 8, 5  # points, of the shares and counts in cells
UPRIGHT: Any = {"rotation": 90, "rotation_mode": "anchor", "va": "center"}
AXIS_TITLES = {"loss": "loss (logarithmic)", "accuracy": "accuracy"}
# light -> mark, colour, and what it is called; in this order
LIGHT_MARKS = {
    "ppl": ("o", "#e69f00", "plane light alone"),
    "xpl": ("s", "#0072b2", "crossed polars alone"),
    BRIGHTEST: ("^", "#56b4e9", "brightest angles alone"),
    "": ("v", "#888888", "unknown light alone"),
    ONE_ANGLE: ("P", "#009e73", "all lights, one angle"),
    "together": ("D", "#000000", "all lights"),
}
LEAST_LOSS = 1e-3  # below this a curve shows nothing of interest


def ranking(evidence: Evidence) -> Figure:
    """Every model's CA with its interval, best on top; a line for guessing."""
    rows = evidence.ranking.iloc[::-1].to_dict("records")
    figure, axes = panels(width=6.2, height=1.1 + min(0.28 * len(rows), 5.4))
    axis = axes[0, 0]
    for place, row in enumerate(rows):
        _dot(axis, evidence, row, place)
    axis.set_yticks(range(len(rows)), [evidence.titles[row["model"]] for row in rows])
    axis.set_ylim(-0.7, len(rows) - 0.3)
    axis.set_xlim(0, 1)
    axis.axvline(evidence.guessing, color="#888888", linestyle=":", linewidth=1.3)
    axis.text(evidence.guessing, len(rows) - 0.4, color="#555555", fontsize=9,
              ha="left" if evidence.guessing < 0.4 else "right",
              s=f"{NO_BREAK}always the commonest class: {evidence.guessing:.2f}{NO_BREAK}")  # fmt: skip
    axis.set_xlabel(
        f"accuracy on held-out {evidence.unit}s\n{_percent(evidence)} interval over specimens"
    )
    axis.grid(axis="y", visible=False)
    return figure


def _dot(axis: Axes, evidence: Evidence, row: dict[Hashable, Any], place: int) -> None:
    colour, mark = evidence.colours[row["model"]], FAMILIES[row["family"]].mark[0]
    axis.plot([row["ca_low"], row["ca_high"]], [place, place], color=colour, linewidth=3)
    axis.plot(row["ca"], place, mark, color=colour, markersize=9, markeredgecolor="white")
    text = f"{row['ca']:.2f}"
    right = row["ca_high"] if np.isfinite(row["ca_high"]) else row["ca"]
    axis.text(right + 0.012, place, text, va="center", fontsize=9, color="#333333")


def lights(evidence: Evidence) -> Figure | None:
    """Every model's CA in each light alone and in all, the best together on top."""
    table = evidence["lights"]
    if table.empty:
        return None
    by_light = table.pivot(index="model", columns="light", values="ca")
    order = by_light["together"].sort_values(kind="stable").index
    shown = [light for light in LIGHT_MARKS if light in by_light]
    figure, axes = panels(width=7.2, height=1.3 + 0.28 * len(order))
    axis = axes[0, 0]
    low, high = by_light.loc[order, shown].min(axis=1), by_light.loc[order, shown].max(axis=1)
    axis.hlines(range(len(order)), low, high, color="#bbbbbb", linewidth=2, zorder=1)
    for light in shown:
        mark, colour, name = LIGHT_MARKS[light]
        axis.plot(by_light.loc[order, light], range(len(order)), mark, color=colour,
                  markersize=8, markeredgecolor="white", label=name, zorder=2)  # fmt: skip
    together = table[table["light"] == "together"].set_index("model").loc[order]
    axis.hlines(range(len(order)), together["ca_low"], together["ca_high"],
                color=LIGHT_MARKS["together"][1], linewidth=1, alpha=0.6, zorder=0)  # fmt: skip
    axis.set_yticks(range(len(order)), [evidence.titles[model] for model in order])
    axis.set_ylim(-0.7, len(order) - 0.3)
    axis.set_xlim(0, 1)
    axis.axvline(evidence.guessing, color="#888888", linestyle=":", linewidth=1.3)
    axis.set_xlabel(
        f"accuracy on held-out samples\nthin lines: {_percent(evidence)} interval, all lights"
    )
    axis.grid(axis="y", visible=False)
    axis.legend(loc="lower right", bbox_to_anchor=(1.02, 1.0), ncols=min(len(shown), 3), frameon=False,
                fontsize=9, handletextpad=0.2, columnspacing=1.2)  # fmt: skip
    return figure


def _percent(evidence: Evidence) -> str:
    return f"{100 * evidence.params.evidence.confidence:.0f} %"


def depth_sweep(evidence: Evidence) -> Figure | None:
    """The five indexes against the number of hidden layers: the paper's, and ours (Fig. 3)."""
    ours = evidence["plots/depth_sweep"].query("family == @PAPER_SWEEP")
    if ours.empty:
        return None
    figure, axes = panels(1, 2, width=11, height=4.8, sharey=True)
    theirs = evidence["paper"].query("table == 2").copy()
    prefix = FAMILIES[PAPER_SWEEP].run_prefix
    theirs["depth"] = theirs["model"].str.removeprefix(prefix).astype(int)
    theirs = theirs.rename(columns={f"{index}_paper": index for index in PAPER_INDEXES}
                           | {index: f"{index}_here" for index in PAPER_INDEXES})  # fmt: skip
    _indexes(axes[0, 0], theirs, theirs["ca_paper_low"], theirs["ca_paper_high"])
    axes[0, 0].set_title("the paper, one run on 108 photos")
    _indexes(axes[0, 1], ours, ours["ca_low"], ours["ca_high"])
    axes[0, 1].set_title(f"here, {len(evidence.dataset.table)} {evidence.unit}s")
    lowest = min(theirs["ca_paper_low"].min(), ours[[*PAPER_INDEXES, "ca_low"]].min().min())
    axes[0, 0].set_ylim(max(0, lowest - 0.05), 1.01)
    axes[0, 0].legend(ncols=3, loc="lower left")
    return figure


def _indexes(axis: Axes, rows: pd.DataFrame, low: pd.Series, high: pd.Series) -> None:
    marks = dict(zip(PAPER_INDEXES, "^ovDx", strict=True))
    axis.fill_between(rows["depth"], low, high, color=INDEX_COLOURS["ca"], alpha=0.12, linewidth=0)
    for index in PAPER_INDEXES:
        axis.plot(rows["depth"], rows[index], marker=marks[index], label=METRIC_TITLES[index], markersize=6,
                  color=INDEX_COLOURS[index], linestyle="--" if index == "recall" else "-")  # fmt: skip
    axis.set_xticks(rows["depth"])
    axis.set_xlabel("hidden layers")


def confusion(evidence: Evidence, models: list[str]) -> Figure:
    """
    Photos by true (row) and predicted class: counts, shaded by their share of the row.

    The figure grows with the number of classes and the length of their names. Cells that are
    small have no share, and very small ones no count.
    """
    classes = [fonts.fitted(name, LABEL_SIZE, WIDEST_NAME) for name in evidence.dataset.classes]
    widest = max(fonts.width(name, LABEL_SIZE) for name in classes)
    side = max(MATRIX_SIDE, LEAST_CELL * len(classes))
    slanted = len(classes) <= 4 and widest <= 1.4 * side / len(classes)
    width = max(4.4, (side + widest + 20) / POINTS)
    room = width * POINTS - widest - 20  # for the matrix
    below = 0.6 * widest + 55 if slanted else widest + 80  # names, titles and margins
    height = max(4.6, (room + below) / POINTS)
    columns = min(len(models), max(1, int(PAGE_WIDTH / width)))
    rows = -(-len(models) // columns)
    figure, axes = panels(rows, columns, width=width * columns, height=height * rows)
    for axis in axes.flat[len(models) :]:
        axis.remove()
    for axis, model in zip(axes.flat, models, strict=False):
        cells = evidence["confusion"].query("model == @model")
        counts = cells["n_photos"].to_numpy().reshape(len(classes), -1)
        shares = cells["share"].to_numpy().reshape(len(classes), -1)
        _matrix(axis, counts, shares, side / len(classes))
        axis.set_yticks(range(len(classes)), classes, parse_math=False)
        axis.set_xticks(range(len(classes)), classes, parse_math=False, ha="right",
                        **({"rotation": 35} if slanted else UPRIGHT))  # fmt: skip
        axis.set_title(capital(evidence.titles[model]))
    for axis in axes[:, 0]:
        axis.set_ylabel("true")
    return figure


def _matrix(axis: Axes, counts: Ints, shares: Floats, cell: float) -> None:
    """The cells of a matrix, ``cell`` points wide."""
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axis.grid(visible=False)
    axis.set_xlabel("predicted")
    numbers = [[f"{count:.4g}"] for count in counts.flat]
    both = [[*n, f"{100 * share:.0f} %"] for n, share in zip(numbers, shares.flat, strict=True)]
    lines, size = both, _size_in(cell, [*both, ["", "100 %"]])
    if size < LEAST_SHARE_SIZE:
        lines, size = numbers, _size_in(cell, numbers)
    if size < LEAST_SIZE:
        return
    for (i, j), text in zip(np.ndindex(counts.shape), lines, strict=True):
        colour = "white" if shares[i, j] > 0.55 else "#222222"
        if lines is numbers and counts[i, j] == 0:
            colour = "#8a949c"  # so that the mistakes stand out
        axis.text(j, i, "\n".join(text), ha="center", va="center", color=colour, fontsize=size)


def _size_in(cell: float, texts: list[list[str]]) -> float:
    """The font size, at most 10, at which texts of one or more lines fit into a cell."""
    widest = max(fonts.width(line, 1) for line in {line for lines in texts for line in lines})
    return min(10, 0.85 * cell / widest, 0.95 * cell / (1.25 * len(texts[0])))


def roc(evidence: Evidence, models: list[str]) -> Figure:
    """ROC curves, one class versus the rest, mean of the classes weighted by size."""
    figure, axes = panels(width=6, height=5.4)
    axis = axes[0, 0]
    axis.plot([0, 1], [0, 1], ":", color="#888888")
    area = evidence["models"].set_index("model")["auc"]
    for model in models:
        rows = evidence["plots/roc"].query("model == @model")
        label = f"{evidence.titles[model]}, AUC {area[model]:.2f}"
        axis.plot(rows["fpr"], rows["tpr"], color=evidence.colours[model], label=label)
    axis.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1.01))
    axis.legend(loc="lower right")
    return figure


def training_curves(evidence: Evidence, models: list[str], what: str) -> Figure | None:
    """Loss or accuracy at each epoch, training next to held out (Figs. 6 and 7)."""
    curves = evidence["plots/learning_curves"]
    rows = curves[curves["model"].isin(models)]
    if rows.empty:
        return None
    figure, axes = panels(1, 2, width=11, height=4.4, sharey=True)
    parts = (("train", f"training {evidence.unit}s"), ("held_out", f"held-out {evidence.unit}s"))
    for axis, (part, title) in zip(axes[0], parts, strict=True):
        for model, curve in rows.groupby("model", sort=False):
            name = str(model)
            axis.plot(curve["epoch"], curve[f"{part}_{what}"], color=evidence.colours[name],
                      label=evidence.titles[name])  # fmt: skip
            if rows["model"].nunique() <= 3:
                axis.fill_between(curve["epoch"], curve[f"{part}_{what}_low"],
                                  curve[f"{part}_{what}_high"], color=evidence.colours[name],
                                  alpha=0.13, linewidth=0)  # fmt: skip
        axis.set_title(title)
        axis.set_xlabel("epoch")
    axes[0, 0].set_ylabel(AXIS_TITLES[what])
    _scale(axes[0, 0], what)
    axes[0, 1].legend(ncols=2 if rows["model"].nunique() > 5 else 1)
    return figure


def _scale(axis: Axes, what: str) -> None:
    """Accuracy from 0 to 1; loss on a log axis, since single epochs can be a hundredfold."""
    if what == "accuracy":
        axis.set_ylim(0, 1.02)
        return
    axis.set_yscale("log")
    axis.set_ylim(bottom=max(axis.get_ylim()[0], LEAST_LOSS))
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def one_network(evidence: Evidence, model: str) -> Figure | None:
    """Loss and accuracy of one ResNet against the epoch, training and held out (Fig. 5)."""
    rows = evidence["plots/learning_curves"].query("model == @model")
    if rows.empty:
        return None
    figure, axes = panels(1, 2, width=11, height=4.4)
    for axis, what in zip(axes[0], ("loss", "accuracy"), strict=True):
        for part, label, line in (("train", "training", "--"), ("held_out", "held out", "-")):
            axis.plot(rows["epoch"], rows[f"{part}_{what}"], line, label=label,
                      color=evidence.colours[model])  # fmt: skip
            axis.fill_between(rows["epoch"], rows[f"{part}_{what}_low"],
                              rows[f"{part}_{what}_high"], color=evidence.colours[model],
                              alpha=0.13, linewidth=0)  # fmt: skip
        axis.set(xlabel="epoch", ylabel=AXIS_TITLES[what])
        _scale(axis, what)
    axes[0, 0].legend()
    return figure


def signals(evidence: Evidence) -> Figure | None:
    """Norm of the signal that comes back to each layer, one line per depth, at both ends."""
    return _logarithmic(evidence, "plots/signals", "norm of the signal")


def spreads(evidence: Evidence) -> Figure | None:
    """Spread of what each layer gives, one line per depth, in the first and the last epoch."""
    return _logarithmic(evidence, "plots/spreads", "spread of activations")


def gradients(evidence: Evidence) -> Figure | None:
    """Gradient norm of each layer, one line per depth, in the first and the last epoch."""
    return _logarithmic(evidence, "plots/gradients", "mean norm of the gradient")


def _logarithmic(evidence: Evidence, table: str, what: str) -> Figure | None:
    figure = _by_layer(evidence, evidence[table], what)
    if figure is not None:
        figure.axes[0].set_yscale("log")
    return figure


def dead_units(evidence: Evidence) -> Figure | None:
    """Share of dead units of each layer, one line per depth, in the first and the last epoch."""
    return _by_layer(evidence, evidence["plots/dead_units"], "share of dead units")


def _by_layer(evidence: Evidence, rows: pd.DataFrame, what: str) -> Figure | None:
    if rows.empty:
        return None
    figure, axes = panels(1, 2, width=11, height=4.6, sharey=True)
    parts = (("first_epoch", "first epoch"), ("last_epoch", "last epoch"))
    for axis, (part, title) in zip(axes[0], parts, strict=True):
        for depth, layers in rows.groupby("hidden_layers"):
            model = Run(PAPER_SWEEP, str(depth)).model
            colour = evidence.colours.get(model, FAMILIES[PAPER_SWEEP].colour)
            axis.plot(layers["layer"], layers[part], "o-", color=colour, markersize=3.5,
                      label=f"{depth}")  # fmt: skip
        axis.set_title(title)
        axis.set_xlabel("layer (1 is next to the photo)")
    axes[0, 0].set_ylabel(what)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), title="hidden layers",
                  loc="outside right center")  # fmt: skip
    return figure


def reliability(evidence: Evidence, models: list[str]) -> Figure:
    """Accuracy against confidence, before and after temperature scaling."""
    figure, axes = panels(1, 2, width=10, height=5, sharey=True)
    for scaled, axis in enumerate(axes[0]):
        axis.plot([0, 1], [0, 1], ":", color="#888888")
        for model in models:
            rows = evidence["plots/reliability"].query(
                "model == @model and scaled == @scaled and n_photos > 0"
            )
            axis.plot(
                rows["confidence"], rows["accuracy"], color=evidence.colours[model], alpha=0.4
            )
            axis.scatter(rows["confidence"], rows["accuracy"], s=12 + 3 * rows["n_photos"],
                         color=evidence.colours[model], alpha=0.75, edgecolor="white",
                         label=evidence.titles[model])  # fmt: skip
        axis.set_title("temperature-scaled" if scaled else "unscaled")
        axis.set(xlabel="confidence", xlim=(0, 1.04), ylim=(0, 1.04))
    axes[0, 0].set_ylabel("share classified correctly")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    legend = axes[0, 0].legend(handles, labels)
    for handle in legend.legend_handles:
        handle.set_sizes([50])
    return figure


def leakage(evidence: Evidence) -> Figure | None:
    """CA under a random and a grouped split."""
    if evidence["leakage"].empty:
        return None
    row = evidence["leakage"].set_index("index").loc["ca"]
    figure, axes = panels(width=9, height=1.9)
    axis = axes[0, 0]
    ends = (("grouped", "new specimens", "#0072b2"), ("random", "random split", "#d55e00"))
    for place, (split, _, colour) in enumerate(ends):
        axis.plot([row[f"{split}_low"], row[f"{split}_high"]], [place, place], color=colour, lw=4)
        axis.plot(row[split], place, "D", color=colour, markersize=10, markeredgecolor="white")
    axis.set_yticks([0, 1], [name for _, name, _ in ends])
    axis.set(xlim=(0, 1.01), ylim=(-0.6, 1.6))
    axis.set_xlabel(f"accuracy of {evidence.titles[str(row['model'])]}")
    axis.grid(axis="y", visible=False)
    return figure


def training_shares(evidence: Evidence) -> Figure | None:
    """CA against the number of training specimens."""
    rows = evidence["training_shares"]
    if rows.empty:
        return None
    figure, axes = panels(width=8, height=4.2)
    axis = axes[0, 0]
    for place, (model, curve) in enumerate(rows.groupby("model", sort=False)):
        name = str(model)
        shift = 0.12 * (place - 0.5)  # so that the bars do not overlap
        colour = evidence.colours[name]
        x = curve["n_specimens"] + shift
        axis.vlines(x, curve["ca_low"], curve["ca_high"], color=colour, alpha=0.5, linewidth=2)
        axis.plot(x, curve["ca"], "o-", color=colour, label=evidence.titles[name])
    axis.set(xlabel="training specimens (mean of the folds)", ylabel="accuracy", ylim=(0, 1.02))
    axis.legend(loc="lower right")
    return figure


def gallery(evidence: Evidence, rows: pd.DataFrame) -> Figure | None:
    """Samples with true and predicted class, loss and confidence above each (Figs. 2, 4, 8)."""
    if rows.empty:
        return None
    n_rows = -(-len(rows) // 4)
    high, wide = evidence.dataset.pixels.shape[1:3]
    wide *= len(evidence.dataset.lights.names)  # side by side
    height = min(2.6, 0.8 + 2.7 * high / wide)  # inches: a flat photo needs less
    figure, axes = panels(n_rows, 4, width=11, height=height * n_rows)
    place = pd.Series(range(len(evidence.dataset.table)), index=evidence.dataset.table["sample"])
    for axis in axes.flat:
        axis.axis("off")
    for axis, row in zip(axes.flat, rows.to_dict("records"), strict=False):
        axis.imshow(in_all_lights(evidence.dataset, place[row["sample"]]))
        right = row["label"] == row["predicted"]
        said = (f"true {row['label']}", f"predicted {row['predicted']}")
        title = "\n".join(fonts.fitted(each, 9.5, WIDEST_CAPTION) for each in said)
        title += f"\nloss {row['loss']:.2f}, confidence {row['p_' + row['predicted']]:.2f}"
        axis.set_title(title, fontsize=9.5, fontweight="normal", parse_math=False,
                       color="#00553d" if right else "#a33c00")  # fmt: skip
    return figure
