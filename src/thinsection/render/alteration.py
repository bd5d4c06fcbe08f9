"""Alteration of minerals along cracks, cleavage and rims, in patches, as dust; and haloes."""

import numpy as np

from thinsection.base.arrays import Floats, Ints
from thinsection.render.colour import absorbance
from thinsection.render.crystals import direction, random_rotations
from thinsection.render.fields import ramp
from thinsection.render.mineral import Mineral
from thinsection.render.minerals import MINERALS
from thinsection.render.products import PRODUCTS
from thinsection.render.scene import Patch, Scene

FIBRES = 24  # orientations of a fine aggregate
FRESH = 0.08  # below this level of alteration a specimen shows none
LEAST_DUST = 0.2
INCLUSIONS = 0.002  # share of a feldspar's pixels
HALO_UM = 18  # reach of the alpha rays of zircon in biotite, roughly


def add_alteration(scene: Scene, crack_distance: dict[str, Floats]) -> None:
    """Alter every mineral as its specimen says, more where ``specimen.alteration`` is higher."""
    level = scene.specimen.alteration
    for name, mineral in MINERALS.items():
        patch = scene.patch_of(name)
        if not len(patch):
            continue
        if mineral.haloes:
            _add_haloes(scene, mineral, patch)
        where = scene.specimen.characters[name].where
        if where == "dust":  # no feldspar is perfectly clear
            _dust(scene, patch, max(level, LEAST_DUST))
        if level < FRESH:
            continue
        if where in ("veins", "rims"):
            _veins(scene, mineral, patch, crack_distance[name], level)
        elif where == "lamellae":
            _lamellae(scene, mineral, patch, level)
        elif where == "patches":
            _patches(scene, mineral, patch, level)


def _change(scene: Scene, patch: Patch, segment: Ints, amount: Floats) -> None:
    """Replace the share ``amount`` of the section's thickness with ``segment``."""
    some = amount > 0.02
    scene.altered.append(patch.pixels[some])
    scene.product.append(segment[some].astype(np.int32))
    scene.amount.append(amount[some].astype(np.float32))


def _add_product(scene: Scene, product: str, axes: Floats) -> int:
    substance = PRODUCTS[product]
    curves = np.array([absorbance(*anchors) for anchors in substance.colours])
    return scene.segments.add(np.array(substance.indices), axes, curves)


def _aggregate(scene: Scene, product: str) -> int:
    """First of ``FIBRES`` segments of a fine aggregate with random orientations."""
    return _add_product(scene, product, np.swapaxes(random_rotations(FIBRES, scene.rng), 1, 2))


def _in_host(scene: Scene, mineral: Mineral) -> int:
    """First of one segment per grain: the product keeps its host's axes."""
    character = scene.specimen.characters[mineral.name]
    axes = character.axes @ np.swapaxes(scene.grains.rotation, 1, 2)
    return _add_product(scene, character.product, axes)


def _veins(scene: Scene, mineral: Mineral, patch: Patch, cracks: Floats, level: float) -> None:
    """
    Serpentine as a mesh along cracks, or iddingsite inwards from the rim.

    The vein's edge is a ramp, not a threshold; ore remains along the middle of serpentine.
    """
    character = scene.specimen.characters[mineral.name]
    along_cracks = character.where == "veins"
    edge = scene.fabric.margin.ravel()[patch.pixels]
    distance = np.minimum(cracks if along_cracks else 2.5 * cracks, 1.3 * edge)
    width = (2 + 26 * level) * scene.px_per_um * (1 + 0.35 * patch.medium + 0.1 * patch.fine)
    soft = np.float32(max(6 * scene.px_per_um, 0.9))
    amount = ramp(distance, width + soft / 2, width - soft)
    first = _aggregate(scene, character.product)
    bundle = np.floor((patch.medium + 0.6 * patch.fine + 4) * 2.2).astype(np.int32)
    _change(scene, patch, first + np.clip(bundle, 0, FIBRES - 1), amount)
    if character.product == "serpentine":
        ore = ramp(cracks, 0.5 * width, 0.15 * width) * ramp(patch.fine, 0.4, 1.4)
        scene.density.ravel()[patch.pixels] += np.float32(0.9 * level**0.5) * amount * ore


def _lamellae(scene: Scene, mineral: Mineral, patch: Patch, level: float) -> None:
    """Chlorite between the sheets of biotite."""
    n, rng = len(scene.grains), scene.rng
    position, _ = scene.across(scene.normals(direction(mineral, "c*")), patch)
    position += np.float32(2 * scene.px_per_um) * patch.medium
    spacing = rng.uniform(12, 28, n).astype(np.float32) * scene.px_per_um
    offset = rng.integers(0, 1 << 20, n).astype(np.int32)
    line, distance = scene.rulings.nearest(position, spacing[patch.grain], offset[patch.grain])
    sheet = scene.rulings.pick((line + (distance > 0)) * 3, offset[patch.grain])
    wish = 2 * sheet - 1 + 0.5 * patch.broad + 0.2 * patch.medium
    amount = ramp(wish, 1.15 - 1.5 * level, 1.4 - 1.5 * level)
    _change(scene, patch, _in_host(scene, mineral) + patch.grain, amount)


def _patches(scene: Scene, mineral: Mineral, patch: Patch, level: float) -> None:
    """Amphibole or bastite in ragged patches, elongated along c, from the rim inwards."""
    position, _ = scene.across(scene.normals(direction(mineral, "a*")), patch)
    fibre = np.floor(position / np.float32(4 * scene.px_per_um)).astype(np.int32)
    streak = scene.rulings.pick(fibre, patch.grain * 61) - np.float32(0.5)
    radius = scene.grains.radius.astype(np.float32)[patch.grain]
    near_rim = 1 - np.clip(scene.fabric.margin.ravel()[patch.pixels] / radius, 0, 1)
    wish = 0.6 * patch.medium + 0.25 * patch.fine + 0.45 * streak + 0.6 * near_rim
    amount = np.float32(0.9) * ramp(wish, 1.55 - 1.3 * level, 1.95 - 1.3 * level)
    _change(scene, patch, _in_host(scene, mineral) + patch.grain, amount)


def _dust(scene: Scene, patch: Patch, level: float) -> None:
    """Clay and sericite: cloudy cores in PPL, bright specks in XPL; inclusions."""
    age = np.clip(scene.fabric.age.ravel()[patch.pixels], 0, 1.5)
    wish = 0.45 * patch.medium + 0.4 * patch.broad - 0.9 * (age - 0.45)
    zone = ramp(wish, 0.8 - 1.7 * level, 2.4 - 1.7 * level)
    cloud = zone * np.clip(1 + 0.45 * patch.fine, 0, 3)
    scene.density.ravel()[patch.pixels] += np.float32(0.05 + 0.22 * level) * cloud
    chance = scene.rng.random(len(patch), np.float32)
    scene.density.ravel()[patch.pixels[chance > 1 - INCLUSIONS]] += np.float32(0.6)
    scene.speckle.append(patch.pixels[chance < 0.5 * level * zone * (patch.fine > 0)])


def _add_haloes(scene: Scene, mineral: Mineral, patch: Patch) -> None:
    """Zircons and the dark haloes caused by their radiation."""
    area_um2 = len(patch) / scene.px_per_um**2
    count = min(scene.rng.poisson(mineral.haloes * area_um2 / 1e4), 60)
    reach = HALO_UM * scene.px_per_um
    grain = scene.fabric.grain
    for pixel in scene.rng.choice(patch.pixels, count):
        row, column = divmod(int(pixel), scene.shape[1])
        rows = slice(max(int(row - 2 * reach), 0), int(row + 2 * reach) + 1)
        columns = slice(max(int(column - 2 * reach), 0), int(column + 2 * reach) + 1)
        distance = np.hypot(scene.y[rows] - row, scene.x[:, columns] - column)
        inside = grain[rows, columns] == grain[row, column]
        halo = inside * 1.1 * np.exp(-((distance / reach) ** 4))
        zircon = inside * np.exp(-((distance / max(4 * scene.px_per_um, 0.6)) ** 2))
        scene.halo[rows, columns] = np.maximum(scene.halo[rows, columns], halo)
        scene.gap[rows, columns] = np.maximum(scene.gap[rows, columns], zircon)
