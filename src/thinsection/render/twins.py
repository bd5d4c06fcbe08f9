"""Variation of orientation within a grain: twins, zoning, strain, lamellae."""

import numpy as np

from thinsection.base.arrays import Bools, Floats, Ints
from thinsection.render.crystals import direction, face_normal, half_turn
from thinsection.render.mineral import Mineral, Twin
from thinsection.render.minerals import MINERALS
from thinsection.render.optics import sections
from thinsection.render.plagioclase import plagioclase_axes, plagioclase_indices
from thinsection.render.scene import Patch, Scene
from thinsection.render.texture import SPECIES

AN_SPREAD = 4.0  # percent anorthite between grains of one specimen
AN_RIM = 12  # percent less anorthite at the rim of a zoned grain


def add_twins_and_zoning(scene: Scene) -> None:
    """Split grains into twin domains and vary their extinction, mineral by mineral."""
    for name, mineral in MINERALS.items():
        patch = scene.patch_of(name)
        if not len(patch):
            continue
        if name == "plagioclase":
            _compositions(scene)
        before = scene.segment.ravel()[patch.pixels]
        _add_twins(scene, mineral, patch)
        if name == "plagioclase":
            _zone_plagioclase(scene, patch, before)
        else:
            _zone(scene, mineral, patch)
        _strain(scene, mineral, patch)
        _tartan(scene, mineral, patch)
        _exsolution(scene, mineral, patch)


def _anorthite(scene: Scene) -> Ints:
    """(n_grains,) percent: the specimen's composition, slightly varied in each grain."""
    spread = scene.rulings.pick(np.arange(len(scene.grains)), 17) - 0.5
    middle = 100 * scene.specimen.characters["plagioclase"].composition
    percent: Ints = np.clip(np.rint(middle + 2 * AN_SPREAD * spread), 1, 99).astype(int)
    return percent


def _compositions(scene: Scene) -> None:
    """Replace the segments of plagioclase grains with ones of each grain's own composition."""
    grains = scene.grains
    wanted = (grains.species == SPECIES.index("plagioclase")) & (grains.radius > 0)
    rows = np.flatnonzero(wanted)
    an = _anorthite(scene)[rows]
    axes = plagioclase_axes()[an] @ np.swapaxes(grains.rotation[rows], 1, 2)
    character = scene.specimen.characters["plagioclase"]
    first = scene.segments.add(plagioclase_indices()[an], axes, character.absorbance)
    segment_of = np.zeros(len(grains), np.int32)
    segment_of[rows] = first + np.arange(len(rows))
    inside = wanted[scene.fabric.grain]
    scene.segment[inside] = segment_of[scene.fabric.grain[inside]]


def _add_twins(scene: Scene, mineral: Mineral, patch: Patch) -> None:
    """
    Rotate the domains of each law; laws combine, as albite and Carlsbad twins do.

    A bit of ``state`` says whether a law's half turn is applied; every combination that occurs
    becomes its own segments.
    """
    state = np.zeros(len(patch), np.int32)
    for bit, twin in enumerate(mineral.twins):
        state |= _twinned(scene, mineral, twin, patch).astype(np.int32) << bit
    for combination in np.unique(state):
        if not combination:
            continue
        chosen = state == combination
        operation = np.eye(3)
        for bit, twin in enumerate(mineral.twins):
            if combination >> bit & 1:
                operation = operation @ half_turn(direction(mineral, twin.axis))
        flat = scene.segment.ravel()
        inside = patch.pixels[chosen]
        flat[inside] = _turned(scene, mineral, operation, flat[inside], patch.grain[chosen])


def _turned(scene: Scene, mineral: Mineral, operation: Floats, segment: Ints, grain: Ints) -> Ints:
    """Segments like ``segment`` (n_pixels,) with the crystal turned first by ``operation``."""
    rows, place = np.unique(grain, return_inverse=True)
    indices = np.concatenate(scene.segments.indices)
    one_of = np.zeros(len(rows), np.int64)
    one_of[place] = segment  # each grain has one segment before it is twinned
    character = scene.specimen.characters[mineral.name]
    if mineral.name == "plagioclase":
        axes = plagioclase_axes()[_anorthite(scene)[rows]]
    else:
        axes = character.axes[None]
    turned = axes @ operation.T @ np.swapaxes(scene.grains.rotation[rows], 1, 2)
    first = scene.segments.add(indices[one_of], turned, character.absorbance)
    return (first + place).astype(np.int32)


def _twinned(scene: Scene, mineral: Mineral, twin: Twin, patch: Patch) -> Bools:
    """(n_pixels,) bool: inside a domain that the law turns."""
    n = len(scene.grains)
    has = scene.rng.random(n) < twin.share
    normal = scene.normals(face_normal(mineral.name, twin.plane))
    position, slope = scene.across(normal, patch)
    if twin.spacing_um is None:
        seam = (scene.rng.uniform(-0.25, 0.25, n) * scene.grains.radius).astype(np.float32)
        return has[patch.grain] & (position > seam[patch.grain])
    least, greatest = twin.spacing_um
    spacing = least * (greatest / least) ** scene.rng.random(n) * scene.px_per_um
    spacing = (spacing / np.maximum(slope, 0.25)).astype(np.float32)
    offset = scene.rng.integers(0, 1 << 20, n).astype(np.int32)
    line, distance = scene.rulings.nearest(position, spacing[patch.grain], offset[patch.grain])
    count = line + (distance > 0)
    width = scene.rng.uniform(0.35, 0.62, n).astype(np.float32)  # share of the turned lamellae
    lamella = scene.rulings.pick(count * 7 + 3, offset[patch.grain]) < width[patch.grain]
    # some lamellae taper out inside the grain
    dies = scene.rng.random(n) < 0.45
    reach = scene.rulings.pick(count * 5 + 1, offset[patch.grain]) * 2.4 - 0.3
    bend = patch.broad + 0.6 * patch.medium
    return has[patch.grain] & lamella & ~(dies[patch.grain] & (bend > reach))


def _zone_plagioclase(scene: Scene, patch: Patch, segment: Ints) -> None:
    """Growth zones: the rim is more sodic, so its extinction differs accordingly."""
    if "zoning" not in scene.specimen.characters["plagioclase"].features:
        return
    rows = np.unique(patch.grain)
    an = _anorthite(scene)[rows]
    rim = np.maximum(an - AN_RIM, 0)
    turned = np.swapaxes(scene.grains.rotation[rows], 1, 2)
    core_azimuth = sections(plagioclase_indices()[an], plagioclase_axes()[an] @ turned).azimuth
    rim_azimuth = sections(plagioclase_indices()[rim], plagioclase_axes()[rim] @ turned).azimuth
    step = np.zeros(len(scene.grains), np.float32)
    step[rows] = np.clip(_half_circle(rim_azimuth - core_azimuth), -0.4, 0.4)
    n = len(scene.grains)
    step *= (scene.rng.random(n) < 0.7) * scene.rng.uniform(0.4, 1.3, n)
    swings = scene.rng.uniform(10, 32, n).astype(np.float32)  # oscillatory zones
    age = np.clip(scene.fabric.age.ravel()[patch.pixels], 0, 1.5)
    profile = age * age + np.float32(0.16) * np.sin(age * swings[patch.grain])
    # a half turn about (010) approximately mirrors the shift of the turned lamellae
    sign = np.where(scene.segment.ravel()[patch.pixels] == segment, 1, -1)
    scene.twist.ravel()[patch.pixels] += sign * step[patch.grain] * profile


def _half_circle(angle: Floats) -> Floats:
    return (angle + np.pi / 2) % np.pi - np.pi / 2


def _zone(scene: Scene, mineral: Mineral, patch: Patch) -> None:
    if "zoning" not in scene.specimen.characters[mineral.name].features:
        return
    n = len(scene.grains)
    step = np.radians(mineral.zoning_deg) * scene.rng.normal(0, 1, n).astype(np.float32)
    age = np.clip(scene.fabric.age.ravel()[patch.pixels], 0, 1.5)
    scene.twist.ravel()[patch.pixels] += step[patch.grain] * (age * age + 0.1 * np.sin(age * 22))


def _strain(scene: Scene, mineral: Mineral, patch: Patch) -> None:
    """Undulose extinction of bent crystals, and the bird's-eye extinction of micas."""
    flat = scene.twist.ravel()
    if mineral.strain_deg:
        amount = np.radians(mineral.strain_deg) * scene.rng.gamma(2, 0.5, len(scene.grains))
        flat[patch.pixels] += amount.astype(np.float32)[patch.grain] * patch.broad
    if mineral.mottling_deg:
        flat[patch.pixels] += np.float32(np.radians(mineral.mottling_deg)) * patch.fine


def _tartan(scene: Scene, mineral: Mineral, patch: Patch) -> None:
    """Microcline: albite and pericline lamellae that fade into each other, best seen along c*."""
    if "tartan" not in scene.specimen.characters[mineral.name].features:
        return
    facing = np.abs(scene.normals(direction(mineral, "c*"))[:, 2]).astype(np.float32)
    total = np.zeros(len(patch), np.float32)
    spacing = np.float32(scene.rng.uniform(12, 24) * scene.px_per_um)
    for axis in ("b*", "a"):
        position, _ = scene.across(scene.normals(direction(mineral, axis)), patch)
        wave = np.sin(2 * np.pi * position / spacing + 1.2 * patch.medium)
        total += np.tanh(1.5 * wave + 0.9 * patch.broad) / 2
    scene.twist.ravel()[patch.pixels] += (
        np.float32(np.radians(mineral.tartan_deg)) * facing[patch.grain] * total
    )


def _exsolution(scene: Scene, mineral: Mineral, patch: Patch) -> None:
    """Thin lamellae of the other pyroxene along (100), visible by their different extinction."""
    if "exsolution" not in scene.specimen.characters[mineral.name].features:
        return
    position, slope = scene.across(scene.normals(direction(mineral, "100")), patch)
    n = len(scene.grains)
    spacing = np.float32(scene.rng.uniform(14, 26) * scene.px_per_um) / np.maximum(slope, 0.3)
    has = scene.rng.random(n) < 0.6
    offset = np.arange(n, dtype=np.int32) * 131
    spacing = spacing.astype(np.float32)
    _, distance = scene.rulings.nearest(position, spacing[patch.grain], offset[patch.grain])
    inside = (
        (np.abs(distance) < 0.22 * spacing[patch.grain])
        & has[patch.grain]
        & (slope > 0.4)[patch.grain]
    )
    scene.twist.ravel()[patch.pixels[inside]] += np.float32(np.radians(mineral.exsolution_deg))
