"""Pictures of a count: the points on the section, and triangles with confidence regions."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from thinsection.base.arrays import Bytes, Floats
from thinsection.counting.count import Named
from thinsection.counting.shares import Shares

# of minerals, in the order of the model's classes; told apart on photos in either light
PALETTE = (
    *("#e6194b", "#3cb44b", "#ffe119", "#4363d8", "#f58231", "#911eb4", "#46f0f0", "#f032e6"),
    *("#bcf60c", "#fabebe", "#008080", "#e6beff", "#9a6324", "#fffac8", "#800000", "#aaffc3"),
    *("#808000", "#ffd8b1", "#000075", "#808080"),
)
UNLIKE = "#ffffff"
QUARTZ = ("quartz",)
ALKALI = ("k-feldspar", "kfeldspar", "alkali feldspar", "microcline", "orthoclase", "sanidine")
PLAGIOCLASE = ("plagioclase",)
FELDSPAR = ("feldspar", *ALKALI, *PLAGIOCLASE, "albite")
LITHIC = ("lithic", "lithic_fragment", "lithic fragment", "rock_fragment", "rock fragment")
TRIANGLES = {
    "QFL": (("quartz", QUARTZ), ("feldspar", FELDSPAR), ("lithic fragments", LITHIC)),
    "QAP": (("quartz", QUARTZ), ("alkali feldspar", ALKALI), ("plagioclase", PLAGIOCLASE)),
}
LEAST_SHARE = 0.1  # of the three ends among all minerals, for which a triangle says something


def colour_of(place: int) -> str:
    """The colour of a class, by its place among them."""
    return PALETTE[place % len(PALETTE)]


def with_points(overview: Bytes, width: int, found: Named, rows: np.ndarray) -> Image.Image:
    """A field with its points: coloured by name, rings where the set holds more than one."""
    picture = Image.fromarray(overview).convert("RGB")
    scale = picture.width / width
    radius = max(3, round(picture.width / 260))
    draw = ImageDraw.Draw(picture)
    for row in rows:
        x, y = found.points.x[row] * scale, found.points.y[row] * scale
        box = (x - radius, y - radius, x + radius, y + radius)
        colour = UNLIKE if found.unlike[row] else colour_of(int(found.label[row]))
        sure = len(found.sets[row]) == 1 and not found.unlike[row]
        draw.ellipse(box, fill=colour if sure else None, outline=colour, width=2)
        if sure:
            draw.ellipse(box, outline="#000000")
    return picture


def montage(pictures: list[Image.Image], legend: list[tuple[str, str]], across: int) -> Image.Image:
    """Fields side by side above a legend of (name, colour)."""
    from PIL import ImageFont

    font = ImageFont.load_default(16)
    width = max(picture.width for picture in pictures)
    height = max(picture.height for picture in pictures)
    columns = min(across, len(pictures))
    rows = -(-len(pictures) // columns)
    whole = columns * width
    in_line = max(1, whole // 190)
    lines = -(-len(legend) // in_line)
    sheet = Image.new("RGB", (whole, rows * height + 28 * lines + 12), "white")
    for k, picture in enumerate(pictures):
        sheet.paste(picture, (k % columns * width, k // columns * height))
    draw = ImageDraw.Draw(sheet)
    for k, (name, colour) in enumerate(legend):
        x, y = k % in_line * 190 + 8, rows * height + 8 + k // in_line * 28
        draw.ellipse((x, y + 2, x + 14, y + 16), fill=colour, outline="black")
        draw.text((x + 22, y), name, fill="black", font=font)
    return sheet


def triangle_ends(shares: Shares, name: str) -> tuple[Floats, Floats] | None:
    """(3,) share and (n_draws, 3) draws of a triangle's ends among themselves; None if it says nothing."""
    columns = [
        [k for k, each in enumerate(shares.classes) if each.casefold() in members]
        for _, members in TRIANGLES[name]
    ]
    if sum(bool(part) for part in columns) < 2 or (name == "QFL" and not columns[2]):
        return None
    share = np.array([shares.share[part].sum() for part in columns])
    draws = np.stack([shares.draws[:, part].sum(axis=1) for part in columns], axis=1)
    if share.sum() < LEAST_SHARE:
        return None
    return share / share.sum(), draws / np.maximum(draws.sum(axis=1, keepdims=True), 1e-12)


def triangle(shares: Shares, name: str, confidence: float) -> bytes | None:
    """A ternary diagram as PNG: the estimate, and the region that holds the section's true place."""
    ends = triangle_ends(shares, name)
    if ends is None:
        return None
    import mpltern  # noqa: F401 - registers the projection
    from matplotlib.figure import Figure
    from scipy.spatial import ConvexHull, QhullError

    share, draws = ends
    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axes: Any = figure.add_subplot(projection="ternary", ternary_sum=100)
    for edge, (title, _) in zip("tlr", TRIANGLES[name], strict=True):
        getattr(axes, f"set_{edge}label")(f"{title}, %")
    inside = _densest(draws, confidence)
    try:
        hull = inside[ConvexHull(inside[:, :2]).vertices]
        axes.fill(*(100 * hull.T), facecolor="#4363d8", alpha=0.25, edgecolor="#4363d8")
    except QhullError:  # no width in one direction
        axes.scatter(*(100 * inside.T), s=2, color="#4363d8", alpha=0.3)
    axes.scatter(*(100 * share[:, None]), s=40, color="#e6194b", edgecolor="black", zorder=3)
    axes.grid(alpha=0.4)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _densest(draws: Floats, confidence: float) -> Floats:
    """The draws nearest to their mean, as many as ``confidence`` says (Mahalanobis distance)."""
    plane = draws[:, :2] - draws[:, :2].mean(axis=0)
    spread = np.linalg.pinv(np.cov(plane.T) + 1e-12 * np.eye(2))
    far = np.einsum("ni,ij,nj->n", plane, spread, plane)
    inside: Floats = draws[far <= np.quantile(far, confidence)]
    return inside
