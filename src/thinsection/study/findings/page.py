"""The page of a study and its figures, from the tables."""

from pathlib import Path

import jinja2
import pandas as pd

from thinsection.study.findings.tables import EXPERIMENTS, Study, designs_of
from thinsection.study.findings.verdicts import PAPER

STUDIES = Path("study")  # with the parts that their pages share
PAGE = "page.md.j2"  # in the folder of each
NAMES = {
    "product": "this project's network",
    "paper": "as the paper's tables look",
    "mlp": "scikit-learn's MLPClassifier",
    "paper-variants": "as the paper's tables look, augmented photos",
    "paper-embedding": "as the paper's tables look, on an embedding",
    "paper-many": "as the paper's tables look, 1,000 specimens",
    "mlp-many": "scikit-learn's MLPClassifier, 1,000 specimens",
}


def page(study: Study, tables: dict[str, pd.DataFrame], folder: Path) -> str:
    """
    The page as Markdown.

    Parameters
    ----------
    folder : of the study, with the template of its page
    """
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        loader=jinja2.FileSystemLoader([folder, STUDIES]),
    )
    environment.filters["spread"] = spread
    template = environment.get_template(PAGE)
    missing = [name for name in study.settings.designs if name not in study.outcomes]
    if study.settings.numbers:
        missing += [name for name in study.settings.numbers.runs if name not in study.by_number]
    return template.render(
        settings=study.settings,
        n_specimens={name: study.n_specimens(name) for name in study.groups},
        n_photos={name: len(groups) for name, groups in study.groups.items()},
        missing=missing,
        names=NAMES,
        paper_specimens=PAPER,
        experiments={each: designs_of(study, each) for each in EXPERIMENTS},
        **{name: table.to_dict("records") for name, table in tables.items()},
    )


def spread(row: dict[str, float], name: str, low: str, high: str) -> str:
    """A signed change and its interval, from three columns of a row."""
    return f"{row[name]:+.3f} ({row[low]:+.3f} to {row[high]:+.3f})"


def draw_depths(depths: pd.DataFrame, path: Path) -> None:
    """Accuracy of each sweep against depth, held out and on the training photos."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), sharex=True, layout="constrained")
    for name in NAMES:
        rows = depths[depths["design"] == name]
        if rows.empty:
            continue
        (line,) = axes[0].plot(rows["depth"], rows["ca"], "o-", markersize=4, label=NAMES[name])
        axes[0].set_xticks(rows["depth"])
        axes[0].fill_between(
            rows["depth"], rows["ca_low"], rows["ca_high"], color=line.get_color(), alpha=0.12
        )
        axes[1].plot(rows["depth"], rows["train_accuracy"], "o-", markersize=4)
    axes[0].set(title="held-out photos", xlabel="hidden layers", ylabel="accuracy", ylim=(0, 1))
    axes[1].set(title="training photos, last epoch", xlabel="hidden layers", ylim=(0, 1.02))
    axes[0].legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_numbers(numbers: pd.DataFrame, path: Path) -> None:
    """Accuracy against the number of specimens to learn from, the paper's number marked."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    if not numbers.empty:
        colours = plt.get_cmap("tab20").colors  # type: ignore[attr-defined]
        marks = "os^Dv<>PX*hd"
        best_first = numbers.groupby("classifier")["ca"].max().sort_values(ascending=False).index
        for place, name in enumerate(best_first):
            rows = numbers[numbers["classifier"] == name]
            mark, colour = marks[place % len(marks)], colours[place % len(colours)]
            axes.plot(rows["specimens"], rows["ca"], f"{mark}-", color=colour, ms=5, label=name)
        axes.set_xscale("log")
        axes.set_xticks(ticks := sorted(set(numbers["specimens"])), [f"{n}" for n in ticks])
        axes.minorticks_off()
        axes.axvline(PAPER, color="0.5", ls="--", lw=1)
        axes.text(PAPER * 1.03, 0.03, "the paper's 108 photos", color="0.35", fontsize=9)
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set(xlabel="specimens of each mineral to learn from, one photo of each", ylabel="accuracy")
    axes.set_ylim(0, 1)
    figure.savefig(path, dpi=110)
    plt.close(figure)
