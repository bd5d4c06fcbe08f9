"""Scans of whole sections: tiled TIFFs with smaller copies, one in each light, as slide scanners write."""

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from threadpoolctl import threadpool_limits

from thinsection.base.arrays import Bytes
from thinsection.base.cores import n_cores
from thinsection.base.files import writing_folder
from thinsection.base.workers import worker_processes
from thinsection.console.progress import progress
from thinsection.render.dataset import disk_errors
from thinsection.render.sections import (
    LIGHTS,
    check_rocks,
    draw_section,
    modes_of,
    section_field,
    um_per_pixel_of,
)
from thinsection.render.texture import HOLE
from thinsection.settings import RenderSettings

TILE_PX = 512
QUALITY = 90  # of the JPEG tiles
SMALLEST_PX = 1024  # of the longer side: smaller copies are made until one is no longer than this
FIELD_PX = (550, 366)  # width and height of what is rendered at once, 3 micrometres a pixel


def write_scan(
    folder: Path,
    seed: int,
    rock: str,
    size: tuple[int, int],
    settings: RenderSettings,
    workers: int = 0,
) -> dict[str, float]:
    """
    Render a section as ``section_ppl.tif`` and ``section_xpl.tif``, with its true modes in ``modes.csv``.

    It is a mosaic of fields of 1.65 x 1.1 mm that were rendered one by one, so grains end at their borders.

    Parameters
    ----------
    size : width and height, pixels of 3 micrometres

    Returns
    -------
    mineral -> share of the area, without holes

    Raises
    ------
    InputError
        If the rock is unknown, or the folder can't be written.
    """
    check_rocks([rock])
    width, height = size
    places = list(product(range(0, height, FIELD_PX[1]), range(0, width, FIELD_PX[0])))
    jobs = [(seed, rock, number, settings) for number in range(len(places))]
    counts = np.zeros(HOLE + 1, np.int64)
    with disk_errors(folder), writing_folder(folder) as partial, ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(dir=folder.parent)))
        whole = {
            light: np.lib.format.open_memmap(
                scratch / f"{light}.npy", "w+", np.uint8, (height, width, 3)
            )
            for light in LIGHTS
        }
        pool = stack.enter_context(worker_processes(min(workers or n_cores(), len(jobs))))
        shown = stack.enter_context(progress("rendering", len(jobs)))
        for (top, left), (photos, minerals) in zip(
            places, pool.map(_field, jobs, chunksize=4), strict=True
        ):
            down, across = min(FIELD_PX[1], height - top), min(FIELD_PX[0], width - left)
            for light in LIGHTS:
                whole[light][top : top + down, left : left + across] = photos[light][:down, :across]
            counts += np.bincount(minerals[:down, :across].ravel(), minlength=HOLE + 1)
            shown.advance(f"{rock} {top} {left}")
        for light in LIGHTS:
            _write_pyramid(partial / f"section_{light}.tif", whole[light], scratch)
        modes = modes_of(counts)
        with (partial / "modes.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["mineral", "share"])
            rows.writerows([name, f"{share:.6f}"] for name, share in modes.items())
    return modes


def _field(job: tuple[int, str, int, RenderSettings]) -> tuple[dict[str, Bytes], Bytes]:
    seed, rock, number, settings = job
    section = draw_section(seed, rock, 0, settings)
    with threadpool_limits(1):  # sums must not depend on the number of threads
        seen = section_field(section, number, *FIELD_PX)
    return seen.photos, seen.minerals


def _write_pyramid(path: Path, pixels: Bytes, scratch: Path) -> None:
    """A tiled TIFF: the whole, then copies of half the size each."""
    import tifffile

    per_cm = 1e4 / um_per_pixel_of(*FIELD_PX)
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for level in range(32):
            file.write(
                _tiles(pixels), shape=pixels.shape, dtype=np.uint8, tile=(TILE_PX, TILE_PX),
                photometric="rgb", compression="jpeg", compressionargs={"level": QUALITY},
                subfiletype=int(level > 0), metadata=None,
                resolution=(per_cm / 2**level, per_cm / 2**level), resolutionunit="CENTIMETER",
            )  # fmt: skip
            if max(pixels.shape[:2]) <= SMALLEST_PX:
                return
            pixels = _halved(pixels, scratch / f"{path.stem}-{level + 1}.npy")


def _tiles(pixels: Bytes) -> Iterator[Bytes]:
    """Whole tiles, the last of each row and column filled up with its edge."""
    height, width = pixels.shape[:2]
    for top, left in product(range(0, height, TILE_PX), range(0, width, TILE_PX)):
        tile = np.asarray(pixels[top : top + TILE_PX, left : left + TILE_PX])
        missing = [(0, TILE_PX - tile.shape[0]), (0, TILE_PX - tile.shape[1]), (0, 0)]
        yield np.ascontiguousarray(np.pad(tile, missing, mode="edge"))


def _halved(pixels: Bytes, path: Path) -> Bytes:
    """Half the size, each pixel the mean of four, in a file; an odd last row or column is left out."""
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    half = np.lib.format.open_memmap(path, "w+", np.uint8, (height, width, 3))
    for top in range(0, height, TILE_PX):
        rows = np.asarray(pixels[2 * top : 2 * min(top + TILE_PX, height), : 2 * width], np.uint16)
        four = rows[::2, ::2] + rows[1::2, ::2] + rows[::2, 1::2] + rows[1::2, 1::2]
        half[top : top + TILE_PX] = ((four + 2) // 4).astype(np.uint8)
    return half
