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

DPI = 150  # of the PNGs
STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
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
    "svg.fonttype": "path",  # looks the same if the font is missing
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
    """Write ``name``.png and ``name``.svg; returns the SVG as a data URL for the page."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    # The canvases directly, not savefig, which would draw each figure once more for its layout.
    with plt.rc_context(STYLE):
        figure.set_dpi(DPI)
        FigureCanvasAgg(figure).print_png(folder / f"{name}.png", metadata={"Software": None})
        figure.set_layout_engine("none")  # it has been laid out
        FigureCanvasSVG(figure).print_svg(drawn, metadata={"Date": None, "Creator": None})
    (folder / f"{name}.svg").write_bytes(drawn.getvalue())
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.getvalue()).decode("ascii")
