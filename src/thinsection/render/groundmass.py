"""The fine groundmass of lavas: microlites, ore, a little glass."""

import numpy as np

from thinsection.base.arrays import Floats, Ints
from thinsection.render.crystals import random_rotations
from thinsection.render.minerals import MINERALS
from thinsection.render.texture import SPECIES, Fabric, Grains

PROTOTYPES = 64  # crystal orientations that the microlites share


def add_groundmass(
    grains: Grains,
    fabric: Fabric,
    shares: dict[str, float],
    stop: float,
    cell_px: float,
    rng: np.random.Generator,
) -> tuple[Grains, Fabric]:
    """
    Stop the growth of the phenocrysts and fill the space between them with microlites.

    Each cell of a grid contains one lath; a pixel belongs to whichever lath of the nine cells
    around it reaches it first, so the cost depends on the number of pixels, not of laths.

    Parameters
    ----------
    stop : age, in radii, at which phenocrysts stop growing
    cell_px : side of a cell, about the length of a lath

    Returns
    -------
    grains : with ``PROTOTYPES`` additional crystals of radius 0
    fabric : of phenocrysts and groundmass
    """
    pixels = np.flatnonzero(fabric.age.ravel() > stop)
    names = list(shares)
    species = rng.choice(
        [SPECIES.index(name) for name in names], PROTOTYPES, p=list(shares.values())
    )
    first = len(grains)
    grains = _with_prototypes(grains, species, rng)
    if not len(pixels):
        return grains, fabric
    prototype, margin = _microlites(pixels, fabric.grain.shape, species, cell_px, rng)
    fabric.grain.ravel()[pixels] = first + prototype
    fabric.margin.ravel()[pixels] = margin
    rest = np.ones(fabric.grain.size, bool)
    rest[pixels] = False
    to_stop = (np.float32(stop) - fabric.age.ravel()) * grains.radius.astype(np.float32)[
        fabric.grain.ravel()
    ]
    flat = fabric.margin.ravel()
    flat[rest] = np.minimum(flat[rest], np.maximum(to_stop[rest], 0))
    return grains, fabric


def _with_prototypes(grains: Grains, species: Ints, rng: np.random.Generator) -> Grains:
    n = len(species)
    return Grains(
        species=np.concatenate([grains.species, species]),
        rotation=np.concatenate([grains.rotation, random_rotations(n, rng)]),
        centre=np.concatenate([grains.centre, np.zeros((n, 2))]),
        radius=np.concatenate([grains.radius, np.zeros(n)]),
        start=np.concatenate([grains.start, np.zeros(n)]),
        rounded=np.concatenate([grains.rounded, np.ones(n, bool)]),
        depth=np.concatenate([grains.depth, np.zeros(n)]),
        stretch=np.concatenate([grains.stretch, np.ones((n, 3))]),
    )


def _microlites(
    pixels: Ints, shape: tuple[int, int], species: Ints, cell: float, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Prototype of each pixel's lath, and distance to the next lath, px."""
    rows, columns = int(shape[0] / cell) + 4, int(shape[1] / cell) + 4
    kind = rng.integers(0, PROTOTYPES, rows * columns)
    flow = rng.uniform(0, np.pi)
    angle = flow + rng.normal(0, rng.uniform(0.3, 3), rows * columns)
    laths = np.array([mineral.microlite for mineral in MINERALS.values()])[species[kind]]
    size = cell * 0.55 * np.exp(0.25 * rng.standard_normal(rows * columns))
    along = (np.stack([np.cos(angle), np.sin(angle)], 1) / (laths[:, :1] * size[:, None])).astype(
        "f4"
    )
    across = (np.stack([-np.sin(angle), np.cos(angle)], 1) / (laths[:, 1:] * size[:, None])).astype(
        "f4"
    )
    grid = np.stack(np.meshgrid(np.arange(columns) - 1.5, np.arange(rows) - 1.5), -1).reshape(-1, 2)
    centre = ((grid + rng.uniform(-0.4, 0.4, grid.shape)) * cell).astype("f4")
    y, x = np.divmod(pixels.astype(np.int32), np.int32(shape[1]))
    home = (y // cell).astype(np.int32) * columns + (x // cell).astype(np.int32) + 2 * columns + 2
    best = np.full(len(pixels), 1e6, np.float32)
    second = best.copy()
    owner = np.zeros(len(pixels), np.int32)
    for step in (r * columns + c for r in (-1, 0, 1) for c in (-1, 0, 1)):
        lath = home + step
        dx, dy = x - centre[lath, 0], y - centre[lath, 1]
        time = np.maximum(
            np.abs(dx * along[lath, 0] + dy * along[lath, 1]),
            np.abs(dx * across[lath, 0] + dy * across[lath, 1]),
        )
        second = np.minimum(second, np.maximum(time, best))
        owner = np.where(time < best, lath, owner)
        best = np.minimum(best, time)
    margin = (second - best) * np.float32(cell * 0.2)
    return kind[owner], np.maximum(margin, 0.6)
