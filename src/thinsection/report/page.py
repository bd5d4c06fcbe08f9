"""The report: its figures, tables, photos and captions, and their order."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jinja2
from matplotlib.figure import Figure

from thinsection import __version__
from thinsection.evidence.paper import PAPER_NETWORKS, PAPER_SWEEP
from thinsection.families import FAMILIES
from thinsection.report import drawing, figures, sentences, views
from thinsection.report.evidence import Evidence
from thinsection.report.for_paper import Form, table_for_paper
from thinsection.report.pictures import Card, Pictures
from thinsection.report.views import View
from thinsection.report.wording import capital, counted

HERE = Path(__file__).parent
PAPER_GALLERIES = ("examples", "mistakes", "resnet")  # its Figures 2, 4 and 8
FOR_PAPER: dict[str, Form] = {"LaTeX": "latex", "Markdown": "markdown", "CSV": "csv"}
PAPER_CURVES = {  # figure -> its description, for when it can't be drawn
    "deepest_resnet": "Figure 5, the deepest ResNet",
    "resnets_accuracy": "Figure 6, the ResNets",
    "resnets_loss": "Figure 7, the ResNets",
    "fcnns_loss": "the fully connected networks",
}


@dataclass(frozen=True)
class DrawnFigure:
    """A figure of the report: the image, its description in words, and its numbers."""

    name: str
    title: str
    caption: str
    alt: str
    image: str
    numbers: View


def render(evidence: Evidence, folder: Path) -> str:
    """The HTML of the report; its figures are also written to ``folder``."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pictures = Pictures(evidence)
    galleries = {
        (str(name), str(model)): rows
        for (name, model), rows in evidence["gallery"].groupby(["gallery", "model"], sort=False)
    }
    for (name, _), rows in galleries.items():
        if name in PAPER_GALLERIES and (photos := figures.gallery(evidence, rows)):
            drawing.save(photos, folder, f"gallery_{name}")
    cards = {key: pictures.cards(rows) for key, rows in galleries.items()}
    doubtful = [
        row | {"image": pictures.photo(row["sample"])}
        for row in evidence["doubtful"].head(24).to_dict("records")
    ]
    drawn = {figure.name: figure for figure in drawn_figures(evidence, folder)}
    return environment.get_template("template.html").render(
        style=(HERE / "style.css").read_text(encoding="utf-8"),
        script=(HERE / "script.js").read_text(encoding="utf-8"),
        version=__version__,
        evidence=evidence,
        say=sentences,
        views=views,
        titles=evidence.titles,
        unit=evidence.unit,
        capital=capital,
        shown=drawn,
        curves=PAPER_CURVES,
        other_curves=[f"{key}_loss" for key in FAMILIES if f"{key}_loss" in drawn],
        paper=_paper(evidence),
        galleries=[(*key, cards[key]) for key in cards if key[0] in PAPER_GALLERIES],
        worst=[(model, cards[name, model]) for name, model in cards if name == "worst"],
        confusions=_confusions(evidence, pictures),
        doubtful=doubtful,
        for_paper={
            title: table_for_paper(evidence["models"], evidence.ingest, evidence.params, form)
            for title, form in FOR_PAPER.items()
        },
    )


def drawn_figures(evidence: Evidence, folder: Path) -> Iterator[DrawnFigure]:
    """Every figure that has data to draw, saved to ``folder``."""
    for name, figure, title, caption, alt, numbers in _drawn(evidence):
        if figure is not None:
            image = drawing.save(figure, folder, name)
            yield DrawnFigure(name, title, caption, alt, image, numbers)


Drawn = tuple[str, Figure | None, str, str, str, View]


def _drawn(evidence: Evidence) -> Iterator[Drawn]:
    yield from _comparison(evidence)
    yield from _training(evidence)
    yield from _errors(evidence)
    yield from _expectations(evidence)


def _comparison(evidence: Evidence) -> Iterator[Drawn]:
    sweep = evidence["plots/depth_sweep"]
    yield (
        "lights", figures.lights(evidence), "What the analyser brings",
        "The same classifiers on the same samples, shown one light of each, and all.",
        "Dot plot of the accuracy of each model in each light alone and in all. "
        + " ".join(sentences.lights(evidence)),
        views.titled(evidence, evidence["lights_per_class"]),
    )  # fmt: skip
    yield (
        "ranking", figures.ranking(evidence), "The ranking",
        f"{_marks()}. "
        "Models with overlapping bars may still differ: the differences table compares them by photo.",
        "Dot plot of the accuracy of each model with its interval, best on top. "
        + sentences.best(evidence),
        views.titled(evidence, evidence.ranking[["model", "ca", "ca_low", "ca_high"]]),
    )  # fmt: skip
    yield (
        "depth_sweep", figures.depth_sweep(evidence), "Figure 3: indexes against depth",
        "The band is the interval of CA: Wilson's on the paper's side, over specimens on ours. "
        "Recall is CA, as in the paper.",
        "Two line plots of five indexes against the number of hidden layers, the paper's on the "
        "left and this study's on the right. " + " ".join(sentences.depth(evidence)[:1]),
        views.titled(evidence, sweep[sweep["family"] == PAPER_SWEEP].drop(columns="family")),
    )  # fmt: skip
    yield (
        "signals", figures.signals(evidence), "Does the gradient vanish?",
        "Norm of the signal that comes back, the gradient of the loss in what each layer gives, in the "
        "first step of the epoch; geometric mean over folds. The last layer gives the logits.",
        "Two line plots of the norm of the signal against the layer, one line for each depth, on a "
        "logarithmic axis. " + sentences.vanishing(evidence),
        views.plain(evidence["plots/signals"]),
    )  # fmt: skip
    yield (
        "spreads", figures.spreads(evidence), "Do activations fade?",
        "Spread of what each layer gives, over photos and units, in the first step of the epoch; "
        "geometric mean over folds.",
        "Two line plots of the spread of activations against the layer, one line for each depth, on "
        "a logarithmic axis.",
        views.plain(evidence["plots/spreads"]),
    )  # fmt: skip
    yield (
        "gradients", figures.gradients(evidence), "Gradients in the weights",
        "Mean norm of the gradient in each layer's weights, geometric mean over folds: the product of "
        "what comes into the layer and the signal that comes back, so nearly the same in all layers "
        "also where both fade.",
        "Two line plots of the gradient norm against the layer, one line for each depth, on a "
        "logarithmic axis.",
        views.plain(evidence["plots/gradients"]),
    )  # fmt: skip
    yield (
        "dead_units", figures.dead_units(evidence), "Do units die?",
        "Share of each layer's units that are 0 for every training photo of the epoch, mean of "
        "the folds: such a unit contributes nothing, and no gradient passes through it.",
        "Two line plots of the share of dead units against the layer, one line for each depth.",
        views.plain(evidence["plots/dead_units"]),
    )  # fmt: skip


def _training(evidence: Evidence) -> Iterator[Drawn]:
    curves = evidence["plots/learning_curves"]
    of_family = {
        family: [m for m, run in evidence.runs.items() if run.family == family]
        for family in FAMILIES
    }
    resnets, fcnns = of_family.pop(PAPER_NETWORKS), of_family.pop(PAPER_SWEEP)
    drawn = [model for model in resnets if model in set(curves["model"])] or resnets
    deepest = max(drawn, key=lambda model: evidence.runs[model].depth or 0)
    yield (
        "deepest_resnet", figures.one_network(evidence, deepest),
        f"Figure 5: loss and accuracy of {evidence.titles[deepest]}",
        "The paper shows training only. The band spans the folds.",
        f"Line plots of the loss and the accuracy of {evidence.titles[deepest]} against the "
        "epoch, training dashed and held out solid.",
        views.titled(evidence, curves[curves["model"] == deepest]),
    )  # fmt: skip
    for number, what in ((6, "accuracy"), (7, "loss")):
        yield (
            f"resnets_{what}", figures.training_curves(evidence, resnets, what),
            f"Figure {number}: {what} of the ResNets",
            "Mean of the folds; the band spans them.",
            f"Line plots of {what} against the epoch for the ResNets, training photos on the "
            "left and held-out photos on the right.",
            views.titled(evidence, curves[curves["model"].isin(resnets)]),
        )  # fmt: skip
    yield (
        "fcnns_loss", figures.training_curves(evidence, fcnns, "loss"),
        "Loss of the fully connected networks",
        "Mean of the folds; a fold that ended early keeps its last value.",
        "Line plots of loss against the epoch for each depth, training photos on the left and "
        "held-out photos on the right.",
        views.titled(evidence, curves[curves["model"].isin(fcnns)]),
    )  # fmt: skip

    for family, models in of_family.items():
        plural = FAMILIES[family].plural
        yield (
            f"{family}_loss", figures.training_curves(evidence, models, "loss"),
            f"Loss of the {plural}",
            "Mean of the folds; a fold that ended early keeps its last value.",
            f"Line plots of loss against the epoch for the {plural}, training photos on the left "
            "and held-out photos on the right.",
            views.titled(evidence, curves[curves["model"].isin(models)]),
        )  # fmt: skip


def _marks() -> str:
    """Circles: fully connected networks; squares: ..."""
    return capital("; ".join(f"{family.mark[1]}: {family.plural}" for family in FAMILIES.values()))


def _errors(evidence: Evidence) -> Iterator[Drawn]:
    best = best_models(evidence)
    counts = evidence["confusion"]
    yield (
        "confusion", figures.confusion(evidence, best), "Confusion matrices",
        "The best model of each family: photos (mean of repeats), shaded by their share of the "
        "true class.",
        "Confusion matrices of the best model of each family.",
        views.titled(evidence, counts[counts["model"].isin(best)]),
    )  # fmt: skip
    roc = evidence["plots/roc"]
    yield (
        "roc", figures.roc(evidence, best), "ROC curves",
        "One class versus the rest, weighted by class size; the best model of each family.",
        "ROC curves of the best model of each family.",
        views.titled(evidence, roc[roc["model"].isin(best)].iloc[::5]),
    )  # fmt: skip
    bins = evidence["plots/reliability"]
    yield (
        "reliability", figures.reliability(evidence, best), "Reliability",
        "On the dotted line confidence equals accuracy; larger points represent more photos. "
        "Below the line a model is overconfident.",
        "Two reliability diagrams, unscaled and temperature-scaled. "
        + sentences.calibrated(evidence),
        views.titled(evidence, bins[bins["model"].isin(best) & (bins["n_photos"] > 0)]),
    )  # fmt: skip


def _expectations(evidence: Evidence) -> Iterator[Drawn]:
    yield (
        "leakage", figures.leakage(evidence), "What a random split would have shown",
        "The same model on the same photos; only the split differs.",
        "Two dots with intervals. " + sentences.leakage(evidence),
        views.plain(evidence["leakage"]),
    )  # fmt: skip
    yield (
        "training_shares", figures.training_shares(evidence), "Would more photos help?",
        "Whole specimens were left out of the training folds; the held-out photos are the same.",
        "Line plot of accuracy against the number of training specimens. "
        + " ".join(sentences.learning(evidence)),
        views.titled(evidence, evidence["training_shares"]),
    )  # fmt: skip


def best_models(evidence: Evidence) -> list[str]:
    """The best model of each family, best first."""
    return [str(model) for model in evidence.ranking.drop_duplicates("family")["model"]]


def _confusions(evidence: Evidence, pictures: Pictures) -> list[tuple[str, list[Card]]]:
    """The best model's confusions, the most frequent first: a title and its photos."""
    rows = evidence["gallery"].query("gallery == 'confusions'")
    keys = ["model", "label", "predicted"]
    counts = evidence["confusion"].set_index(keys)["n_photos"].to_dict()
    found = []
    for (model, label, named), photos in rows.groupby(keys, sort=False):
        n_photos = counted(counts[model, label, named], "photo")
        title = f"{label} mistaken for {named} ({n_photos})"
        found.append((title, pictures.cards(photos)))
    return found


def _paper(evidence: Evidence) -> dict[str, View]:
    """Tables 1 to 3 of the paper."""
    rows = evidence["paper"]
    tables = {
        "Table 1: four hidden layers of 200": rows[rows["table"] == 1],
        "Table 2: the number of hidden layers": rows[rows["table"] == 2],
        "Table 3: other classifiers": rows[rows["table"] == 3],
    }
    return {title: views.paper(evidence, table) for title, table in tables.items()}
