"""
What clean crystals lack: what rocks, preparation and microscopes add to real photos.

Strained crystals extinguish in waves, micas are mottled near extinction, grains hold inclusions, often in
trails, grinding leaves pits, resin fills what is open between grains, boundaries are dark here and faint
there, focus is soft and light goes astray. Which of these there are is a setting; how much of each is drawn for the specimen, from a
generator of its own, so that without them every photo is as it was. Ranges were chosen by eye beside photos of
sandstone.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import get_args

import numpy as np

from thinsection.base.arrays import Bools, Floats, Ints
from thinsection.render.fields import noise, ramp
from thinsection.render.minerals import MINERALS
from thinsection.render.scene import Patch, Scene
from thinsection.settings import Flaw

FLAWS: tuple[str, ...] = get_args(Flaw)
MICAS = ("biotite", "muscovite", "chlorite")
# how strongly minerals are strained, and how many inclusions they hold; others as "other"
STRAIN = {"quartz": 1.0, "olivine": 0.5, "other": 0.3}
HELD = {"quartz": 1.0, "plagioclase": 1.2, "k-feldspar": 1.5, "other": 0.5}
AREA_UM2 = 1e4  # for which numbers of inclusions and pits are given
IN_TRAILS = 0.6  # of the inclusions
TRAIL = 12  # inclusions of a trail, on average
STAMP_PX = 3  # half the side of what is drawn of a point
DYED = 0.5  # of the specimens with resin: in blue
PORE_UM = 30.0  # how far holes reach into grains, roughly


@dataclass(frozen=True)
class Flaws:
    """
    How much of each there is in a specimen; 0 is none.

    Attributes
    ----------
    undulose : spread of the extinction position within a strained grain, degrees
    mottling : of a mica, over some micrometres, degrees
    inclusions, pits : in 100 x 100 micrometres
    resin : how readily grain boundaries are open and filled with it: 0 never .. 1 in most places
    outlines : 0 evenly dark boundaries .. 1 mostly faint ones
    soft_focus : blur, px of a photo 275 wide
    stray_light : share of the lamp's light that reaches the camera without the section's colours
    """

    undulose: float = 0.0
    mottling: float = 0.0
    inclusions: float = 0.0
    pits: float = 0.0
    resin: float = 0.0
    outlines: float = 0.0
    soft_focus: float = 0.0
    stray_light: float = 0.0


NO_FLAWS = Flaws()


def draw_flaws(rng: np.random.Generator, chosen: Collection[str]) -> Flaws:
    """The flaws of a specimen: of the ``chosen`` kinds; the others would have been as strong."""
    drawn = Flaws(
        undulose=float(rng.gamma(1.5, 4.0)),
        mottling=float(rng.uniform(1, 5)),
        inclusions=float(np.exp(rng.uniform(np.log(1), np.log(40)))),
        pits=float(np.exp(rng.uniform(np.log(0.2), np.log(4)))),
        outlines=float(rng.uniform(0.2, 1)),
        soft_focus=float(np.exp(rng.uniform(np.log(0.2), np.log(1.1)))),
        stray_light=float(np.exp(rng.uniform(np.log(0.002), np.log(0.03)))),
        resin=float(rng.beta(1, 2)),
    )
    absent = {each.name: 0.0 for each in fields(drawn) if each.name not in chosen}
    return replace(drawn, **absent)


def fade_outlines(scene: Scene, flaws: Flaws, rng: np.random.Generator) -> None:
    """Make grain boundaries faint in places; call it while they are the only gaps."""
    if not flaws.outlines:
        return
    radius = float(np.median(scene.grains.radius[scene.grains.radius > 0]))
    faint = ramp(noise(scene.shape, radius, rng, 2), -0.8, 0.8)
    scene.gap *= 1 - np.float32(0.9 * flaws.outlines) * faint


def add_flaws(scene: Scene, flaws: Flaws, rng: np.random.Generator) -> None:
    """Add to a finished scene what is in the rock and what preparation did to it."""
    mottled = noise(scene.shape, 5 * scene.px_per_um, rng, 2)
    for name in MINERALS:
        patch = scene.patch_of(name)
        if not len(patch):
            continue
        if name in MICAS:
            _mottle(scene, patch, flaws, mottled)
        elif flaws.undulose:
            _strain(scene, patch, flaws.undulose * STRAIN.get(name, STRAIN["other"]), rng)
        if flaws.inclusions:
            _add_inclusions(scene, patch, flaws.inclusions * HELD.get(name, HELD["other"]), rng)
    if flaws.pits:
        _add_pits(scene, flaws.pits, rng)
    if flaws.resin:
        _add_resin(scene, flaws.resin, rng)


def _mottle(scene: Scene, patch: Patch, flaws: Flaws, mottled: Floats) -> None:
    """The bird's-eye texture of micas: extinction that differs from spot to spot."""
    scene.twist.ravel()[patch.pixels] += (
        np.float32(np.radians(flaws.mottling)) * mottled.ravel()[patch.pixels]
    )


def _strain(scene: Scene, patch: Patch, degrees: float, rng: np.random.Generator) -> None:
    """Undulose extinction: it sweeps through a strained grain, each strained in its own way."""
    n = len(scene.grains)
    angle = rng.uniform(0, 2 * np.pi, n)
    normal = np.stack([np.cos(angle), np.sin(angle), np.zeros(n)], axis=1)
    strength = np.radians(degrees) * rng.standard_normal(n)
    position, _ = scene.across(normal, patch)
    radius = np.maximum(scene.grains.radius, 1).astype(np.float32)[patch.grain]
    bend = position / radius + np.float32(0.6) * patch.broad + np.float32(0.3) * patch.medium
    scene.twist.ravel()[patch.pixels] += strength.astype(np.float32)[patch.grain] * bend


def _add_inclusions(scene: Scene, patch: Patch, number: float, rng: np.random.Generator) -> None:
    """Fluid and mineral inclusions, single and in trails along healed cracks."""
    px = scene.px_per_um
    n = rng.poisson(number * len(patch) / (AREA_UM2 * px * px))
    single = rng.integers(0, len(patch), int(n * (1 - IN_TRAILS)))
    y, x = np.divmod(patch.pixels[single], scene.shape[1]) + rng.uniform(
        -0.5, 0.5, (2, len(single))
    )
    starts = patch.pixels[rng.integers(0, len(patch), round(n * IN_TRAILS / TRAIL))]
    length = rng.poisson(TRAIL, len(starts))
    of_trail = np.repeat(np.arange(len(starts)), length)
    along = rng.normal(0, 25 * px, len(of_trail))
    angle = rng.uniform(0, np.pi, len(starts))[of_trail]
    start_y, start_x = np.divmod(starts, scene.shape[1])
    off = rng.normal(0, 1.5 * px, len(of_trail))
    trail_y = start_y[of_trail] + along * np.sin(angle) + off * np.cos(angle)
    trail_x = start_x[of_trail] + along * np.cos(angle) - off * np.sin(angle)
    kept = _within(scene, starts[of_trail], trail_y, trail_x)  # a trail ends with its grain
    y, x = np.concatenate([y, trail_y[kept]]), np.concatenate([x, trail_x[kept]])
    radius = np.exp(rng.normal(np.log(2.2), 0.5, len(y))) * px
    density, gap = rng.uniform(0.6, 2.5, len(y)), rng.uniform(0.1, 0.6, len(y))
    stamp(y, x, radius, (scene.density, density), (scene.gap, gap))


def _add_pits(scene: Scene, number: float, rng: np.random.Generator) -> None:
    """Holes that grinding tore: dark rims, and less of the section within."""
    px = scene.px_per_um
    height, width = scene.shape
    n = rng.poisson(number * height * width / (AREA_UM2 * px * px))
    y, x = rng.uniform(0, height - 1, n), rng.uniform(0, width - 1, n)
    radius = np.exp(rng.normal(np.log(4), 0.4, n)) * px
    gap, density = rng.uniform(0.4, 1, n), rng.uniform(0.2, 1.2, n)
    depth = rng.uniform(0.2, 0.45, n)
    hole = np.zeros_like(scene.thickness)
    stamp(y, x, radius, (scene.gap, gap), (scene.density, density), (hole, depth))
    scene.thickness -= hole


def _add_resin(scene: Scene, openness: float, rng: np.random.Generator) -> None:
    """Holes along grain boundaries, as rocks and preparation leave them, filled with resin."""
    depth = scene.fabric.margin / np.float32(PORE_UM * scene.px_per_um)
    likely = noise(scene.shape, 2 * PORE_UM * scene.px_per_um, rng, 3)
    scene.resin = ramp(likely - depth, 2.6 - 1.6 * openness, 2.8 - 1.6 * openness)
    scene.dye = float(rng.uniform(0.5, 1)) if rng.random() < DYED else 0.0


def _within(scene: Scene, starts: Ints, y: Floats, x: Floats) -> Bools:
    """Whether points lie in the field, and in the grain in which their trail starts."""
    height, width = scene.shape
    inside = (y >= 0) & (y <= height - 1) & (x >= 0) & (x <= width - 1)
    rows, columns = (
        np.clip(np.rint(v), 0, end - 1).astype(int) for v, end in ((y, height), (x, width))
    )
    grain = scene.fabric.grain
    same: Bools = grain[rows, columns] == grain.ravel()[starts]
    return inside & same


def stamp(y: Floats, x: Floats, radius: Floats, *onto: tuple[Floats, Floats]) -> None:
    """
    Raise values around points to bells of a radius, px.

    A bell smaller than a pixel is as much lower as it covers less of it.

    Parameters
    ----------
    y, x, radius : (n,) of each point
    onto : values (h, w) to raise, contiguous, and the heights of the bells there (n,)
    """
    height, width = onto[0][0].shape
    wide = np.maximum(radius, 0.6)
    covered = np.minimum((radius / wide) ** 2, 1)
    peaks = [strength * covered for _, strength in onto]
    reach = np.arange(-STAMP_PX, STAMP_PX + 1)[:, None]
    rows, columns = np.rint(y).astype(int) + reach, np.rint(x).astype(int) + reach  # (side, n)
    right2, within = (columns - x) ** 2, (columns >= 0) & (columns < width)
    for row in rows:  # all rows at once would leave the processor's cache
        inside = within & (row >= 0) & (row < height)
        pixels = (row * width + columns)[inside]
        bell = np.exp(-((row - y) ** 2 + right2) / wide**2)
        for (values, _), peak in zip(onto, peaks, strict=True):
            np.maximum.at(values.reshape(-1), pixels, (peak * bell).astype(np.float32)[inside])
