"""Smooth random fields and rulings, for variation within a photo."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from thinsection.base.arrays import Floats, Ints

POINTS_A_CELL = 2.0
FINEST_CELL_PX = 1.5
TABLE = 4096  # a power of two, so that an index wraps with a mask


def noise(
    shape: tuple[int, int], cell_px: float, rng: np.random.Generator, octaves: int = 1
) -> Floats:
    """
    (h, w) float32 Gaussian noise, smooth over ``cell_px``; standard deviation about 1.

    Each octave halves the cell and the amplitude. Octaves are added on a grid just fine enough
    for the finest one and interpolated once: at full size they would take most of the time.
    """
    finest = max(cell_px / 2 ** (octaves - 1), FINEST_CELL_PX)
    coarse = max(finest / POINTS_A_CELL, 1.0)  # px between the points of that grid
    points = (int(shape[0] / coarse) + 4, int(shape[1] / coarse) + 4)
    total = np.zeros(points, np.float32)
    amplitude, power = 1.0, 0.0
    for octave in range(octaves):
        cell = max(cell_px / 2**octave, FINEST_CELL_PX)
        total += np.float32(amplitude) * _smooth(points, cell / coarse, rng)
        power += amplitude**2
        amplitude /= 2
    total /= np.float32(
        np.sqrt(power) * 0.72
    )  # 0.72: standard deviation left by bicubic interpolation
    if coarse == 1:
        return total[: shape[0], : shape[1]]
    box = (1, 1, 1 + shape[1] / coarse, 1 + shape[0] / coarse)
    return _resized(total, shape, box)


def _smooth(shape: tuple[int, int], cell: float, rng: np.random.Generator) -> Floats:
    rows, columns = (int(side / cell) + 4 for side in shape)
    left, top = rng.uniform(0, 1, 2)
    box = (1 + left, 1 + top, 1 + left + shape[1] / cell, 1 + top + shape[0] / cell)
    return _resized(rng.standard_normal((rows, columns), np.float32), shape, box)


def _resized(
    values: Floats, shape: tuple[int, int], box: tuple[float, float, float, float]
) -> Floats:
    image = Image.fromarray(values)
    return np.asarray(image.resize(shape[::-1], Image.Resampling.BICUBIC, box=box))


def ramp(values: Floats, low: float | Floats, high: float | Floats) -> Floats:
    """0 below ``low``, 1 above ``high``, smooth between (Hermite); falling if high < low."""
    t: Floats = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True)
class Rulings:
    """
    Parallel lines at irregular distances: cleavage, twin planes, cracks.

    Line ``k`` is at (k + jitter) spacings, so lines never cross and the nearest one is found
    without a search. ``chance`` is a table of uniform numbers shared by all rulings of a photo,
    each with its own ``offset``.
    """

    chance: Floats  # (TABLE,) float32 in 0..1

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Rulings":
        """Draw a new table."""
        return cls(rng.random(TABLE, np.float32))

    def pick(self, number: Ints, offset: Ints | int) -> Floats:
        """The uniform number of line ``number`` in the ruling that starts at ``offset``."""
        return np.take(self.chance, (number + offset) & (TABLE - 1))

    def nearest(self, position: Floats, spacing: Floats, offset: Ints) -> tuple[Ints, Floats]:
        """
        Number of the nearest line and the signed distance from it, in the unit of ``position``.

        Parameters
        ----------
        position : (n_pixels,) float32, across the lines
        spacing : (n_pixels,) mean distance of lines
        offset : (n_pixels,) int32
        """
        scaled = position / spacing
        line = np.rint(scaled).astype(np.int32)
        jitter = self.pick(line, offset) - np.float32(0.5)
        return line, (scaled - line - np.float32(0.7) * jitter) * spacing
