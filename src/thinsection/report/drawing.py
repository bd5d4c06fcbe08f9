"""The style of the figures, and saving them as PNG and SVG, with the same bytes each time."""

import base64
import io
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("agg")  # before pyplot: no window, on any machine

from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text

from thinsection.report import fonts
from thinsection.report.wording import in_words

DPI = 150  # of the PNGs
STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": fonts.SANS_SERIF,
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 1.8,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "svg.hashsalt": "thinsection",  # makes ids in the file reproducible
    "svg.fonttype": "none",  # text stays text: the reader's fonts have the letters of any script
}


def panels(
    rows: int = 1, columns: int = 1, *, width: float = 9, height: float = 4.5, **how: Any
) -> tuple[Figure, np.ndarray]:
    """A figure, sized in inches, and its (rows, columns) axes; not registered with pyplot."""
    with plt.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **how)
    return figure, axes


def save(figure: Figure, folder: Path, name: str) -> str:
    """
    Write ``name``.png and ``name``.svg; returns the SVG as a data URL for the page.

    The PNG is left out if no font of this machine has all letters of the figure.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    lacking = "".join(fonts.lacking(text.get_text()) for text in texts)
    for text in texts:
        if len(families := fonts.families(text.get_text())) > 1:
            text.set_fontfamily(families)
    # The canvases directly, not savefig, which would draw each figure once more for its layout.
    with plt.rc_context(STYLE), fonts.unseen():
        figure.set_dpi(DPI)
        canvas = FigureCanvasAgg(figure)
        if lacking:
            canvas.draw()  # for the layout
        else:
            canvas.print_png(folder / f"{name}.png", metadata={"Software": None})
        figure.set_layout_engine("none")  # it has been laid out
        FigureCanvasSVG(figure).print_svg(drawn, metadata={"Date": None, "Creator": None})
    (folder / f"{name}.svg").write_bytes(drawn.getvalue())
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.getvalue()).decode("ascii")


def without_png(folder: Path, names: list[str]) -> str:
    """A note on the figures that ``save`` wrote as SVG alone, for ``names``; empty if none are."""
    alone = sorted(svg.name for svg in folder.glob("*.svg") if not svg.with_suffix(".png").exists())
    if not alone:
        return ""
    return (
        f"No font on this machine has all letters of {in_words(list(filter(fonts.lacking, names)))}: "
        f"{in_words(alone)} in {folder.name}/ can't be drawn as PNG as well. A browser shows them. "
        "For the PNGs install a font with these letters, e.g. of the Noto family, and run "
        "`dvc repro -f -s report`."
    )
