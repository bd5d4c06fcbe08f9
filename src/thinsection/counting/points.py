"""Where to count: points over fields of view, stratified at random or on a grid."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from thinsection.base.arrays import Floats, Ints

Spread = Literal["random", "grid"]
NEAREST_PX = 8  # least mean distance of points: closer ones would see the same


@dataclass(frozen=True)
class Points:
    """
    Points of a section.

    Attributes
    ----------
    field : (n,) place of each point's field of view
    x, y : (n,) its pixel there
    """

    field: Ints
    x: Ints
    y: Ints

    def __len__(self) -> int:
        return len(self.field)


def spread(sizes: list[tuple[int, int]], n: int, how: Spread, rng: np.random.Generator) -> Points:
    """
    ``n`` points over fields, as many in each as its area asks for; fewer where fields are too small.

    Parameters
    ----------
    sizes : width and height of each field, pixels
    how : random: one at a random place of each cell of a grid | grid: in a square grid with a random start

    Returns
    -------
    points : by field, in reading order; on a grid about as many as asked
    """
    room = np.array([max(width * height // NEAREST_PX**2, 1) for width, height in sizes])
    areas = np.array([width * height for width, height in sizes], float)
    asked = np.minimum(_shared_out(n, areas), room)
    field, x, y = [], [], []
    for place, ((width, height), wanted) in enumerate(zip(sizes, asked, strict=True)):
        if not wanted:
            continue
        xs, ys = (_in_cells if how == "random" else _on_grid)(width, height, int(wanted), rng)
        field.append(np.full(len(xs), place))
        x.append(xs)
        y.append(ys)
    return Points(np.concatenate(field), np.concatenate(x), np.concatenate(y))


def _shared_out(n: int, areas: Floats) -> Ints:
    """(n_fields,) whole numbers of sum ``n``, in proportion to the areas."""
    exact = n * areas / areas.sum()
    shared: Ints = np.floor(exact).astype(int)
    order = np.argsort(shared - exact, kind="stable")
    shared[order[: n - shared.sum()]] += 1
    return shared


def _in_cells(width: int, height: int, n: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    rows = max(round(np.sqrt(n * height / width)), 1)
    columns = -(-n // rows)
    cells = np.sort(rng.permutation(rows * columns)[:n])
    row, column = np.divmod(cells, columns)
    x = (column + rng.random(n)) * width / columns
    y = (row + rng.random(n)) * height / rows
    return x.astype(int), y.astype(int)


def _on_grid(width: int, height: int, n: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    step = np.sqrt(width * height / n)
    xs, ys = (np.arange(rng.random() * step, end, step).astype(int) for end in (width, height))
    if not len(xs) * len(ys):
        return np.array([width // 2]), np.array([height // 2])
    y, x = np.meshgrid(ys, xs, indexing="ij")
    return x.ravel(), y.ravel()
