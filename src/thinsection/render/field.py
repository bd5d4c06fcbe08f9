"""One field of view of a specimen: from a seed to a photo."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from thinsection.base.arrays import Bytes, Floats
from thinsection.base.seeds import generator
from thinsection.render.alteration import add_alteration
from thinsection.render.camera import exposure, photograph
from thinsection.render.flaws import NO_FLAWS, Flaws, add_flaws, draw_flaws, fade_outlines
from thinsection.render.groundmass import add_groundmass
from thinsection.render.layout import lay_out
from thinsection.render.light import illuminate
from thinsection.render.rocks import ROCKS
from thinsection.render.scene import Scene, bare_scene
from thinsection.render.specimen import Specimen
from thinsection.render.texture import HOLE, SPECIES, grow
from thinsection.render.twins import add_twins_and_zoning
from thinsection.render.wear import add_boundaries, add_cleavage_and_cracks

Shape = tuple[int, int]

REFERENCE_PX = 275 * 183  # a photo of this size shows 1.65 x 1.1 mm
REFERENCE_UM_PER_PX = 6.0
ATTEMPTS = 8  # at a field whose label covers the wanted share
FINER_ATTEMPTS = 8  # after these, each with grains smaller by the factor below: 0.17 at last
FINER = 0.8


def scale_of(width: int, height: int) -> float:
    """Pixels per micrometre: every photo shows the same area, larger ones at a finer scale."""
    return float(np.sqrt(width * height / REFERENCE_PX) / REFERENCE_UM_PER_PX)


def compose(
    specimen: Specimen, number: int, shape: Shape, px_per_um: float, share: tuple[float, float]
) -> Scene:
    """
    The scene of field ``number`` of a specimen.

    Parameters
    ----------
    shape : rows and columns, px
    share : least and greatest share of the area that the specimen's label covers

    Returns
    -------
    scene : Where grains are so large that the label covers too much or too little however they
        lie, they get smaller; where that doesn't help either, it is the attempt that came nearest.
    """
    nearest, off = None, np.inf
    aim: float | None = None
    for attempt in range(ATTEMPTS + FINER_ATTEMPTS):
        rng = field_generator(specimen, number, "attempt", attempt)
        if attempt >= ATTEMPTS:
            specimen = replace(specimen, radius_um=FINER * specimen.radius_um)
        wanted = float(rng.uniform(*share)) if aim is None else aim
        scene = _grown(specimen, shape, px_per_um, wanted, rng)
        if not specimen.label:
            nearest = scene
            break
        found = scene.share_of(specimen.label)
        if abs(found - np.clip(found, *share)) < off:
            nearest, off = scene, abs(found - np.clip(found, *share))
        if off == 0:
            break
        aim = float(np.clip(wanted + 0.9 * (np.mean(share) - found), 0, 1))
    assert nearest is not None
    add_twins_and_zoning(nearest)
    add_boundaries(nearest)
    flaws, own = flaws_of(specimen), field_generator(specimen, number, "flaws")
    fade_outlines(nearest, flaws, own)
    add_alteration(nearest, add_cleavage_and_cracks(nearest))
    if flaws != NO_FLAWS:
        add_flaws(nearest, flaws, own)
    return nearest


def flaws_of(specimen: Specimen) -> Flaws:
    """How much of each flaw there is in a specimen."""
    whose = specimen.label or specimen.rock
    rng = generator(specimen.seed, "render", "flaws", whose, specimen.number)
    return draw_flaws(rng, specimen.flaws)


def field_generator(specimen: Specimen, number: int, *purpose: str | int) -> np.random.Generator:
    """The generator for one purpose of one field."""
    where = ("field", specimen.label or specimen.rock, specimen.number, number)
    return generator(specimen.seed, "render", *where, *purpose)


def _grown(
    specimen: Specimen, shape: Shape, px_per_um: float, share: float, rng: np.random.Generator
) -> Scene:
    rock = ROCKS[specimen.rock]
    radius = specimen.radius_um * px_per_um
    if rock.groundmass:  # the groundmass will take some of the area of the phenocrysts
        share = min(share * 1.12, 1)
    grains = lay_out(specimen, shape, radius, share, rng)
    waviness = radius * rng.uniform(0.02, 0.05) * (0.6 if rock.groundmass else 1)
    fabric = grow(grains, shape, waviness, rng)
    if rock.groundmass:
        stop, cell_um = rng.uniform(0.95, 1.15), rng.uniform(28, 50)
        cell = max(cell_um * px_per_um, 2.5)
        grains, fabric = add_groundmass(grains, fabric, rock.groundmass, stop, cell, rng)
    return bare_scene(specimen, grains, fabric, px_per_um, rng)


@dataclass(frozen=True)
class Photo:
    """
    A photo and its mineral map.

    Attributes
    ----------
    pixels : (h, w, 3) uint8 sRGB
    minerals : (h, w) uint8 place of each pixel's mineral in texture.SPECIES, or texture.HOLE
    share : of the area, of the specimen's label; NaN without one
    radius_um : of the grains, the median; the specimen's, if the wanted share did not need smaller
    """

    pixels: Bytes
    minerals: Bytes
    share: float
    radius_um: float


@dataclass(frozen=True)
class View:
    """
    A light, and for crossed polarisers the angle of the stage.

    Attributes
    ----------
    light : ppl | xpl
    angle_deg : by which the stage is turned clockwise; None where a field is seen at one angle only
    """

    light: str
    angle_deg: float | None = None


def take_photos(
    specimen: Specimen,
    number: int,
    views: Sequence[View],
    *,
    width: int,
    height: int,
    share: tuple[float, float],
    supersample: float = 1.0,
) -> list[Photo]:
    """
    Photos of field ``number`` of a specimen, one for each view.

    The polarisers are turned instead of the stage, which is the same as to turn the stage and to turn
    the photo back: the frames are in register. Views of one light share focus and exposure, so that
    only the angle makes them differ.

    Parameters
    ----------
    supersample : the scene is computed on a grid this many times finer, then averaged
    """
    shape = (round(height * supersample), round(width * supersample))
    px_per_um = scale_of(width, height)
    scene = compose(specimen, number, shape, px_per_um * supersample, share)
    minerals = scene.minerals
    if supersample != 1:
        size = (width, height)
        minerals = np.asarray(Image.fromarray(minerals).resize(size, Image.Resampling.NEAREST))
    pixels: dict[View, Bytes] = {}
    for light in dict.fromkeys(view.light for view in views):
        own = [view for view in views if view.light == light]
        pixels |= zip(own, _photographed(scene, number, own, width, height), strict=True)
    share_seen = share_of(minerals, specimen.label)
    radius = scene.specimen.radius_um
    return [Photo(pixels[view], minerals, share_seen, radius) for view in views]


def _photographed(
    scene: Scene, number: int, views: list[View], width: int, height: int
) -> list[Bytes]:
    """The photos of a scene in one light, at one or several angles."""
    specimen, light = scene.specimen, views[0].light
    flaws = flaws_of(specimen)
    blur_px = float(np.hypot(specimen.camera.blur_px, flaws.soft_focus))
    camera, crossed = replace(specimen.camera, blur_px=blur_px), light == "xpl"
    rng = field_generator(specimen, number, "photo", light)
    defocus = draw_defocus(rng)
    lit = []
    for view in views:
        polariser = float(np.radians(camera.polariser_deg - (view.angle_deg or 0)))
        lit.append(illuminate(scene, camera.matrix, polariser, crossed, defocus))
        lit[-1] += np.float32(flaws.stray_light)
        if lit[-1].shape[:2] != (height, width):
            lit[-1] = _averaged(lit[-1], width, height)
    # automatic exposure for each angle would undo the darkening that the angles are taken for
    gain = exposure(np.mean(lit, axis=0), camera, crossed) if len(lit) > 1 else None
    px = scale_of(width, height) * REFERENCE_UM_PER_PX
    return [photograph(each, camera, crossed, px, rng, gain) for each in lit]


def share_of(minerals: Bytes, mineral: str) -> float:
    """Share of a mineral map covered by a mineral, NaN without one; holes don't count."""
    if not mineral:
        return math.nan
    return float(np.mean(minerals[minerals != HOLE] == SPECIES.index(mineral)))


def draw_defocus(rng: np.random.Generator) -> float:
    """Random defocus, seldom below the section, which sets strength and sign of relief."""
    return float(rng.uniform(1.2, 3.2) * rng.choice([1, 1, -1]))


def _averaged(light: Floats, width: int, height: int) -> Floats:
    channels = np.moveaxis(light, -1, 0)
    small = [Image.fromarray(c).resize((width, height), Image.Resampling.BOX) for c in channels]
    return np.stack([np.asarray(channel) for channel in small], axis=-1)
