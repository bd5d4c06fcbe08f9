"""Facts of a photo other than its mineral: brightness, contrast, sharpness, border, scale bar."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from thinsection.base.arrays import Bools, Bytes, Ints, Numbers
from thinsection.ingest.windows import SIDE

EVEN = 6  # grey levels: greatest range in a border, including JPEG noise
BAR_LENGTH = (0.08, 0.6)  # of the photo's width
BAR_THICKNESS = 0.08  # of the photo's height, at most
BAR_ELONGATION = 3  # length over thickness, at least
BAR_CONTRAST = 40  # grey levels between a bar and the rock above and below it
BAR_UNEVEN = 40  # grey levels: greatest range in a bar, including JPEG ringing
BAR_SLACK_PX = 3  # by which the ends of its two edges may differ
MOST_EDGES = 200  # a photo with more is a drawing


@dataclass(frozen=True)
class Facts:
    """
    Measurements of one photo.

    Attributes
    ----------
    brightness : mean grey level, 0..255
    contrast : standard deviation of the thumbnail, grey levels
    sharpness : standard deviation of neighbouring pixels' second difference, in units of the
        photo's own standard deviation, at the packed size, which a model sees
    border : whether there is a uniform strip along an edge
    scale_bar : whether there is a horizontal rectangle, long and thin, unlike the rock around it
    """

    brightness: float
    contrast: float
    sharpness: float
    border: bool
    scale_bar: bool


def thumbnail(grey: Image.Image) -> Bytes:
    """(SIDE, SIDE) uint8: the whole photo, each side scaled separately."""
    return np.asarray(grey.resize((SIDE, SIDE), Resampling.BOX))


def facts_of(grey: Image.Image, small: Bytes, thumb: Bytes) -> Facts:
    """
    The facts of one photo.

    Parameters
    ----------
    grey : mode L, as decoded
    small : (height, width, 3) uint8, as packed
    thumb : (SIDE, SIDE) uint8
    """
    levels = np.asarray(grey)
    brightness, contrast = _mean_and_spread(thumb)
    return Facts(
        brightness=brightness,
        contrast=contrast,
        sharpness=sharpness(small[..., 1]),
        border=has_border(levels),
        scale_bar=has_scale_bar(levels),
    )


def sharpness(channel: Bytes) -> float:
    """The second difference along rows, relative to the spread of the (h, w) uint8 channel."""
    levels = channel[::3].astype(np.int16)  # every third row is enough
    second = levels[:, 2:] - 2 * levels[:, 1:-1] + levels[:, :-2]
    return _mean_and_spread(second)[1] / max(_mean_and_spread(levels)[1], 1e-3)


def _mean_and_spread(values: Numbers) -> tuple[float, float]:
    """Mean and standard deviation; several times faster than NumPy's for a few thousand numbers."""
    flat = values.astype(np.float64, copy=False).ravel()
    mean = float(flat.sum()) / flat.size
    return mean, max(float(flat @ flat) / flat.size - mean**2, 0.0) ** 0.5


def has_border(levels: Bytes) -> bool:
    """Whether a strip of at least 1 % (2 pixels) along an edge of (h, w) uint8 is uniform."""
    for lines in (levels, levels[::-1], levels.T, levels.T[::-1]):
        depth = max(2, round(0.01 * len(lines)))
        if int(lines[0].max()) - int(lines[0].min()) > EVEN or len(lines) < 2 * depth:
            continue
        if int(np.ptp(lines[:depth])) <= EVEN and int(np.ptp(levels)) > EVEN:
            return True
    return False


def has_scale_bar(levels: Bytes) -> bool:
    """
    Whether (h, w) uint8 shows a scale bar: a horizontal rectangle, long, thin and uniform.

    Its upper and lower edges are runs of pixels, in the same columns, where the grey level steps by
    ``BAR_CONTRAST`` in opposite directions. Rock hardly has such long horizontal edges.
    """
    height, width = levels.shape
    shortest = max(8, round(BAR_LENGTH[0] * width))
    if height < 16 or width < 2 * shortest:
        return False
    # A quick test on a few columns: a bar's edges span at least four neighbouring ones, and are
    # close to each other; most photos end here.
    coarse = _steps(levels[:, :: shortest // 4])
    rows = [_rows_with_run(strong) for strong in (coarse >= BAR_CONTRAST, coarse <= -BAR_CONTRAST)]
    if not (abs(np.subtract.outer(*rows)) <= _thickest(height)).any():
        return False
    step = _steps(levels)
    brighter = _level_edges(step, shortest)
    darker = _level_edges(-step, shortest) if brighter else []
    return any(
        _is_bar(levels, first, second) or _is_bar(levels, second, first)
        for first in brighter
        for second in darker
    )


def _steps(levels: Bytes) -> Ints:
    """(h - 2, w) int16 change over two rows, because JPEG and resizing blur an edge."""
    grey = levels.astype(np.int16)
    return grey[2:] - grey[:-2]


def _rows_with_run(strong: Bools) -> Ints:
    """The rows of (h, w) bool with three consecutive true values."""
    return np.flatnonzero((strong[:, :-2] & strong[:, 1:-1] & strong[:, 2:]).any(axis=1))


def _thickest(height: int) -> float:
    """The greatest thickness of a scale bar, in rows."""
    return max(3, BAR_THICKNESS * height)


Edge = tuple[int, int, int]  # row, first column, column after the last


def _level_edges(step: Ints, shortest: int) -> list[Edge]:
    """The runs of at least ``shortest`` pixels with a step of at least ``BAR_CONTRAST``."""
    strong = step >= BAR_CONTRAST
    rows = np.flatnonzero(np.count_nonzero(strong, axis=1) >= shortest)
    framed = np.zeros((len(rows), step.shape[1] + 2), bool)  # so that every run begins and ends
    framed[:, 1:-1] = strong[rows]
    place, column = np.nonzero(framed[:, 1:] != framed[:, :-1])
    runs = np.stack([rows[place[::2]], column[::2], column[1::2]], 1)
    edges = runs[runs[:, 2] - runs[:, 1] >= shortest].tolist()
    return [(row, start, stop) for row, start, stop in edges] if len(edges) <= MOST_EDGES else []


def _is_bar(levels: Bytes, upper: Edge, lower: Edge) -> bool:
    thickness = lower[0] - upper[0]
    length = upper[2] - upper[1]
    if not 2 <= thickness <= _thickest(len(levels)):
        return False
    if length < BAR_ELONGATION * thickness or length > BAR_LENGTH[1] * levels.shape[1]:
        return False
    if abs(upper[1] - lower[1]) > BAR_SLACK_PX or abs(upper[2] - lower[2]) > BAR_SLACK_PX:
        return False
    # step[i] is between rows i and i + 2, so the bar's own rows start at upper + 2
    inside = levels[upper[0] + 2 : lower[0] + 1, upper[1] + 2 : upper[2] - 2]
    return inside.size > 0 and int(np.ptp(inside)) <= BAR_UNEVEN
