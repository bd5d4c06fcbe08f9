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
LAST = 1.75  # time, in radii, by which grains have met their neighbours
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
    faces, reach = visible_faces(grains)
    ellipses, ellipse_reach = elliptic_sections(grains)
    reach[grains.rounded] = ellipse_reach[grains.rounded]
    reach *= ((LAST - grains.start) * grains.radius)[:, None]
    left, right, top, bottom = _windows(grains, reach + 2, shape)
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


def _faceted_time(dx: Array, dy: Array, faces: Array, depth_px: float) -> Array:
    first, *others = (_face_time(dx, dy, face, depth_px) for face in faces)
    for time in others:
        np.maximum(first, time, out=first)
    return first


def _face_time(dx: Array, dy: Array, face: Array, depth_px: float) -> Array:
    time = dx * np.float32(face[0])
    time += dy * np.float32(face[1])
    time += np.float32(face[2] * depth_px)
    return np.abs(time, out=time)


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


def visible_faces(grains: Grains) -> tuple[list[Array], Array]:
    """
    The faces that the outline of each crystal shows one radius out; the others don't decide there.

    Returns
    -------
    faces : for each grain (n_faces, 3), the normal on the stage over the face's distance
    reach : (n, 2) half sides of a box round the outline, in radii; a tenth is added for corners
        that lie between two of ``DIRECTIONS``
    """
    faces: list[Array] = [np.empty((0, 3))] * len(grains)
    reach = np.ones((len(grains), 2))
    for species in np.unique(grains.species):
        name = SPECIES[species]
        rows = np.flatnonzero(grains.species == species)
        normals = np.array([face_normal(name, hkl) / d for hkl, d in MINERALS[name].faces])
        on_stage = normals @ np.swapaxes(grains.rotation[rows], 1, 2)  # (grain, face, xyz)
        through_centre = on_stage[:, :, :2] @ AROUND  # (grain, face, direction)
        slowest = np.maximum(np.abs(through_centre).max(axis=1), 0.05)
        reach[rows] = 1.1 * (np.abs(AROUND) / slowest[:, None]).max(axis=2)
        at_depth = through_centre + (on_stage[:, :, 2] * grains.depth[rows, None])[..., None]
        wins = np.zeros(on_stage.shape[:2], bool)
        np.put_along_axis(wins, np.abs(at_depth).argmax(axis=1), True, axis=1)
        for row, normal, seen in zip(rows, on_stage, wins, strict=True):
            faces[row] = normal[seen]
    return faces, reach


def elliptic_sections(grains: Grains) -> tuple[Array, Array]:
    """
    Sections of the grains as if they showed no faces.

    Returns
    -------
    form : (n, 3) xx, xy, yy of the quadratic form that is 1 on the outline
    reach : (n, 2) half sides of a box round the outline, in radii
    """
    axes = np.array([MINERALS[name].shape for name in SPECIES])[grains.species]  # along a*, b, c
    axes = axes * grains.stretch
    form = (grains.rotation * axes[:, None, :] ** -2.0) @ np.swapaxes(grains.rotation, 1, 2)
    xx, xy, yy = form[:, 0, 0], form[:, 0, 1], form[:, 1, 1]
    reach = np.sqrt(np.stack([yy, xx], axis=-1) / (xx * yy - xy * xy)[:, None])
    return np.stack([xx, xy, yy], axis=-1), reach
