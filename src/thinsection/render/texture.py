"""
The fabric of a rock: which grain every pixel belongs to.

Grains race: each starts at its own time and reaches a point p at the time
start + max over faces of |n.(p - centre)| / distance, so early minerals show their faces and late
ones fill what is left. The section cuts each crystal at its own depth.
"""

from dataclasses import dataclass

import numpy as np

from thinsection.render.crystals import face_normal
from thinsection.render.fields import noise
from thinsection.render.minerals import MINERALS

Array = np.ndarray

SPECIES: tuple[str, ...] = tuple(MINERALS)
LAST = 1.35  # age, in radii, by which grains have met their neighbours
DIRECTIONS = 64  # tried to find out which faces the section shows
NEVER = np.float32(1e6)
_ANGLE = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
AROUND = np.stack([np.cos(_ANGLE), np.sin(_ANGLE)])  # (2, DIRECTIONS)


@dataclass
class Grains:
    """
    Crystals, one row each.

    Attributes
    ----------
    species : (n,) int, place in SPECIES
    rotation : (n, 3, 3) crystal frame -> stage
    centre : (n, 2) x, y, px
    radius : (n,) px
    start : (n,) time, in radii
    rounded : (n,) bool, no faces of its own
    depth : (n,) of the section above the centre, in radii
    stretch : (n, 3) along a*, b, c, of grains without faces: no two are alike
    """

    species: Array
    rotation: Array
    centre: Array
    radius: Array
    start: Array
    rounded: Array
    depth: Array
    stretch: Array

    def __len__(self) -> int:
        return len(self.species)


@dataclass
class Fabric:
    """
    The race's result.

    Attributes
    ----------
    grain : (h, w) int32, row of Grains
    age : (h, w) float32, time since the grain's start, in radii
    margin : (h, w) float32, px to the next grain, roughly
    """

    grain: Array
    age: Array
    margin: Array


def grow(
    grains: Grains, shape: tuple[int, int], waviness_px: float, rng: np.random.Generator
) -> Fabric:
    """
    Let the grains race over a field of ``shape`` pixels.

    Parameters
    ----------
    waviness_px : how far grain boundaries stray from straight
    """
    h, w = shape
    cell = float(np.median(grains.radius)) * 0.7
    x = np.arange(w, dtype=np.float32)[None] + np.float32(waviness_px) * noise(shape, cell, rng, 3)
    y = np.arange(h, dtype=np.float32)[:, None] + np.float32(waviness_px) * noise(
        shape, cell, rng, 3
    )
    first = np.full(shape, NEVER)
    second = np.full(shape, NEVER)
    winner = np.zeros(shape, np.int32)
    faces, ellipses = visible_faces(grains), elliptic_sections(grains)
    left, right, top, bottom = _windows(grains, half_sizes(grains, faces, ellipses), shape)
    for g in range(len(grains)):
        window = np.s_[top[g] : bottom[g], left[g] : right[g]]
        dx, dy = (
            x[window] - np.float32(grains.centre[g, 0]),
            y[window] - np.float32(grains.centre[g, 1]),
        )
        if not dx.size:
            continue
        if grains.rounded[g]:
            time = _elliptic_time(dx, dy, ellipses[g])
        else:
            time = _faceted_time(dx, dy, faces[g], grains.depth[g] * grains.radius[g])
        time *= np.float32(1 / grains.radius[g])
        time += np.float32(grains.start[g])
        _race(time, g, first[window], second[window], winner[window])
    _fill(first, second, winner)
    radius = grains.radius.astype(np.float32)[winner]
    start = grains.start.astype(np.float32)[winner]
    return Fabric(winner, first - start, np.minimum((second - first) * radius * 0.6, radius))


def _race(time: Array, g: int, first: Array, second: Array, winner: Array) -> None:
    np.minimum(second, np.maximum(time, first), out=second)
    np.copyto(winner, g, where=time < first)
    np.minimum(first, time, out=first)


def _windows(grains: Grains, reach: Array, shape: tuple[int, int]) -> tuple[list[int], ...]:
    """First and last column, first and last row that each grain may reach."""
    low = np.clip(np.floor(grains.centre - reach), 0, shape[::-1]).astype(int)
    high = np.clip(np.ceil(grains.centre + reach) + 1, 0, shape[::-1]).astype(int)
    return low[:, 0].tolist(), high[:, 0].tolist(), low[:, 1].tolist(), high[:, 1].tolist()


def half_sizes(grains: Grains, faces: list[Array], ellipses: Array) -> Array:
    """
    (n, 2) px from the centre that each grain reaches by age ``LAST``, along x and y.

    The box of an ellipse is exact: the diagonal of the inverse of its form. Faceted grains are
    tried in ``DIRECTIONS``; a tenth is added for corners that lie between two of them.
    """
    xx, xy, yy = ellipses.T
    box = np.sqrt(np.stack([yy, xx], axis=-1) / (xx * yy - xy * xy)[:, None])
    for g in np.flatnonzero(~grains.rounded):
        times = np.abs(faces[g][:, :2] @ AROUND).max(axis=0)
        box[g] = 1.1 * (np.abs(AROUND) / np.maximum(times, 0.05)).max(axis=1)
    return LAST * box * grains.radius[:, None] + 2


def _faceted_time(dx: Array, dy: Array, faces: Array, depth_px: float) -> Array:
    time = np.zeros_like(dx)
    for nx, ny, nz in faces:
        t = dx * np.float32(nx)
        t += dy * np.float32(ny)
        t += np.float32(nz * depth_px)
        np.abs(t, out=t)
        np.maximum(time, t, out=time)
    return time


def _elliptic_time(dx: Array, dy: Array, quadratic: Array) -> Array:
    xx, xy, yy = (np.float32(value) for value in quadratic)
    t = xx * dx
    t += (2 * xy) * dy
    t *= dx
    t += yy * (dy * dy)
    return np.sqrt(t, out=t)


def _fill(first: Array, second: Array, winner: Array) -> None:
    """Give pixels that no grain reached to the nearest grain."""
    gap = first >= NEVER
    if gap.any():
        from scipy.ndimage import distance_transform_edt

        rows, columns = distance_transform_edt(gap, return_distances=False, return_indices=True)
        winner[gap] = winner[rows[gap], columns[gap]]
        first[gap] = 2.0
    np.minimum(second, first + 2, out=second)


def visible_faces(grains: Grains) -> list[Array]:
    """
    The faces that the section of each crystal shows; the others never win the race.

    Returns
    -------
    faces : for each grain (n_faces, 3), the normal on the stage over the face's distance
    """
    faces: list[Array] = [np.empty((0, 3))] * len(grains)
    for species in np.unique(grains.species):
        name = SPECIES[species]
        rows = np.flatnonzero(grains.species == species)
        normals = np.array([face_normal(name, hkl) / d for hkl, d in MINERALS[name].faces])
        on_stage = normals @ np.swapaxes(grains.rotation[rows], 1, 2)  # (grain, face, xyz)
        times = np.abs(
            on_stage[:, :, :2] @ AROUND + (on_stage[:, :, 2] * grains.depth[rows, None])[..., None]
        )
        wins = np.zeros(on_stage.shape[:2], bool)
        np.put_along_axis(wins, times.argmax(axis=1), True, axis=1)
        for row, normal, seen in zip(rows, on_stage, wins, strict=True):
            faces[row] = normal[seen]
    return faces


def elliptic_sections(grains: Grains) -> Array:
    """(n, 3) xx, xy, yy of the quadratic form of a rounded grain's section."""
    axes = np.array([MINERALS[name].shape for name in SPECIES])[grains.species]  # along a*, b, c
    axes = axes * grains.stretch
    form = (grains.rotation * axes[:, None, :] ** -2.0) @ np.swapaxes(grains.rotation, 1, 2)
    return np.stack([form[:, 0, 0], form[:, 0, 1], form[:, 1, 1]], axis=-1)
