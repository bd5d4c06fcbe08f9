"""A data set for counting: windows cut out of sections, each labelled by the mineral in its centre."""

import csv
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from threadpoolctl import threadpool_limits

from thinsection.base.arrays import Bytes, Ints, mirrored
from thinsection.base.cores import n_cores
from thinsection.base.files import writing_folder
from thinsection.base.seeds import generator
from thinsection.base.workers import worker_processes
from thinsection.console.progress import progress
from thinsection.render.camera import jpeg
from thinsection.render.dataset import disk_errors
from thinsection.render.sections import (
    LIGHTS,
    check_rocks,
    draw_section,
    section_field,
    um_per_pixel_of,
)
from thinsection.render.texture import HOLE, HOLE_NAME, SPECIES
from thinsection.settings import RenderSettings

COLUMNS = ("file", "label", "specimen", "sample", "light", "rock")


@dataclass(frozen=True)
class WindowPlan:
    """
    What to cut.

    Attributes
    ----------
    rocks : names of recipes; of each, ``settings.specimens`` sections of ``settings.fields`` fields
    points : windows about each mineral, and about holes, in a field
    side_um : length of a window's side, micrometres
    """

    rocks: tuple[str, ...]
    points: int
    side_um: float


def write_windows(
    folder: Path, seed: int, settings: RenderSettings, plan: WindowPlan, workers: int = 0
) -> int:
    """
    Render sections and write windows of them, each in both lights; all or nothing.

    Minerals get as many windows each, however much of the section they cover, so that rare ones are
    learnt too. Labels are true for the pixel in the centre; what surrounds it may be anything.

    Parameters
    ----------
    workers : processes; 0 for one per core. The bytes don't depend on it.

    Returns
    -------
    n_photos : number of photos written

    Raises
    ------
    InputError
        If a rock is unknown, or the folder can't be written.
    """
    check_rocks(plan.rocks)
    jobs = [
        (seed, rock, number, field, settings, plan)
        for rock in plan.rocks
        for number in range(settings.specimens)
        for field in range(settings.fields)
    ]
    n_photos = 0
    with disk_errors(folder), writing_folder(folder) as partial, ExitStack() as stack:
        workers = min(workers or n_cores(), len(jobs))
        pool = stack.enter_context(worker_processes(workers)) if workers > 1 else None
        file = stack.enter_context((partial / "photos.csv").open("w", encoding="utf-8", newline=""))
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        shown = stack.enter_context(progress("rendering", len(jobs)))
        for windows in _all(pool, jobs):
            for row, png in windows:
                path = partial / row["file"]
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(png)
                writer.writerow(row)
                n_photos += 1
            shown.advance(windows[0][0]["specimen"])
    return n_photos


Job = tuple[int, str, int, int, RenderSettings, WindowPlan]
Windows = list[tuple[dict[str, str], bytes]]


def _all(pool: Executor | None, jobs: list[Job]) -> Iterator[Windows]:
    yield from map(_cut, jobs) if pool is None else pool.map(_cut, jobs, chunksize=2)


def _cut(job: Job) -> Windows:
    """The windows of one field: rows of the table, and PNGs."""
    seed, rock, number, field, settings, plan = job
    section = draw_section(seed, rock, number, settings)
    with threadpool_limits(1):  # sums must not depend on the number of threads
        seen = section_field(section, field, settings.width, settings.height)
    # what a camera saves, as the photos that are counted later
    photos = {
        light: np.asarray(Image.open(BytesIO(jpeg(photo, section.camera.quality))))
        for light, photo in seen.photos.items()
    }
    rng = generator(seed, "render", "windows", rock, number, field)
    side = window_px(plan.side_um, um_per_pixel_of(settings.width, settings.height))
    found: Windows = []
    for species in np.unique(seen.minerals):
        label = HOLE_NAME if species == HOLE else SPECIES[species]
        ys, xs = np.nonzero(seen.minerals == species)
        for k, place in enumerate(rng.integers(0, len(ys), plan.points)):
            sample = f"{label}/{section.name}-{field:02d}-{k:02d}"
            for light in LIGHTS:
                pixels = window(photos[light], np.array([ys[place], xs[place]]), side)
                row = {
                    "file": f"{sample}-{light}.png", "label": label, "specimen": section.name,
                    "sample": sample, "light": light, "rock": rock,
                }  # fmt: skip
                found.append((row, _png(pixels)))
    return found


def window_px(side_um: float, um_per_pixel: float) -> int:
    """Side of a window in pixels, odd so that one pixel is its centre; at least 9."""
    return max(2 * round(side_um / um_per_pixel / 2 - 0.5) + 1, 9)


def window(photo: Bytes, centre: Ints, side: int) -> Bytes:
    """The (side, side, 3) window about a pixel (row, column); mirrored beyond the photo's edges."""
    reach = side // 2
    height, width = photo.shape[:2]
    rows, columns = (
        mirrored(int(middle) - reach, side, end)
        for middle, end in zip(centre, (height, width), strict=True)
    )
    cut: Bytes = photo[np.ix_(rows, columns)]
    return cut


def _png(pixels: Bytes) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
