"""The Michel-Levy chart: interference colours over thickness, with the minerals' birefringence."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thinsection.base.arrays import Floats
from thinsection.base.errors import InputError
from thinsection.base.files import writing
from thinsection.render.colour import D65, WAVELENGTHS_NM, camera_matrix, encode, into_gamut
from thinsection.render.mineral import Mineral
from thinsection.render.minerals import MINERALS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".pdf", ".svg")
A4_LANDSCAPE_INCHES = (11.69, 8.27)
MOST_NM, MOST_UM = 2500, 50
ORDER_NM = 551  # the sensitive tint ends an order
LINES = (0.005, 0.007, 0.009, 0.012, 0.015, 0.020, 0.025, 0.030, 0.036, 0.045, 0.055, 0.100, 0.172)


def interference_colours(retardation_nm: Floats) -> Floats:
    """
    sRGB 0..1 of colourless crystals at 45 degrees between crossed polarisers, in daylight.

    Parameters
    ----------
    retardation_nm : (...)

    Returns
    -------
    colours : (..., 3), the nearest in the sRGB gamut with the same luminance

    Examples
    --------
    Black without a path difference, nearly white at 275 nm, and at 551 nm the sensitive tint: a
    violet without any green.

    >>> interference_colours(np.array([0.0, 275.0, 551.0])).round(1).tolist()
    [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.4, 0.0, 0.6]]
    """
    phase = np.pi * np.asarray(retardation_nm, float)[..., None] / WAVELENGTHS_NM
    return encode(into_gamut(np.sin(phase) ** 2 @ camera_matrix(D65)))


def typical_birefringence(mineral: Mineral) -> float:
    """Difference of the largest and smallest index in the middle of the mineral's compositions."""
    low, high = (float(np.ptp(np.array(indices))) for indices in mineral.indices)
    return low + sum(mineral.composition) / 2 * (high - low)


def write_chart(path: Path) -> None:
    """
    Draw the chart for A4 landscape.

    Raises
    ------
    InputError
        If the file's extension is not a supported format.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path}: allowed extensions are {', '.join(FORMATS)}. Rename it.")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=A4_LANDSCAPE_INCHES, layout="constrained")
    axes = figure.subplots()
    _draw_colours(axes)
    _draw_lines(axes)
    _draw_frame(axes)
    with writing(path) as partial:
        figure.savefig(partial, format=path.suffix[1:].lower(), dpi=200, metadata=_no_date(path))


def _no_date(path: Path) -> dict[str, None]:
    """Metadata without a date, so that the bytes are reproducible."""
    keys = {".pdf": ("CreationDate",), ".svg": ("Date",), ".png": ("Software",)}
    return dict.fromkeys(keys[path.suffix.lower()])


def _draw_colours(axes: "Axes") -> None:
    colours = interference_colours(np.arange(MOST_NM + 1.0))
    axes.imshow(
        colours[None],
        extent=(0, MOST_NM, 0, MOST_UM),
        aspect="auto",
        origin="lower",
        interpolation="bilinear",
    )


def _draw_lines(axes: "Axes") -> None:
    """A line for each birefringence, labelled at its end with value and minerals."""
    names = _names_by_line()
    for birefringence in LINES:
        reach_nm = birefringence * MOST_UM * 1000
        at_top = reach_nm <= MOST_NM
        end = (reach_nm, MOST_UM) if at_top else (MOST_NM, MOST_NM / birefringence / 1000)
        axes.plot([0, end[0]], [0, end[1]], color="black", linewidth=0.8)
        label = " ".join([f"{birefringence:.3f}", names.get(birefringence, "")]).strip()
        axes.annotate(
            label,
            end,
            xytext=(2, 3) if at_top else (4, 0),
            textcoords="offset points",
            rotation=60 if at_top else 0,
            va="bottom" if at_top else "center",
            fontsize=8,
            annotation_clip=False,
        )


def _names_by_line() -> dict[float, str]:
    """Minerals at the line nearest to their typical birefringence."""
    names: dict[float, list[str]] = {}
    for mineral in MINERALS.values():
        typical = typical_birefringence(mineral)
        if typical > 0:
            line = min(LINES, key=lambda value: abs(np.log(value / typical)))
            names.setdefault(line, []).append(mineral.name)
    return {line: ", ".join(each) for line, each in names.items()}


def _draw_frame(axes: "Axes") -> None:
    axes.axhline(30, color="black", linewidth=0.8, linestyle=(0, (6, 4)))
    axes.annotate("30 μm", (MOST_NM * 0.995, 30.4), ha="right", fontsize=8)
    for order in range(1, MOST_NM // ORDER_NM + 1):
        axes.axvline(order * ORDER_NM, color="black", linewidth=0.4, linestyle=":")
    for order, name in enumerate(("first", "second", "third", "fourth")):
        axes.annotate(f"{name} order", ((order + 0.5) * ORDER_NM, 1), ha="center", fontsize=9)
    axes.set(
        xlim=(0, MOST_NM),
        ylim=(0, MOST_UM),
        xlabel="retardation, nm\n\nInterference colours (Michel-Lévy): CIE 1931 observer, D65, no "
        "dispersion. Birefringence and minerals are given at the ends of the lines.",
        ylabel="thickness of the section, μm",
        xticks=range(0, MOST_NM + 1, 250),
    )
