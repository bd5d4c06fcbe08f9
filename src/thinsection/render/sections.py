"""Whole thin sections: rocks as they are, with the mineral at every pixel, for counting points."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from thinsection.base.arrays import Bytes
from thinsection.base.errors import InputError
from thinsection.base.seeds import generator
from thinsection.render.field import View, scale_of, take_photos
from thinsection.render.rocks import ROCKS
from thinsection.render.specimen import Specimen, draw_specimen
from thinsection.render.texture import SPECIES
from thinsection.settings import RenderSettings

LIGHTS = ("ppl", "xpl")
ALIKE = (
    15.0  # concentration of the Dirichlet distribution about a recipe's modes: lower, more varied
)
# a groundmass is finer than any point that could be counted
COUNTABLE = tuple(name for name, rock in ROCKS.items() if rock.minerals and not rock.groundmass)


@dataclass(frozen=True)
class SectionField:
    """
    One field of view of a section.

    Attributes
    ----------
    photos : light -> (h, w, 3) uint8
    minerals : (h, w) uint8, place in texture.SPECIES, or texture.HOLE
    um_per_pixel : scale
    """

    photos: dict[str, Bytes]
    minerals: Bytes
    um_per_pixel: float


def check_rocks(names: Sequence[str]) -> None:
    """Raise an InputError if a rock is none that can be counted."""
    if unknown := [name for name in names if name not in COUNTABLE]:
        raise InputError(f"--rock: {', '.join(unknown)} unknown; allowed: {', '.join(COUNTABLE)}.")


@lru_cache(maxsize=4)
def _drawn(seed: int, rock: str, number: int, settings: tuple[object, ...]) -> Specimen:
    radius, alteration, automatic, cast, flaws = settings
    specimen = draw_specimen(
        seed, "", number,
        grain_radius_um=radius, alteration=alteration, automatic_exposure=automatic,  # type: ignore[arg-type]
        colour_cast=cast, flaws=flaws, rock=rock,  # type: ignore[arg-type]
    )  # fmt: skip
    modes = ROCKS[rock].minerals
    drawn = generator(seed, "render", "modes", rock, number).dirichlet(
        ALIKE * np.array(list(modes.values())) / sum(modes.values()) + 0.2
    )
    return replace(specimen, modes=dict(zip(modes, map(float, drawn), strict=True)))


def draw_section(seed: int, rock: str, number: int, settings: RenderSettings) -> Specimen:
    """Section ``number`` of a rock: its modes vary about the recipe's, all else as in photos."""
    return _drawn(
        seed, rock, number,
        (
            tuple(settings.grain_radius_um), settings.alteration, settings.automatic_exposure,
            settings.colour_cast, tuple(settings.flaws),
        ),
    )  # fmt: skip


def um_per_pixel_of(width: int, height: int) -> float:
    """Micrometres a pixel: every field shows 1.65 x 1.1 mm, a larger photo at a finer scale."""
    return 1 / scale_of(width, height)


def section_field(section: Specimen, number: int, width: int, height: int) -> SectionField:
    """Field ``number`` of a section, in both lights."""
    views = [View(light) for light in LIGHTS]
    taken = take_photos(section, number, views, width=width, height=height, share=(0.0, 1.0))
    photos = {light: photo.pixels for light, photo in zip(LIGHTS, taken, strict=True)}
    return SectionField(photos, taken[0].minerals, um_per_pixel_of(width, height))


def modes_of(counts: np.ndarray) -> dict[str, float]:
    """Mineral -> share of the area without holes, from the number of pixels of each of SPECIES and of HOLE."""
    minerals = counts[: len(SPECIES)]
    whole = max(int(minerals.sum()), 1)
    return {name: float(n / whole) for name, n in zip(SPECIES, minerals, strict=True) if n}
