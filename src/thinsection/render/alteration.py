"""What minerals turn to: along cracks, cleavage and rims, in patches, as dust."""

import numpy as np

from thinsection.render.colour import absorbance
from thinsection.render.crystals import direction, random_rotations
from thinsection.render.fields import ramp
from thinsection.render.minerals import MINERALS, PRODUCTS, Mineral
from thinsection.render.scene import Scene

Array = np.ndarray

FIBRES = 24  # orientations of a fine aggregate


def add_alteration(scene: Scene, crack_distance: dict[str, Array]) -> None:
    """Alter every mineral as its specimen says, more where ``specimen.alteration`` is higher."""
    for name, mineral in MINERALS.items():
        pixels, grain = scene.pixels_of(name)
        if not len(pixels):
            continue
        if mineral.haloes:
            _add_haloes(scene, mineral, pixels, grain)
        character = scene.specimen.characters[name]
        level = scene.specimen.alteration
        if not character.product or level < 0.08:
            continue
        if character.where in ("veins", "rims"):
            _veins(scene, mineral, pixels, crack_distance[name], level)
        elif character.where == "lamellae":
            _lamellae(scene, mineral, pixels, grain, level)
        elif character.where == "patches":
            _patches(scene, mineral, pixels, grain, level)
        else:
            _dust(scene, pixels, level)


def _change(scene: Scene, pixels: Array, segment: Array, amount: Array) -> None:
    some = amount > 0.02
    scene.altered.append(pixels[some])
    scene.product.append(segment[some].astype(np.int32))
    scene.amount.append(amount[some].astype(np.float32))


def _aggregate(scene: Scene, product: str) -> int:
    """First of ``FIBRES`` segments of a fine aggregate in every orientation."""
    substance = PRODUCTS[product]
    axes = np.swapaxes(random_rotations(FIBRES, scene.rng), 1, 2)
    curves = np.array([absorbance(*anchors) for anchors in substance.colours])
    return scene.segments.add(np.array(substance.indices), axes, curves)


def _in_host(scene: Scene, mineral: Mineral, product: str) -> int:
    """First of one segment a grain: the product keeps its host's axes."""
    substance = PRODUCTS[product]
    host = scene.specimen.characters[mineral.name].axes
    curves = np.array([absorbance(*anchors) for anchors in substance.colours])
    axes = host @ np.swapaxes(scene.grains.rotation, 1, 2)
    return scene.segments.add(np.array(substance.indices), axes, curves)


def _veins(scene: Scene, mineral: Mineral, pixels: Array, cracks: Array, level: float) -> None:
    """
    Serpentine's mesh along cracks, or iddingsite inwards from the rim.

    The vein's edge is a ramp, not a threshold; ore is left along the middle of serpentine.
    """
    character = scene.specimen.characters[mineral.name]
    along_cracks = character.where == "veins"
    medium, fine = scene.medium.ravel()[pixels], scene.fine.ravel()[pixels]
    edge = scene.fabric.margin.ravel()[pixels]
    distance = np.minimum(cracks if along_cracks else 2.5 * cracks, 1.3 * edge)
    width = (3 + 30 * level) * scene.px_per_um * (1 + 0.35 * medium + 0.1 * fine)
    soft = np.float32(max(5 * scene.px_per_um, 0.8))
    amount = ramp(distance, width + soft / 2, np.maximum(width - soft, -0.1))
    first = _aggregate(scene, character.product)
    number = np.floor((medium + 0.6 * fine + 4) * 2.2).astype(np.int32)
    _change(scene, pixels, first + np.clip(number, 0, FIBRES - 1), amount)
    if character.product == "serpentine":
        ore = ramp(cracks, 0.5 * width, 0.15 * width) * ramp(fine, 0.4, 1.4)
        scene.density.ravel()[pixels] += (0.9 * level**0.5 * amount * ore).astype(np.float32)


def _lamellae(scene: Scene, mineral: Mineral, pixels: Array, grain: Array, level: float) -> None:
    """Chlorite between the sheets of biotite."""
    position, _ = scene.across(scene.normals(direction(mineral, "c*")), pixels, grain)
    n = len(scene.grains)
    spacing = scene.rng.uniform(12, 28, n).astype(np.float32) * scene.px_per_um
    offset = scene.rng.integers(0, 1 << 20, n).astype(np.int32)
    position += np.float32(2 * scene.px_per_um) * scene.medium.ravel()[pixels]
    line, distance = scene.rulings.nearest(position, spacing[grain], offset[grain])
    count = line + (distance > 0)
    wish = scene.rulings.pick(count * 3, offset[grain]) * 2 - 1 + 0.5 * scene.broad.ravel()[pixels]
    amount = ramp(wish + 0.2 * scene.medium.ravel()[pixels], 1.15 - 1.5 * level, 1.4 - 1.5 * level)
    first = _in_host(scene, mineral, scene.specimen.characters[mineral.name].product)
    _change(scene, pixels, first + grain, amount)


def _patches(scene: Scene, mineral: Mineral, pixels: Array, grain: Array, level: float) -> None:
    """Amphibole or bastite in ragged patches, drawn out along c, from the rim inwards."""
    position, _ = scene.across(scene.normals(direction(mineral, "a*")), pixels, grain)
    streak = scene.rulings.pick(
        np.floor(position / np.float32(4 * scene.px_per_um)).astype(np.int32), grain * 61
    )
    near_rim = 1 - np.clip(scene.fabric.margin.ravel()[pixels] / scene.grains.radius[grain], 0, 1)
    wish = 0.6 * scene.medium.ravel()[pixels] + 0.45 * (streak - 0.5) + 0.6 * near_rim
    wish += 0.25 * scene.fine.ravel()[pixels]
    amount = ramp(wish, 1.55 - 1.3 * level, 1.95 - 1.3 * level)
    first = _in_host(scene, mineral, scene.specimen.characters[mineral.name].product)
    _change(scene, pixels, first + grain, 0.9 * amount)


def _dust(scene: Scene, pixels: Array, level: float) -> None:
    """Clay and sericite: cloudy cores in plane-polarised light, bright specks in crossed."""
    age = np.clip(scene.fabric.age.ravel()[pixels], 0, 1.5)
    medium, fine = scene.medium.ravel()[pixels], scene.fine.ravel()[pixels]
    zone = ramp(
        0.5 * medium + 0.4 * scene.broad.ravel()[pixels] - 0.9 * (age - 0.45),
        1 - 1.7 * level,
        2.2 - 1.7 * level,
    )
    scene.density.ravel()[pixels] += (
        zone * np.clip(1 + 0.8 * fine, 0, 3) * (0.05 + 0.25 * level)
    ).astype(np.float32)
    chance = scene.rng.random(len(pixels), np.float32)
    scene.speckle.append(pixels[chance < 0.5 * level * zone * (fine > 0)])


def _add_haloes(scene: Scene, mineral: Mineral, pixels: Array, grain: Array) -> None:
    """Zircons and the dark haloes that their radiation left."""
    area_um2 = len(pixels) / scene.px_per_um**2
    count = min(scene.rng.poisson(mineral.haloes * area_um2 / 1e4), 60)
    reach = 22 * scene.px_per_um
    grain_map = scene.fabric.grain
    for pixel in scene.rng.choice(pixels, count):
        row, column = divmod(int(pixel), scene.shape[1])
        top, left = max(int(row - 2 * reach), 0), max(int(column - 2 * reach), 0)
        window = np.s_[top : int(row + 2 * reach) + 1, left : int(column + 2 * reach) + 1]
        distance = np.hypot(scene.y[window[0]] - row, scene.x[:, window[1]] - column)
        inside = grain_map[window] == grain_map[row, column]
        scene.halo[window] += inside * (1.1 * np.exp(-((distance / (0.8 * reach)) ** 4)))
        zircon = np.exp(-((distance / max(4 * scene.px_per_um, 0.6)) ** 2))
        scene.gap[window] = np.maximum(scene.gap[window], inside * zircon)
