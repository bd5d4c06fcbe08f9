"""Rendered fields to learn from: photos in both lights, and what is where in them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from thinsection.base.arrays import Bytes, Ints, read_array
from thinsection.base.seeds import generator
from thinsection.base.workers import worker_processes
from thinsection.console.progress import progress
from thinsection.pretrain.settings import RenderedSettings
from thinsection.render.camera import photograph
from thinsection.render.field import (
    REFERENCE_UM_PER_PX,
    compose,
    draw_defocus,
    field_generator,
    scale_of,
)
from thinsection.render.light import illuminate
from thinsection.render.specimen import draw_specimen
from thinsection.render.texture import SPECIES

LIGHTS = ("ppl", "xpl")
MAP_STEP = 2  # pixels of a photo per cell of its mineral map, along each side
AT_ONCE = 16  # fields that a worker renders before it reports


@dataclass(frozen=True)
class Fields:
    """
    Rendered fields.

    Attributes
    ----------
    photos : (n, 2, h, w, 3) uint8, of each field in plane-polarised light and between crossed
        polarisers at a random angle of the stage
    minerals : (n, h / 2, w / 2) uint8, place of each cell's mineral in SPECIES
    labels : (n,) int64, place of the field's main mineral in SPECIES
    """

    photos: Bytes
    minerals: Bytes
    labels: Ints

    @classmethod
    def read(cls, folder: Path) -> "Fields":
        """What ``write`` wrote."""
        names = ("photos", "minerals", "labels")
        return cls(*(read_array(folder / f"{name}.npy", mapped=True) for name in names))

    def write(self, folder: Path) -> None:
        """Write three .npy files."""
        for name in ("photos", "minerals", "labels"):
            np.save(folder / f"{name}.npy", getattr(self, name))


def render_fields(seed: int, settings: RenderedSettings, workers: int) -> Fields:
    """The fields, in the order of their numbers; fewer than asked where the time is up before."""
    numbers = np.arange(settings.fields)
    parts = [numbers[i : i + AT_ONCE] for i in range(0, len(numbers), AT_ONCE)]
    ends = time.monotonic() + 60 * settings.minutes
    found: list[Fields] = []
    with worker_processes(workers) as pool, progress("rendering", settings.fields) as shown:
        waiting = iter(parts)
        running = [
            pool.submit(_some, seed, part, settings) for part in islice(waiting, 2 * workers)
        ]
        while running:
            found.append(running.pop(0).result())
            shown.advance("", len(found[-1].labels))
            part = next(waiting, None) if time.monotonic() < ends else None
            if part is not None:
                running.append(pool.submit(_some, seed, part, settings))
    return Fields(*(np.concatenate(each) for each in zip(*map(_arrays, found), strict=True)))


def _arrays(fields: Fields) -> Iterator[np.ndarray]:
    yield from (fields.photos, fields.minerals, fields.labels)


def _some(seed: int, numbers: Ints, settings: RenderedSettings) -> Fields:
    with threadpool_limits(1):  # sums must not depend on the number of threads
        each = [render_field(seed, int(number), settings) for number in numbers]
    photos, minerals, labels = zip(*each, strict=True)
    return Fields(np.stack(photos), np.stack(minerals), np.array(labels, np.int64))


def render_field(seed: int, number: int, settings: RenderedSettings) -> tuple[Bytes, Bytes, int]:
    """
    One field of a specimen of its own: photos (2, h, w, 3), mineral map and main mineral.

    The minerals take turns; zoom, grain radius, rock, camera and the angle of the stage are drawn.
    """
    rng = generator(seed, "pretrain", number)
    label = SPECIES[number % len(SPECIES)]
    specimen = draw_specimen(
        seed,
        label,
        number,
        grain_radius_um=(settings.grain_radius_um[0], settings.grain_radius_um[1]),
        alteration=settings.alteration,
        automatic_exposure=settings.automatic_exposure,
        colour_cast=settings.colour_cast,
    )
    zoom = float(np.exp(rng.uniform(*np.log(settings.zoom))))
    px_per_um = zoom * scale_of(settings.width, settings.height)
    shape = (settings.height, settings.width)
    share = (settings.share[0], settings.share[1])
    scene = compose(specimen, 0, shape, px_per_um, share)
    camera = specimen.camera
    photos = []
    for light in LIGHTS:
        crossed = light == "xpl"
        turned = rng.uniform(0, 90) if crossed else 0.0
        own = field_generator(specimen, 0, "photo", light)
        polariser = float(np.radians(camera.polariser_deg - turned))
        lit = illuminate(scene, camera.matrix, polariser, crossed, draw_defocus(own))
        photos.append(photograph(lit, camera, crossed, px_per_um * REFERENCE_UM_PER_PX, own))
    return np.stack(photos), scene.minerals[::MAP_STEP, ::MAP_STEP], SPECIES.index(label)
