"""Crystal geometry: lattices, faces, half turns, orientation of the indicatrix."""

from functools import cache

import numpy as np

from thinsection.base.arrays import Floats
from thinsection.render.mineral import PLAGIOCLASE_AXES, Hkl, Mineral
from thinsection.render.minerals import MINERALS
from thinsection.render.plagioclase import plagioclase_axes, plagioclase_indices


def lattice(cell: tuple[float, ...]) -> Floats:
    """
    (3, 3) rows a, b, c in the crystal frame: z along c, y along b*, a in the plane of x and z.

    Parameters
    ----------
    cell : a, b, c (angstroms), alpha, beta, gamma (degrees)
    """
    a, b, c = cell[:3]
    cos_alpha, cos_beta, cos_gamma = np.cos(np.radians(cell[3:]))
    sin_alpha, sin_beta = np.sin(np.radians(cell[3:5]))
    # gamma* of the reciprocal cell turns b out of the plane of y and z
    cos_gamma_star = (cos_alpha * cos_beta - cos_gamma) / (sin_alpha * sin_beta)
    sin_gamma_star = np.sqrt(1 - cos_gamma_star**2)
    return np.array(
        [
            [a * sin_beta, 0, a * cos_beta],
            [-b * sin_alpha * cos_gamma_star, b * sin_alpha * sin_gamma_star, b * cos_alpha],
            [0, 0, c],
        ]
    )


def reciprocal(cell: tuple[float, ...]) -> Floats:
    """(3, 3) rows a*, b*, c*."""
    return np.linalg.inv(lattice(cell)).T


def unit(vectors: Floats) -> Floats:
    """Vectors (..., 3), normalised to length 1."""
    length: Floats = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / length


@cache
def face_normal(mineral: str, hkl: Hkl) -> Floats:
    """(3,) unit normal of the lattice planes (hkl)."""
    return unit(np.array(hkl, float) @ reciprocal(MINERALS[mineral].cell))


def direction(mineral: Mineral, name: str) -> Floats:
    """(3,) unit vector of "a", "b", "c", "a*", "b*", "c*" or of the normal of "hkl"."""
    if name.isdigit():
        h, k, i = (int(digit) for digit in name)
        return face_normal(mineral.name, (h, k, i))
    return _cell_direction(mineral.cell, name)


@cache
def _cell_direction(cell: tuple[float, ...], name: str) -> Floats:
    rows = reciprocal(cell) if name.endswith("*") else lattice(cell)
    return unit(rows["abc".index(name[0])])


def half_turn(axis: Floats) -> Floats:
    """Matrices (..., 3, 3) of a turn by 180 degrees about unit vectors (..., 3): twin laws."""
    return 2 * axis[..., :, None] * axis[..., None, :] - np.eye(3)


def turn(axis: Floats, angle: float | Floats) -> Floats:
    """(..., 3, 3) turn by ``angle`` radians about unit vectors (..., 3) (Rodrigues)."""
    angle = np.asarray(angle)[..., None, None]
    x, y, z = np.moveaxis(np.asarray(axis, float), -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    along = axis[..., :, None] * axis[..., None, :]
    cos, sin = np.cos(angle), np.sin(angle)
    matrices: Floats = cos * np.eye(3) + sin * cross + (1 - cos) * along
    return matrices


def random_rotations(n: int, rng: np.random.Generator) -> Floats:
    """(n, 3, 3) rotations from crystal frame to stage, uniformly distributed."""
    w, x, y, z = unit(rng.standard_normal((n, 4))).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def aligned_rotations(axis: Floats, wanted: Floats, rng: np.random.Generator) -> Floats:
    """
    (n, 3, 3) rotations that bring a crystal's ``axis`` to ``wanted``, with a random turn about it.

    Parameters
    ----------
    axis : (3,) in the crystal frame
    wanted : (n, 3) on the stage
    """
    middle = unit(axis + wanted + 1e-9)  # a half turn about the middle swaps the two
    spin = turn(wanted, rng.uniform(0, 2 * np.pi, len(wanted)))
    return spin @ half_turn(middle)


def indicatrix(mineral: Mineral, composition: float, tilt_deg: float) -> tuple[Floats, Floats]:
    """
    Principal indices and, as rows, the directions of X, Y, Z in the crystal frame.

    Parameters
    ----------
    composition : 0..1 between the two ends of the mineral's entry
    tilt_deg : turn about b of monoclinic minerals, from c towards a*

    Returns
    -------
    indices : (3,)
    axes : (3, 3)
    """
    if mineral.axes == PLAGIOCLASE_AXES:
        anorthite = round(100 * composition)
        return plagioclase_indices()[anorthite], plagioclase_axes()[anorthite]
    low, high = np.array(mineral.indices)
    axes = np.array([direction(mineral, name) for name in mineral.axes])
    about_b = turn(direction(mineral, "b"), np.radians(tilt_deg))
    return low + composition * (high - low), axes @ about_b.T
