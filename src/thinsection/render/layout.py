"""Layout of a field: where crystals start to grow, their minerals and orientations."""

import numpy as np

from thinsection.base.arrays import Bools, Floats, Ints
from thinsection.render.crystals import aligned_rotations, direction, random_rotations, unit
from thinsection.render.minerals import MINERALS
from thinsection.render.rocks import ROCKS
from thinsection.render.specimen import Specimen
from thinsection.render.texture import SPECIES, Grains

STEP = 1.5  # mean distance of grains, in radii


def lay_out(
    specimen: Specimen,
    shape: tuple[int, int],
    radius_px: float,
    share: float,
    rng: np.random.Generator,
) -> Grains:
    """
    The grains of a field of view.

    Parameters
    ----------
    radius_px : median radius of a grain
    share : of the area for the specimen's label, if it has one; its grains are clustered

    Returns
    -------
    grains : including some with their centre outside the field
    """
    rock = ROCKS[specimen.rock]
    centre = _scattered(shape, STEP * radius_px, rng)
    radius = radius_px * np.exp(0.3 * rng.standard_normal(len(centre)))
    is_label = np.zeros(len(centre), bool)
    if specimen.label:
        is_label = _clustered(centre, radius, shape, share, rng)
    modes = specimen.modes or rock.minerals
    names = [name for name in modes if name != specimen.label]
    chances = np.array([modes[name] for name in names])
    numbers = np.array([SPECIES.index(name) for name in names])
    species = rng.choice(numbers, len(centre), p=chances / chances.sum())
    if specimen.label:
        species[is_label] = SPECIES.index(specimen.label)
    if rock.groundmass:  # few phenocrysts are of other minerals
        keep = is_label | (rng.random(len(centre)) < 0.3)
        centre, radius, species = centre[keep], radius[keep], species[keep]
    table = [MINERALS[name] for name in SPECIES]
    rounded = np.array([mineral.rounded for mineral in table])[species]
    return Grains(
        species=species,
        rotation=_orientations(specimen, species, rng),
        centre=centre,
        radius=radius * np.array([mineral.size for mineral in table])[species],
        start=np.array([mineral.start for mineral in table])[species]
        + 0.15 * rng.standard_normal(len(species)),
        rounded=rng.random(len(species)) < rounded * (0.4 if rock.groundmass else 1.0),
        depth=rng.uniform(-0.4, 0.4, len(species)),
        stretch=np.exp(0.22 * rng.standard_normal((len(species), 3))),
    )


def _scattered(shape: tuple[int, int], step: float, rng: np.random.Generator) -> Floats:
    """(n, 2) points of a jittered grid that extends one step beyond the field."""
    rows = np.arange(-step, shape[0] + step, step)
    columns = np.arange(-step, shape[1] + step, step)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    return grid + rng.uniform(-0.45, 0.45, grid.shape) * step


def _clustered(
    centre: Floats, radius: Floats, shape: tuple[int, int], share: float, rng: np.random.Generator
) -> Bools:
    """(n,) bool: grains near one place, enough of them to cover ``share`` of the field."""
    h, w = shape
    middle = np.array([w, h]) * rng.uniform(0.3, 0.7, 2)
    distance = np.hypot(*(centre - middle).T) * rng.uniform(0.6, 1.4, len(centre))
    inside = ((centre >= 0) & (centre <= [w, h])).all(axis=1)
    order = np.argsort(distance)
    covered = np.cumsum((radius**2 * inside)[order])
    chosen = np.zeros(len(centre), bool)
    chosen[order[covered <= share * covered[-1]]] = True
    chosen[order[0]] |= share > 0
    return chosen


def _orientations(specimen: Specimen, species: Ints, rng: np.random.Generator) -> Floats:
    rotation = random_rotations(len(species), rng)
    foliation = ROCKS[specimen.rock].foliation
    if not foliation:
        return rotation
    normal = np.array([np.cos(specimen.foliation_rad), np.sin(specimen.foliation_rad), 0])
    for number, mineral in enumerate(MINERALS.values()):
        if not mineral.platy:
            continue
        rows = np.flatnonzero(species == number)
        scatter = (1.05 - foliation) * rng.standard_normal((len(rows), 3))
        sheet = direction(mineral, "c*")
        rotation[rows] = aligned_rotations(sheet, unit(normal + scatter), rng)
    return rotation
