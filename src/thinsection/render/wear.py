"""Grain boundaries, cleavage and cracks."""

import numpy as np

from thinsection.render.crystals import face_normal
from thinsection.render.minerals import MINERALS, Mineral
from thinsection.render.scene import Scene

Array = np.ndarray

WEDGE_UM = 4.0  # width over which tilted boundaries thin a grain
LINE_UM = 2.2  # half width of a crack
FINEST_PX = 0.5  # nothing is drawn finer than this


def add_boundaries(scene: Scene) -> None:
    """
    Thin the grains at their edges and draw the fine line between them.

    Boundaries are seldom upright in the section, so a grain ends as a wedge: between crossed
    polarisers its colour falls towards the edge. The line keeps grains of one mineral apart in
    plane-polarised light, where nothing else does.
    """
    margin = scene.fabric.margin
    scene.thickness -= np.float32(0.45) * np.exp(-margin / np.float32(WEDGE_UM * scene.px_per_um))
    width = line_width(scene)
    strength = np.clip(0.75 + 0.25 * scene.medium, 0.2, 1).astype(np.float32)
    _draw(scene.gap.ravel(), slice(None), (strength * np.exp(-((margin / width) ** 2))).ravel())


def line_width(scene: Scene) -> np.float32:
    """Half width of a crack, px."""
    return np.float32(max(LINE_UM * scene.px_per_um, FINEST_PX))


def add_cleavage_and_cracks(scene: Scene) -> dict[str, Array]:
    """
    Draw both for every mineral.

    Returns
    -------
    crack_distance : mineral -> (n_pixels,) px to the nearest crack, of ``scene.pixels_of`` it
    """
    distances = {}
    for name, mineral in MINERALS.items():
        pixels, grain = scene.pixels_of(name)
        if not len(pixels):
            continue
        for hkl, quality in mineral.cleavage:
            _add_cleavage(scene, mineral, hkl, quality, pixels, grain)
        if mineral.cracks > 0.08:
            distances[name] = _add_cracks(scene, mineral, pixels, grain)
    return distances


def _draw(gap: Array, pixels: Array | slice, strength: Array) -> None:
    gap[pixels] = np.maximum(gap[pixels], strength)


def _add_cleavage(
    scene: Scene, mineral: Mineral, hkl: tuple, quality: float, pixels: Array, grain: Array
) -> None:
    """Traces of the planes (hkl): open only where the planes stand steep in the section."""
    position, slope = scene.across(scene.normals(face_normal(mineral.name, hkl)), pixels, grain)
    n = len(scene.grains)
    visible = quality * np.clip((slope - 0.6) / 0.35, 0, 1) * scene.rng.uniform(0.55, 1, n)
    visible[scene.rng.random(n) > 0.4 + 0.6 * quality] = 0
    seen = visible[grain] > 0.05
    pixels, grain, position = pixels[seen], grain[seen], position[seen]
    spacing = scene.rng.uniform(*mineral.cleavage_um, n) * scene.px_per_um / np.maximum(slope, 0.3)
    spacing = spacing.astype(np.float32)
    offset = scene.rng.integers(0, 1 << 20, n).astype(np.int32)
    position = position + np.float32(0.25) * scene.px_per_um * 6 * scene.medium.ravel()[pixels]
    line, distance = scene.rulings.nearest(position, spacing[grain], offset[grain])
    along = _along(scene, scene.normals(face_normal(mineral.name, hkl)), pixels, grain)
    pieces = np.floor(along / (spacing[grain] * 1.6)).astype(np.int32)
    open_here = scene.rulings.pick(line * 31 + pieces * 17, offset[grain]) < 0.25 + 0.75 * quality
    strength = visible.astype(np.float32)[grain] * np.exp(-((distance / line_width(scene)) ** 2))
    _draw(scene.gap.ravel(), pixels, strength * open_here)


def _along(scene: Scene, normal: Array, pixels: Array, grain: Array) -> Array:
    """Position of pixels along the traces of planes."""
    position, _ = scene.across(
        np.stack([-normal[:, 1], normal[:, 0], normal[:, 2]], 1), pixels, grain
    )
    return position


def _add_cracks(scene: Scene, mineral: Mineral, pixels: Array, grain: Array) -> Array:
    """Two families of curved cracks a grain, each with gaps; the distance to them is returned."""
    n = len(scene.grains)
    medium, broad = scene.medium.ravel()[pixels], scene.broad.ravel()[pixels]
    radius = scene.grains.radius.astype(np.float32)
    first = scene.rng.uniform(0, np.pi, n)
    nearest = np.full(len(pixels), 1e3, np.float32)
    for family in range(2):
        angle = first + family * scene.rng.uniform(0.9, 1.9, n)
        normal = np.stack([np.cos(angle), np.sin(angle), np.zeros(n)], axis=1)
        position, _ = scene.across(normal, pixels, grain)
        bend = radius[grain] * np.float32(0.28)
        position += bend * (medium if family else broad)
        position += np.float32(4 * scene.px_per_um) * scene.fine.ravel()[pixels] * np.float32(0.35)
        spacing = scene.rng.uniform(0.45, 0.95, n).astype(np.float32) * radius / mineral.cracks**0.5
        offset = scene.rng.integers(0, 1 << 20, n).astype(np.int32)
        line, distance = scene.rulings.nearest(position, spacing[grain], offset[grain])
        pieces = np.floor(_along(scene, normal, pixels, grain) / (0.5 * radius[grain]))
        key = line * 31 + pieces.astype(np.int32) * 17
        missing = scene.rulings.pick(key, offset[grain]) > 0.35 + 0.5 * mineral.cracks
        nearest = np.minimum(nearest, np.abs(distance) + 1e3 * missing)
    strength = np.float32(min(mineral.cracks + 0.25, 1)) * np.exp(
        -((nearest / line_width(scene)) ** 2)
    )
    _draw(scene.gap.ravel(), pixels, strength)
    return nearest
