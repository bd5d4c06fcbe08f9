"""One field of view of a specimen: from a seed to a photo."""

from dataclasses import dataclass

import numpy as np

from thinsection.errors import InputError
from thinsection.render.alteration import add_alteration
from thinsection.render.camera import photograph
from thinsection.render.groundmass import add_groundmass
from thinsection.render.layout import lay_out
from thinsection.render.light import illuminate
from thinsection.render.rocks import ROCKS
from thinsection.render.scene import Scene, bare_scene
from thinsection.render.specimen import Specimen
from thinsection.render.texture import SPECIES, grow
from thinsection.render.twins import add_twins_and_zoning
from thinsection.render.wear import add_boundaries, add_cleavage_and_cracks
from thinsection.seeds import generator

Array = np.ndarray

LIGHTS = ("ppl", "xpl")
REFERENCE_PX = 275 * 183  # a photo of this size shows 1.65 x 1.1 mm, whatever its size in pixels
REFERENCE_UM_PER_PX = 6.0
SMALLEST_SIDE_PX = 32
ATTEMPTS = 8


def scale_of(width: int, height: int) -> float:
    """Pixels per micrometre: every photo shows the same area, larger ones show it finer."""
    return float(np.sqrt(width * height / REFERENCE_PX) / REFERENCE_UM_PER_PX)


def compose(
    specimen: Specimen, number: int, width: int, height: int, share: tuple[float, float]
) -> Scene:
    """
    The scene of field ``number`` of a specimen.

    Parameters
    ----------
    share : least and greatest share of the area that the specimen's label covers

    Raises
    ------
    InputError
        If no attempt brought the share into its range.
    """
    aim = None
    for attempt in range(ATTEMPTS):
        rng = generator(
            specimen.seed, "render", "field", specimen.label, specimen.number, number, attempt
        )
        wanted = rng.uniform(*share) if aim is None else aim
        scene = _grown(specimen, width, height, wanted, rng)
        found = scene.share_of(specimen.label)
        if share[0] <= found <= share[1]:
            return _finished(scene)
        middle = (share[0] + share[1]) / 2
        aim = float(np.clip(wanted + 0.9 * (middle - found), 0, 1))
    raise InputError(
        f"{specimen.name} field {number}: {specimen.label} covers {found:.2f} of the area; allowed: "
        f"share {share[0]} to {share[1]}, tried {ATTEMPTS} times. Widen share, or make the grains "
        f"smaller or the photo larger."
    )


def _grown(specimen: Specimen, width: int, height: int, share: float, rng) -> Scene:
    shape, scale = (height, width), scale_of(width, height)
    rock = ROCKS[specimen.rock]
    radius = specimen.radius_um * scale
    if rock.groundmass:  # phenocrysts need room between them: fill the field with label by number
        share = min(share * 1.12, 1)
    grains = lay_out(specimen, shape, radius, share, rng)
    waviness = radius * rng.uniform(0.02, 0.05) * (0.6 if rock.groundmass else 1)
    fabric = grow(grains, shape, waviness, rng)
    if rock.groundmass:
        grains, fabric = add_groundmass(
            grains,
            fabric,
            rock.groundmass,
            rng.uniform(0.95, 1.15),
            max(rng.uniform(28, 50) * scale, 2.5),
            rng,
        )
    return bare_scene(specimen, grains, fabric, scale, rng)


def _finished(scene: Scene) -> Scene:
    add_twins_and_zoning(scene)
    add_boundaries(scene)
    distances = add_cleavage_and_cracks(scene)
    add_alteration(scene, distances)
    return scene


@dataclass(frozen=True)
class Photo:
    """
    A photo and its truth.

    Attributes
    ----------
    pixels : (h, w, 3) uint8 sRGB
    minerals : (h, w) uint8 place of each pixel's mineral in SPECIES
    share : of the area, of the specimen's label
    """

    pixels: Array
    minerals: Array
    share: float
    light: str


def take_photo(
    specimen: Specimen,
    number: int,
    *,
    width: int,
    height: int,
    share: tuple[float, float],
    light: str,
    supersample: float = 1.0,
) -> Photo:
    """
    Photo of field ``number`` of a specimen.

    Parameters
    ----------
    light : ppl | xpl
    supersample : the scene is worked out on a grid so many times finer and averaged
    """
    fine = (round(width * supersample), round(height * supersample))
    scene = compose(specimen, number, *fine, share)
    camera = specimen.camera
    rng = generator(
        specimen.seed, "render", "noise", specimen.label, specimen.number, number, light
    )
    defocus = float(rng.uniform(1.2, 3.2) * rng.choice([1, 1, -1]))
    lit = illuminate(
        scene, camera.matrix, np.radians(camera.polariser_deg), light == "xpl", defocus
    )
    if supersample != 1:
        lit = _reduced(lit, width, height)
    pixels = photograph(lit, camera, light == "xpl", 6 * scale_of(width, height), rng)
    return Photo(pixels, scene.minerals, scene.share_of(specimen.label), light)


def _reduced(light: Array, width: int, height: int) -> Array:
    from PIL import Image

    channels = [
        np.asarray(Image.fromarray(light[..., c]).resize((width, height), Image.Resampling.BOX))
        for c in range(3)
    ]
    return np.stack(channels, axis=-1)


__all__ = ["LIGHTS", "SPECIES", "Photo", "compose", "scale_of", "take_photo"]
