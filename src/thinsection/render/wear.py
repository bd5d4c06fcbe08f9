"""Grain boundaries, cleavage and cracks."""

import numpy as np

from thinsection.base.arrays import Floats
from thinsection.render.crystals import face_normal
from thinsection.render.mineral import Hkl, Mineral
from thinsection.render.minerals import MINERALS
from thinsection.render.scene import Patch, Scene

WEDGE_UM = 4.0  # width over which tilted boundaries thin a grain
LINE_UM = 2.4  # half width of a crack
FINEST_PX = 0.5  # least width that is drawn
FEWEST_CRACKS = 0.08  # a mineral with less gets no cracks
NO_CRACK_PX = 1e3


def add_boundaries(scene: Scene) -> None:
    """
    Thin the grains at their edges and draw the fine line between them.

    Boundaries are seldom vertical in the section, so a grain ends in a wedge: between crossed
    polarisers its interference colour falls towards the edge. In plane-polarised light only the
    line separates grains of the same mineral.
    """
    margin = scene.fabric.margin
    scene.thickness -= np.float32(0.45) * np.exp(-margin / np.float32(WEDGE_UM * scene.px_per_um))
    strength = np.clip(0.85 + 0.2 * scene.medium, 0.3, 1)
    np.maximum(scene.gap, strength * _line(margin, scene), out=scene.gap)


def _line(distance: Floats, scene: Scene) -> Floats:
    """Profile 0..1 of a crack at ``distance`` px from its middle."""
    width = np.float32(max(LINE_UM * scene.px_per_um, FINEST_PX))
    profile: Floats = np.exp(-((distance / width) ** 2))
    return profile


def add_cleavage_and_cracks(scene: Scene) -> dict[str, Floats]:
    """
    Draw both for every mineral.

    Returns
    -------
    crack_distance : mineral -> (n_pixels,) distance of its pixels to the nearest crack, px
    """
    distances = {}
    for name, mineral in MINERALS.items():
        patch = scene.patch_of(name)
        if not len(patch):
            continue
        for hkl, quality in mineral.cleavage:
            _add_cleavage(scene, mineral, hkl, quality, patch)
        if mineral.cracks > FEWEST_CRACKS:
            distances[name] = _add_cracks(scene, mineral, patch)
    return distances


def _draw(scene: Scene, patch: Patch, strength: Floats) -> None:
    gap = scene.gap.ravel()
    gap[patch.pixels] = np.maximum(gap[patch.pixels], strength)


def _add_cleavage(scene: Scene, mineral: Mineral, hkl: Hkl, quality: float, patch: Patch) -> None:
    """Traces of the planes (hkl): open only if the planes are steep in the section."""
    n, rng = len(scene.grains), scene.rng
    normal = scene.normals(face_normal(mineral.name, hkl))
    slope = np.hypot(normal[:, 0], normal[:, 1])
    visible = quality * np.clip((slope - 0.6) / 0.35, 0, 1) * rng.uniform(0.5, 1, n)
    visible[rng.random(n) > 0.4 + 0.6 * quality] = 0
    spacing = rng.uniform(*mineral.cleavage_um, n) * scene.px_per_um / np.maximum(slope, 0.3)
    spacing = spacing.astype(np.float32)
    offset = rng.integers(0, 1 << 20, n).astype(np.int32)
    patch = patch.where(np.take(visible > 0.05, patch.grain))
    position, _ = scene.across(normal, patch)
    position += np.float32(1.5 * scene.px_per_um) * patch.medium
    line, distance = scene.rulings.nearest(position, spacing[patch.grain], offset[patch.grain])
    pieces = np.floor(scene.along(normal, patch) / (spacing[patch.grain] * 1.6)).astype(np.int32)
    key = line * 31 + pieces * 17
    is_open = scene.rulings.pick(key, offset[patch.grain]) < 0.25 + 0.75 * quality
    strength = visible.astype(np.float32)[patch.grain] * _line(distance, scene)
    _draw(scene, patch, strength * is_open)


def _add_cracks(scene: Scene, mineral: Mineral, patch: Patch) -> Floats:
    """Add two families of curved cracks with gaps to each grain; returns the distance to them."""
    n, rng = len(scene.grains), scene.rng
    radius = scene.grains.radius.astype(np.float32)
    first = rng.uniform(0, np.pi, n)
    nearest = np.full(len(patch), NO_CRACK_PX, np.float32)
    for family in range(2):
        angle = first + family * rng.uniform(0.9, 1.9, n)
        normal = np.stack([np.cos(angle), np.sin(angle), np.zeros(n)], axis=1)
        position, _ = scene.across(normal, patch)
        position += np.float32(0.28) * radius[patch.grain] * (patch.medium, patch.broad)[1 - family]
        position += np.float32(1.6 * scene.px_per_um) * patch.fine
        spacing = rng.uniform(0.45, 0.95, n).astype(np.float32) * radius / mineral.cracks**0.5
        offset = rng.integers(0, 1 << 20, n).astype(np.int32)
        line, distance = scene.rulings.nearest(position, spacing[patch.grain], offset[patch.grain])
        pieces = np.floor(scene.along(normal, patch) / (0.5 * radius[patch.grain]))
        key = line * 31 + pieces.astype(np.int32) * 17
        missing = scene.rulings.pick(key, offset[patch.grain]) > 0.35 + 0.5 * mineral.cracks
        nearest = np.minimum(nearest, np.abs(distance) + np.float32(NO_CRACK_PX) * missing)
    _draw(scene, patch, np.float32(min(mineral.cracks + 0.25, 1)) * _line(nearest, scene))
    return nearest
