"""The page: which figures and tables stand where, with what words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from matplotlib.figure import Figure

from thinsection.metrics import METRIC_TITLES
from thinsection.report import drawing, figures, sentences
from thinsection.report.evidence import Evidence
from thinsection.runs import FAMILY_TITLES

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Shown:
    """A figure on the page: the picture, what it says in words, and its numbers."""

    name: str
    title: str
    caption: str
    alt: str
    image: str
    numbers: "View"


@dataclass(frozen=True)
class View:
    """A table on the page: (title, is a number) of each column; cells as (text, sort value)."""

    columns: list[tuple[str, bool]]
    rows: list[list[tuple[str, Any]]]


def render(evidence: Evidence, folder: Path) -> str:
    """The HTML of the page; its figures are also written to ``folder``."""
    loader = jinja2.FileSystemLoader(HERE)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template("template.html").render(
        style=(HERE / "style.css").read_text(encoding="utf-8"),
        script=(HERE / "script.js").read_text(encoding="utf-8"),
        data_set=sentences.data_set(evidence),
        best=sentences.best(evidence),
        significance=sentences.significance(evidence),
        warnings=evidence.warnings.to_dict("records"),
        left_out=evidence["left_out"].to_dict("records"),
        titles=evidence.titles,
        shown={figure.name: figure for figure in _figures(evidence, folder)},
        models=_models(evidence),
        paper=_paper(evidence),
        comparisons=_comparisons(evidence),
        per_class=_per_class(evidence),
    )


def _figures(evidence: Evidence, folder: Path) -> Iterable[Shown]:
    best = figures.families(evidence)
    models = evidence["models"]
    curves = evidence["plots/learning_curves"]

    def show(
        name: str, draw: Callable[[], Figure | None], title: str, caption: str, alt: str,
        numbers: pd.DataFrame,
    ) -> Iterable[Shown]:  # fmt: skip
        figure = draw()
        if figure is not None:
            image = drawing.save(figure, folder, name)
            yield Shown(name, title, caption, alt, image, plain_view(numbers))

    yield from show(
        "ranking", lambda: figures.ranking(evidence), "Ranking",
        "Accuracy on held-out photos; the bar is the interval over specimens.",
        "Dot plot of every model's accuracy with its interval. " + sentences.best(evidence),
        models[["model", "ca", "ca_low", "ca_high"]],
    )  # fmt: skip
    yield from show(
        "depth_sweep", lambda: figures.depth_sweep(evidence), "Indexes against depth",
        "As the paper's Figure 3; the grey band is the interval of CA.",
        "Line plot of the five indexes against the number of hidden layers.",
        evidence["plots/depth_sweep"],
    )  # fmt: skip
    yield from show(
        "confusion", lambda: figures.confusion(evidence, best), "Confusion",
        "The best model of each family: photos, and their share of the true class.",
        "Confusion matrices of the best model of each family.",
        evidence["confusion"].query("model in @best"),
    )  # fmt: skip
    yield from show(
        "roc", lambda: figures.roc(evidence, best), "ROC",
        "One class versus the rest, weighted by class size; the best model of each family.",
        "ROC curves of the best model of each family.",
        evidence["plots/roc"].query("model in @best"),
    )  # fmt: skip
    for family, what in (("resnet", "accuracy"), ("resnet", "loss"), ("fcnn", "loss")):
        yield from show(
            f"{family}_{what}",
            partial(figures.training_curves, evidence, family, what),
            f"{what.capitalize()} of each epoch: {FAMILY_TITLES[family]}",
            "Mean of the folds.",
            f"Line plot of {what} against epoch, training beside held-out photos.",
            curves[curves["model"].str.startswith(family)],
        )
    yield from show(
        "gradients", lambda: figures.gradients(evidence), "Does the gradient vanish?",
        "Mean gradient norm of each layer in the first epoch.",
        "Line plot of gradient norm against layer, one line for each depth.",
        evidence["plots/gradients"],
    )  # fmt: skip


def plain_view(frame: pd.DataFrame) -> View:
    """A table as it stands: text as text, numbers with four significant digits."""
    numeric = [pd.api.types.is_numeric_dtype(frame[c]) for c in frame.columns]
    rows = [
        [_cell(value, number) for value, number in zip(row, numeric, strict=True)]
        for row in frame.itertuples(index=False)
    ]
    return View(list(zip(map(str, frame.columns), numeric, strict=True)), rows)


def _cell(value: Any, number: bool) -> tuple[str, Any]:
    if not number:
        return str(value), str(value)
    if pd.isna(value):
        return "–", ""
    return f"{value:.4g}", f"{value:.10g}"


def _models(evidence: Evidence) -> View:
    rows = []
    for row in evidence.ranking.to_dict("records"):
        cells: list[tuple[str, Any]] = [
            (evidence.titles[row["model"]], evidence.titles[row["model"]]),
            (FAMILY_TITLES[row["family"]], row["family"]),
            (f"{row['n_parameters']:,}".replace(",", "\u202f"), row["n_parameters"]),
        ]
        cells += [
            (sentences.with_interval(row[i], row[f"{i}_low"], row[f"{i}_high"]), row[i])
            for i in METRIC_TITLES
        ]
        rows.append(cells)
    titles = [(title, True) for title in METRIC_TITLES.values()]
    return View([("Model", False), ("Family", False), ("Parameters", True), *titles], rows)


def _paper(evidence: Evidence) -> dict[int, View]:
    columns = [("Model", False)]
    for title in METRIC_TITLES.values():
        columns += [(f"{title}, paper", True), (f"{title}, ours", True)]
    views = {}
    for table, frame in evidence["paper"].groupby("table"):
        rows = []
        for row in frame.to_dict("records"):
            title = evidence.titles.get(row["model"], row["model"])
            cells: list[tuple[str, Any]] = [(title, title)]
            for index in METRIC_TITLES:
                cells.append((f"{row[f'{index}_paper']:.3f}", row[f"{index}_paper"]))
                ours = row[index]
                cells.append(("–", "") if pd.isna(ours) else (f"{ours:.3f}", ours))
            rows.append(cells)
        views[int(str(table))] = View(columns, rows)
    return views


def _comparisons(evidence: Evidence) -> View:
    frame = evidence["comparisons"].assign(
        model_a=evidence["comparisons"]["model_a"].map(evidence.titles),
        model_b=evidence["comparisons"]["model_b"].map(evidence.titles),
    )
    return plain_view(frame[frame["index"] == "ca"])


def _per_class(evidence: Evidence) -> View:
    frame = evidence["per_class"]
    return plain_view(frame.assign(model=frame["model"].map(evidence.titles)))
