"""The tables of the report: their columns, headings and order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from thinsection.evidence.metrics import METRIC_TITLES
from thinsection.evidence.result_tables import PAPER_INDEXES
from thinsection.families import FAMILIES
from thinsection.report.evidence import Evidence
from thinsection.report.wording import capital, signed_interval, with_interval

NONE = "–"  # a missing value
THIN_SPACE = "\u202f"


@dataclass(frozen=True)
class Cell:
    """The text of a cell, its sort key, and the colour of its model, if any."""

    text: str
    sort: Any = ""
    colour: str = ""


@dataclass(frozen=True)
class View:
    """
    A table of the report.

    Attributes
    ----------
    columns : title of each column, and whether it holds numbers
    rows : cells of each row
    spans : headings above groups of columns, and how many columns each spans
    """

    columns: list[tuple[str, bool]]
    rows: list[list[Cell]]
    spans: list[tuple[str, int]] = field(default_factory=list)


def plain(frame: pd.DataFrame) -> View:
    """A table unchanged: text as text, numbers with four significant digits."""
    numeric = [pd.api.types.is_numeric_dtype(frame[c]) for c in frame.columns]
    rows = [
        [
            number(value) if is_number else Cell(str(value), str(value))
            for value, is_number in zip(row, numeric, strict=True)
        ]
        for row in frame.itertuples(index=False)
    ]
    return View(list(zip(map(str, frame.columns), numeric, strict=True)), rows)


def number(value: Any, form: str = ".4g") -> Cell:
    """A number, sorted numerically."""
    if pd.isna(value):
        return Cell(NONE)
    return Cell(format(value, form).replace("-", "−"), f"{value:.10g}")


def p_value(value: Any) -> Cell:
    """A p-value; "< 0.001" if it is smaller."""
    if pd.isna(value):
        return Cell(NONE)
    return Cell("< 0.001" if value < 0.001 else f"{value:.3f}", f"{value:.10g}")


def model(evidence: Evidence, name: str) -> Cell:
    """A model's title with its colour."""
    title = evidence.titles.get(name, name)
    return Cell(title, title, evidence.colours.get(name, ""))


def models(evidence: Evidence) -> View:
    """Every model, best first, each index with its interval; balanced only if not equal to CA."""
    shown = [index for index in METRIC_TITLES if index != "balanced" or evidence.is_uneven]
    rows = []
    for row in evidence.ranking.to_dict("records"):
        parameters = f"{row['n_parameters']:,}".replace(",", THIN_SPACE)
        rows.append(
            [
                model(evidence, row["model"]),
                Cell(FAMILIES[row["family"]].title, row["family"]),
                Cell(parameters, row["n_parameters"]),
                *(
                    Cell(with_interval(row[i], row[f"{i}_low"], row[f"{i}_high"]), row[i])
                    for i in shown
                ),
            ]
        )
    titles = [(METRIC_TITLES[index], True) for index in shown]
    return View([("Model", False), ("Family", False), ("Parameters", True), *titles], rows)


def against_the_best(evidence: Evidence) -> View:
    """Every other model compared with the best: difference, interval, p-values, probabilities."""
    first = evidence.ranking["model"].iloc[0]
    pairs = evidence.against_best().query("index == 'ca'").set_index(["other", "test"])
    practical = evidence["practical"].set_index(["model_a", "model_b"])
    rows = []
    for other in evidence.ranking["model"].iloc[1:]:
        row = pairs.loc[(other, "specimens")]
        tests = [
            pairs.loc[(other, test), "p_holm"] for test in ("specimens", "mcnemar", "corrected_t")
        ]
        turned = (first, other) not in practical.index
        chances = practical.loc[(other, first) if turned else (first, other)]
        better = chances["p_b_better" if turned else "p_a_better"]
        rows.append(
            [
                model(evidence, other),
                Cell(_difference(row), row["difference"]),
                *(p_value(p) for p in tests),
                number(better, ".2f"),
                number(chances["p_equivalent"], ".2f"),
            ]
        )
    title = evidence.titles[first]
    columns = [
        ("Model", False),
        (f"Accuracy of {title} minus this", True),
        ("p, specimens", True),
        ("p, McNemar", True),
        ("p, corrected t", True),
        (f"Probability that {title} is better", True),
        ("Probability that both are equal", True),
    ]
    return View(columns, rows)


def _difference(row: Mapping[Any, Any]) -> str:
    return signed_interval(row["difference"], row["low"], row["high"])


def paper(evidence: Evidence, rows: pd.DataFrame) -> View:
    """Rows of the paper's tables in the paper's columns, with ours next to them."""
    titles = [(METRIC_TITLES[index], True) for index in PAPER_INDEXES]
    cells = [
        [
            model(evidence, row["model"]),
            *(number(row[f"{index}_paper"], ".3f") for index in PAPER_INDEXES),
            *(number(row[index], ".3f") for index in PAPER_INDEXES),
        ]
        for row in rows.to_dict("records")
    ]
    photos = rows.iloc[0]
    spans = [
        ("", 1),
        (f"the paper ({photos['n_photos_paper']} photos)", len(titles)),
        (f"here ({photos['n_photos']} photos)", len(titles)),
    ]
    return View([("Classifier", False), *titles, *titles], cells, spans)


def pairs(evidence: Evidence) -> View:
    """Every pair by every test, accuracy only."""
    frame = evidence["comparisons"].query("index == 'ca'")
    rows = [
        [
            model(evidence, row["model_a"]),
            model(evidence, row["model_b"]),
            Cell(row["test"].replace("_", " "), row["test"]),
            Cell(_difference(row), row["difference"]),
            p_value(row["p_value"]),
            p_value(row["p_holm"]),
        ]
        for row in frame.to_dict("records")
    ]
    columns = [("First", False), ("Second", False), ("Test", False)]
    return View([*columns, *((t, True) for t in ("First minus second", "p", "p, Holm"))], rows)


def per_class(evidence: Evidence) -> View:
    """Precision, recall, F1, AUC and support of each class, by model."""
    rows = [
        [
            model(evidence, row["model"]),
            Cell(row["label"], row["label"]),
            number(row["n_photos"], "d"),
            number(row["n_specimens"], "d"),
            *(number(row[name], ".2f") for name in ("precision", "recall", "f1", "auc")),
        ]
        for row in evidence.best_first(evidence["per_class"]).to_dict("records")
    ]
    numbers = (f"{capital(evidence.unit)}s", "Specimens", "Precision", "Recall", "F1", "AUC")
    return View([("Model", False), ("Class", False), *((t, True) for t in numbers)], rows)


def specimens(evidence: Evidence) -> View:
    """Share of each specimen's photos classified correctly, the hardest specimens first."""
    rows = [
        [
            Cell(row["specimen"], row["specimen"]),
            Cell(row["label"], row["label"]),
            number(row["n_photos"], "d"),
            number(row["right_of_all"], ".2f"),
            number(row["right"], ".2f"),
            Cell(row["mostly_named"], row["mostly_named"]),
        ]
        for row in evidence["specimens"].to_dict("records")
    ]
    best = evidence.titles[evidence.ranking["model"].iloc[0]]
    numbers = (f"{capital(evidence.unit)}s", "Correct, mean of all models", f"Correct, {best}")
    titles = [("Specimen", False), ("Class", False), *((title, True) for title in numbers)]
    return View([*titles, (f"{best}'s most frequent answer", False)], rows)


def calibration(evidence: Evidence) -> View:
    """Expected calibration error and cross-entropy, before and after scaling."""
    names = ("ece", "log_loss", "temperature", "ece_scaled", "log_loss_scaled")
    rows = [
        [model(evidence, row["model"]), *(number(row[name], ".3f") for name in names)]
        for row in evidence.best_first(evidence["calibration"]).to_dict("records")
    ]
    titles = (
        "Calibration error",
        "Cross-entropy",
        "Temperature",
        "Calibration error, scaled",
        "Cross-entropy, scaled",
    )
    return View([("Model", False), *((title, True) for title in titles)], rows)


def lights(evidence: Evidence) -> View:
    """lights.csv: each model in each light alone, and what all lights add to it."""
    table = evidence["lights"]
    place = {name: n for n, name in enumerate(evidence.ranking["model"])}
    columns = [("Model", False), ("Light", False), ("CA", True), ("from", True), ("to", True),
               ("Balanced", True), ("AUC", True), ("All lights add", True), ("from", True),
               ("to", True), ("p", True)]  # fmt: skip
    rows = []
    for row in table.sort_values("model", key=lambda m: m.map(place), kind="stable").to_dict(
        "records"
    ):
        numbers = [row[name] for name in ("ca", "ca_low", "ca_high", "balanced", "auc")]
        numbers += [row[name] for name in ("gain", "gain_low", "gain_high")]
        light = Cell(row["light"] or "unknown", row["light"])
        cells = [model(evidence, row["model"]), light, *(number(each, ".3f") for each in numbers)]
        rows.append([*cells, p_value(row["p_holm"])])
    return View(columns, rows)


def titled(evidence: Evidence, frame: pd.DataFrame) -> View:
    """A plain table in which models have titles and colours."""
    view = plain(frame)
    place = list(frame.columns).index("model")
    rows = [
        [model(evidence, str(cell.text)) if i == place else cell for i, cell in enumerate(row)]
        for row in view.rows
    ]
    return View(view.columns, rows)
