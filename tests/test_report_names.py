"""Figures with many classes, long names and names in other scripts: nothing overlaps or is lost."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from conftest import photo_table
from synthetic_runs import synthetic_params, write_study
from thinsection.dataset.packed import Dataset
from thinsection.params import load_params
from thinsection.report import drawing, figures, fonts
from thinsection.report.evidence import Evidence, read_evidence
from thinsection.report.pictures import MOST_BARS, Pictures
from thinsection.report.sentences import data_set

MODELS = ["resnet-18", "svm", "fcnn-2"]
HINDI, CHINESE, ARABIC = "ओलिवीन", "橄榄石", "أوليفين"
SCRIPTS = [HINDI, CHINESE, ARABIC, "титанит", "$x^2$", "a|b, c", "<b>x</b> & y"]
THIRTEEN = [*SCRIPTS, "titanium-rich biotite or phlogopite", *(f"mineral {i}" for i in range(5))]
CASES = {
    "two long": ["plagioclase with carlsbad twins", "clinopyroxene altered to uralite"],
    "two short": ["NA", "XY"],
    "five short": ["a", "b", "c", "d", "e"],
    "five": ["augite", "biotite", "garnet", "olivine", "plagioclase"],
    "eight": [f"mineral {i}" for i in range(8)],
    "thirteen": THIRTEEN,
    "25 long": [f"a mineral of a long name, no. {i:02}" for i in range(25)],
}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A function: let the machine have these font files and no others."""

    def has(*files: Path) -> None:
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: list(map(str, files)))
        fonts.forget()

    yield has
    monkeypatch.undo()
    fonts.forget()


@pytest.fixture
def hindi_font(tmp_path: Path) -> Path:
    """A font file of squares for the letters of ``HINDI`` and nothing else."""
    pen = TTGlyphPen(None)
    for step, corner in enumerate([(50, 0), (50, 500), (550, 500), (550, 0)]):
        (pen.lineTo if step else pen.moveTo)(corner)
    pen.closePath()
    square = pen.glyph()
    names = {ord(letter): f"u{ord(letter):04X}" for letter in HINDI}
    glyphs = [".notdef", *dict.fromkeys(names.values())]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(glyphs)
    font.setupCharacterMap(names)
    font.setupGlyf(dict.fromkeys(glyphs, square))
    font.setupHorizontalMetrics(dict.fromkeys(glyphs, (600, 50)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Squares for Hindi", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "squares.ttf")
    return tmp_path / "squares.ttf"


def with_classes(compared: Path, classes: list[str], most: float = 1234) -> Evidence:
    """The evidence of a study with these classes, and confusion matrices of large numbers."""
    evidence = read_evidence(load_params(compared / "params.yaml"), compared)
    rng = np.random.default_rng(1)
    index = pd.MultiIndex.from_product(
        [MODELS, sorted(classes), sorted(classes)], names=["model", "label", "predicted"]
    )
    confusion = index.to_frame(index=False)
    confusion["n_photos"] = np.where(rng.random(len(index)) < 0.5, most, 0.5)
    confusion["share"] = rng.choice([0, 0.5, 1], len(index))
    dataset = Dataset(np.zeros((len(classes), 16, 24, 3), np.uint8), photo_table(classes))
    return replace(evidence, dataset=dataset, tables=evidence.tables | {"confusion": confusion})


def boxes(figure: Figure) -> tuple[list[str], np.ndarray]:
    """The texts that a figure draws, and their (left, bottom, right, top) in pixels."""
    canvas = FigureCanvasAgg(figure)
    with fonts.unseen():
        canvas.draw()
        drawn = [
            text
            for text in figure.findobj(Text)
            if isinstance(text, Text) and text.get_visible() and text.get_text().strip()
        ]
        renderer = canvas.get_renderer()
        places = [text.get_window_extent(renderer).extents for text in drawn]
    return [text.get_text() for text in drawn], np.array(places)


def overlapping(texts: list[str], places: np.ndarray) -> list[tuple[str, str]]:
    """Pairs of texts that overlap by more than half a pixel."""
    low = np.maximum(places[:, None, :2], places[None, :, :2])
    high = np.minimum(places[:, None, 2:], places[None, :, 2:])
    pairs = np.argwhere(np.triu((high - low > 0.5).all(axis=2), k=1))
    return [(texts[i], texts[j]) for i, j in pairs]


@pytest.mark.parametrize("classes", CASES.values(), ids=CASES)
def test_no_text_of_the_confusion_matrices_overlaps_or_is_cut(
    compared: Path, classes: list[str]
) -> None:
    figure = figures.confusion(with_classes(compared, classes), MODELS)
    texts, places = boxes(figure)
    assert overlapping(texts, places) == []
    assert set(classes) <= set(texts)
    assert any(text.startswith("1234") for text in texts)  # the counts are there
    assert places.min() >= 0
    assert (places[:, 2:] <= figure.bbox.size).all()


def test_shares_are_written_where_they_can_be_read(compared: Path) -> None:
    def shares(classes: list[str]) -> int:
        figure = figures.confusion(with_classes(compared, classes, 12), MODELS)
        return sum("%" in text for text in boxes(figure)[0])

    assert shares(CASES["five"]) == 3 * 5 * 5
    assert shares(CASES["eight"]) == 0


def test_names_are_text_in_the_svg_and_nothing_warns(
    compared: Path, tmp_path: Path, machine: Callable[..., None]
) -> None:
    machine()  # no font but matplotlib's own, which has no Hindi and no Chinese
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evidence = with_classes(compared, THIRTEEN)
        drawing.save(figures.confusion(evidence, MODELS), tmp_path, "confusion")
    svg = ElementTree.parse(tmp_path / "confusion.svg")
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    for name in THIRTEEN:
        assert texts.count(name) == 2 * len(MODELS)
    assert not (tmp_path / "confusion.png").exists()  # rather than with boxes for letters
    note = drawing.without_png(tmp_path, THIRTEEN)
    assert note.startswith(
        f"No font on this machine has all letters of {HINDI} and {CHINESE}: confusion.svg in "
    )


def test_letters_are_taken_from_a_font_of_the_machine(
    compared: Path, tmp_path: Path, hindi_font: Path, machine: Callable[..., None]
) -> None:
    damaged = tmp_path / "damaged.ttf"
    damaged.write_bytes(b"no font")
    machine(damaged, hindi_font)
    assert fonts.families("augite") == ["sans-serif"]
    assert fonts.families(f"augite {HINDI}") == ["sans-serif", "Squares for Hindi"]
    assert fonts.lacking(HINDI + CHINESE) == "".join(sorted(CHINESE))
    # six letters, each 0.6 of the size wide
    assert fonts.width(HINDI, 10) == pytest.approx(36, abs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evidence = with_classes(compared, ["augite", HINDI])
        drawing.save(figures.confusion(evidence, MODELS), tmp_path, "confusion")
    with Image.open(tmp_path / "confusion.png") as drawn:
        assert drawn.width > 1000
    assert drawing.without_png(tmp_path, [HINDI]) == ""


def test_very_long_names_lose_their_middle() -> None:
    assert fonts.fitted("olivine", 11, 400) == "olivine"
    name = "olivine " * 30 + "end"
    short = fonts.fitted(name, 11, 400)
    assert fonts.width(short, 11) <= 400
    assert short.startswith("olivine olivine")
    assert short.endswith("olivine end")
    assert "…" in short


def test_a_card_shows_the_likely_classes_and_sums_the_others(compared: Path) -> None:
    classes = sorted(f"class {i:02}" for i in range(13))
    evidence = with_classes(compared, classes)
    row = (
        evidence["gallery"]
        .iloc[:1]
        .drop(columns=[c for c in evidence["gallery"] if str(c)[:2] == "p_"])
    )
    # of 13 classes: the true one 0.01, the predicted one 0.6, ten of 0.03, one of 0.09
    chances = dict.fromkeys(classes, 0.03) | {"class 07": 0.01, "class 02": 0.6, "class 12": 0.09}
    row = row.assign(
        label="class 07", predicted="class 02", **{f"p_{n}": p for n, p in chances.items()}
    )
    (card,) = Pictures(evidence).cards(row)
    shown = ["class 00", "class 01", "class 02", "class 03", "class 07", "class 12", "7 others"]
    assert [name for name, _, _ in card.bars] == shown
    assert len(shown) == MOST_BARS + 1
    assert [mark for _, _, mark in card.bars] == ["", "", "named", "", "true", "", ""]
    assert card.bars[-1][1] == pytest.approx(7 * 0.03)


def test_names_from_right_to_left_keep_their_counts_beside_them(compared: Path) -> None:
    said = data_set(with_classes(compared, ["augite", ARABIC]))
    assert f"(augite 1, \u2068{ARABIC}\u2069 1)" in said


def test_a_study_can_have_any_classes(tmp_path: Path) -> None:
    table = write_study(tmp_path, synthetic_params(), classes=["same start 1", "same start 2"])
    assert table.groupby("group")["label"].nunique().max() == 1
    assert len(table) == 2 * 5 * 3
