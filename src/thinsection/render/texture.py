"""
The fabric of a rock: the grain at every pixel.

Grains race: each starts at its own time and reaches a point p at the time
start + max over faces of |n.(p - centre)| / distance, so early minerals are euhedral and late
ones fill the gaps. The section cuts each crystal at its own depth.
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import numpy as np

from thinsection.base.arrays import Bools, Floats, Ints
from thinsection.render.crystals import face_normal
from thinsection.render.fields import noise
from thinsection.render.minerals import MINERALS
from thinsection.render.race import Racers, race

SPECIES: tuple[str, ...] = tuple(MINERALS)
HOLE, HOLE_NAME = len(SPECIES), "hole"  # in mineral maps: no mineral, but resin


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
    rounded : (n,) bool, without faces
    depth : (n,) of the section above the centre, in radii
    stretch : (n, 3) along a*, b, c, individual for grains without faces
    """

    species: Ints
    rotation: Floats
    centre: Floats
    radius: Floats
    start: Floats
    rounded: Bools
    depth: Floats
    stretch: Floats

    def __len__(self) -> int:
        return len(self.species)


@dataclass
class Fabric:
    """
    The result of the race.

    Attributes
    ----------
    grain : (h, w) int32, row of Grains
    age : (h, w) float32, time since the grain's start, in radii
    margin : (h, w) float32, approximate distance to the next grain, px
    """

    grain: Ints
    age: Floats
    margin: Floats


def grow(
    grains: Grains, shape: tuple[int, int], waviness_px: float, rng: np.random.Generator
) -> Fabric:
    """
    Let the grains race over a field of ``shape`` pixels.

    Parameters
    ----------
    waviness_px : deviation of grain boundaries from straight
    """
    h, w = shape
    typical = float(np.median(grains.radius))
    astray = np.float32(waviness_px)
    x = np.arange(w, dtype=np.float32)[None] + astray * noise(shape, 0.7 * typical, rng, 3)
    y = np.arange(h, dtype=np.float32)[:, None] + astray * noise(shape, 0.7 * typical, rng, 3)
    first, second, winner = race(racers(grains), x, y, typical)
    radius = grains.radius.astype(np.float32)[winner]
    start = grains.start.astype(np.float32)[winner]
    return Fabric(winner, first - start, np.minimum((second - first) * radius * 0.6, radius))


def racers(grains: Grains) -> Racers:
    """How the grains grow: with the faces of their minerals, or as ellipsoids if rounded."""
    n_planes = max(len(mineral.faces) for mineral in MINERALS.values())
    normals = np.zeros((len(SPECIES), n_planes, 3))  # over the distance, in the crystal frame
    for row, mineral in enumerate(MINERALS.values()):
        normals[row, : len(mineral.faces)] = [
            face_normal(mineral.name, hkl) / distance for hkl, distance in mineral.faces
        ]
    planes = normals[grains.species] @ np.swapaxes(grains.rotation, 1, 2)  # on the stage
    planes[..., 2] *= grains.depth[:, None]
    planes[grains.rounded] = 0
    planes[grains.rounded, :2, :2] = _elliptic_sections(grains)[grains.rounded]
    planes[..., :2] /= grains.radius[:, None, None]
    planes[..., 2] -= np.einsum("npk,nk->np", planes[..., :2], grains.centre)
    planes = np.ascontiguousarray(np.moveaxis(planes, 0, -1), np.float32)
    stretched = (_shapes()[grains.species] * grains.stretch).max(axis=1)
    corner = np.array([farthest_corner(name) for name in SPECIES])[grains.species]
    speed = np.where(grains.rounded, stretched, corner) * grains.radius
    start = grains.start.astype(np.float32)
    return Racers(grains.centre, start, planes, speed.astype(np.float32), grains.rounded)


@cache
def farthest_corner(mineral: str) -> float:
    """Distance from the centre of a crystal to its farthest corner, with faces at distance 1."""
    faces = np.array([face_normal(mineral, hkl) / d for hkl, d in MINERALS[mineral].faces])
    corners = []
    for three in combinations(faces, 3):  # planes that meet in a point, each on either side
        if abs(np.linalg.det(three)) > 1e-6:
            corners += [np.linalg.solve(three, signs) for signs in product((1, -1), repeat=3)]
    inside = [p for p in corners if np.abs(faces @ p).max() < 1 + 1e-6]
    return float(np.linalg.norm(inside, axis=1).max())


def _elliptic_sections(grains: Grains) -> Floats:
    """(n, 2, 2) rows whose products with a point, squared and added, are 1 on the outline."""
    axes = _shapes()[grains.species] * grains.stretch  # along a*, b, c
    form = (grains.rotation * axes[:, None, :] ** -2.0) @ np.swapaxes(grains.rotation, 1, 2)
    return np.swapaxes(np.linalg.cholesky(form[:, :2, :2]), 1, 2)


@cache
def _shapes() -> Floats:
    return np.array([mineral.shape for mineral in MINERALS.values()])
