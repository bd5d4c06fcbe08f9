"""
Ingestion beside what a user would otherwise write: one loop of Pillow open, convert, resize.

    python benchmarks/ingest.py [--photos 20000] [--large 40] [--keep FOLDER]

Prints, for photos of 275 x 183 and of 4000 x 3000 pixels, photos a second of the plain loop on
one core and of the whole ingestion (decoding, hashing, copies, near copies, warnings, packing)
on all cores, the peak of resident memory, where the time of one photo goes, and how the near-copy
search grows. Beside the ratio by the clock stands the one by processor time, every core busy: what
an otherwise idle machine could reach, and all that can be told of one that others use.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from thinsection.base.cores import n_cores
from thinsection.base.seeds import generator
from thinsection.decode.photo import decode_photo, fit_to_size
from thinsection.ingest.facts import facts_of, thumbnail
from thinsection.ingest.pack import (
    PackSettings,
    Scratch,
    pixel_hash,
    scratch_files,
    write_pixels,
)

if TYPE_CHECKING:
    from thinsection.ingest.survey import Survey

PACKED = (96, 144)  # height, width: the default
PACKING = PackSettings(*PACKED, "crop", max_megapixels=100)


def draw_photo(number: int, height: int, width: int) -> Image.Image:
    """A photo-like picture: grains of two sizes and sensor noise, or one bright grain on dark."""
    rng = generator(0, "benchmark photo", number)
    picture = np.zeros((height, width, 3), np.float32)
    for side, strength in ((8, 50), (32, 35), (96, 20)):
        cells = rng.normal(128, strength, (side * 2 // 3, side, 3)).clip(0, 255).astype(np.uint8)
        picture += np.asarray(Image.fromarray(cells).resize((width, height), Image.BICUBIC))
    picture /= 3
    if number % 2:
        picture = np.where(grain_shape(rng, height, width)[..., None], picture + 60, picture * 0.3)
    strip = rng.normal(0, 4, (height, 16, 3)).astype(np.float32)
    picture += np.tile(strip, (1, -(-width // 16), 1))[:, :width]
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def grain_shape(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """(height, width) bool: inside of a grain of irregular outline, near the middle."""
    middle_y, middle_x = rng.uniform(-0.2, 0.2, 2)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle = np.arctan2(y - middle_y, x - middle_x)
    radius = sum(
        rng.uniform(0, 0.25) * np.cos(k * angle + rng.uniform(0, 2 * np.pi)) for k in range(2, 7)
    )
    return np.hypot(y - middle_y, x - middle_x) < rng.uniform(0.5, 0.8) * (1 + radius)


def save_photo(job: tuple[int, Path, int, int]) -> None:
    number, folder, height, width = job
    path = folder / f"mineral_{number % 4}" / f"{number:05}.jpg"
    draw_photo(number, height, width).save(path, quality=90)


def make_photos(folder: Path, n_photos: int, height: int, width: int) -> None:
    if folder.exists():
        return
    for label in range(4):
        (folder / f"mineral_{label}").mkdir(parents=True)
    jobs = [(number, folder, height, width) for number in range(n_photos)]
    with multiprocessing.Pool() as pool:
        pool.map(save_photo, jobs, chunksize=64)


def cpu_seconds() -> float:
    """Processor time of this process, its threads and the workers that have ended."""
    own, workers = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + workers.ru_utime + workers.ru_stime


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock and of all processors together."""

    clock: float
    cpu: float


@contextmanager
def timed(into: list[Spent]) -> Iterator[None]:
    clock, cpu = time.perf_counter(), cpu_seconds()
    yield
    into.append(Spent(time.perf_counter() - clock, cpu_seconds() - cpu))


def plain_loop(paths: list[Path], resampling: Image.Resampling) -> Spent:
    """Of each photo in the loop that a user would write, on one core."""
    spent: list[Spent] = []
    with timed(spent):
        for path in paths:
            np.asarray(Image.open(path).convert("RGB").resize(PACKED[::-1], resampling))
    return Spent(spent[0].clock / len(paths), spent[0].cpu / len(paths))


def surveyed(folder: Path, scratch: Scratch) -> "Survey":
    # here as in stages/ingest.py: every worker process imports the top of this script
    from thinsection.ingest.survey import survey
    from thinsection.params import load_params
    from thinsection.settings import DatasetSettings

    dataset = DatasetSettings(
        path=str(folder), specimen_pattern=None, light_pattern=None, angle_pattern=None, labels={}
    )
    changes = {"height": PACKING.height, "width": PACKING.width, "fit": PACKING.fit}
    changes |= {"max_megapixels": PACKING.max_megapixels, "on_conflict": "reject"}
    return survey(dataset, load_params().ingest.model_copy(update=changes), scratch)


def whole_ingest(folder: Path) -> tuple[Spent, Spent, int]:
    """Of everything, of the near-copy search alone, and how many near copies were found."""
    from thinsection.ingest.copies import near_copies

    spent: list[Spent] = []
    with tempfile.TemporaryDirectory() as out, scratch_files(Path(out)) as scratch:
        with timed(spent):
            found = surveyed(folder, scratch)
            write_pixels(scratch, found.rows, [], PACKING, Path(out) / "pixels.npy")
        thumbnails = scratch.read_thumbnails(found.rows)
    with timed(spent):
        near_copies(thumbnails)
    return spent[0], spent[1], len(found.near)


def side_by_side(folder: Path, n_plain: int) -> None:
    paths = sorted(folder.glob("*/*.jpg"))
    plain = {
        name: plain_loop(paths[:n_plain], getattr(Image.Resampling, name))
        for name in ("BICUBIC", "LANCZOS")
    }
    spent, near, n_near = whole_ingest(folder)
    cores = n_cores()
    print(f"{folder.name}: {len(paths)} photos, {n_near} near copies, {cores} cores")
    print(
        f"  whole ingestion {spent.clock:.1f} s, {len(paths) / spent.clock:.0f} photos a second; "
        f"processor time {spent.cpu:.1f} s"
    )
    print(f"  of which the near-copy search {near.clock:.1f} s, processor time {near.cpu:.1f} s")
    for name, each in plain.items():
        by_clock = each.clock * len(paths) / spent.clock
        by_cpu = each.cpu * len(paths) / (spent.cpu / cores)
        print(
            f"  plain loop, {name}: {1 / each.clock:.0f} a second; ratio {by_clock:.2f}, "
            f"by processor time {by_cpu:.2f}"
        )
    own, workers = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(
        f"  peak resident memory: {own:.0f} MB, of the largest worker {workers:.0f} MB", flush=True
    )


def decoded(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def parts(paths: list[Path]) -> None:
    """Processor time of each step of one photo, the steps in turn so that all meet the same load."""
    spent: dict[str, float] = defaultdict(float)

    def step(name, function, *arguments):
        start = time.thread_time()
        result = function(*arguments)
        spent[name] += time.thread_time() - start
        return result

    for path in paths:
        plain = step("plain loop: open, decode", decoded, path)
        step("plain loop: resize, BICUBIC", plain.resize, PACKED[::-1])
        photo = step("open, decode", decode_photo, path, PACKED, PACKING.max_megapixels)
        small = np.asarray(step("resize", fit_to_size, photo.image, *PACKED, PACKING.fit))
        step("hash of the pixels", pixel_hash, photo.image)
        grey = step("grey thumbnail", photo.image.convert, "L")
        thumb = step("grey thumbnail", thumbnail, grey)
        step("brightness, border, scale bar", facts_of, grey, small, thumb)
    print("Processor time of one photo, ms:")
    for name, seconds in spent.items():
        print(f"  {name}: {1000 * seconds / len(paths):.2f}")


def growth(folder: Path) -> None:
    """Time of the near-copy search over the number of photos."""
    from thinsection.ingest.copies import near_copies

    with tempfile.TemporaryDirectory() as out, scratch_files(Path(out)) as scratch:
        thumbnails = scratch.read_thumbnails(surveyed(folder, scratch).rows)
    rng = generator(0, "benchmark order")
    n_photos = 2500
    while n_photos <= len(thumbnails):
        spent: list[Spent] = []
        with timed(spent):
            found = near_copies(rng.permutation(thumbnails)[:n_photos])
        print(
            f"  near-copy search, {n_photos} photos: {spent[0].clock:.1f} s, processor time "
            f"{spent[0].cpu:.1f} s, {len(found)} pairs",
            flush=True,
        )
        n_photos *= 2


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    options.add_argument("--photos", type=int, default=20_000)
    options.add_argument("--large", type=int, default=40)
    options.add_argument("--keep", type=Path, help="folder of the photos, kept for another run")
    chosen = options.parse_args()
    import thinsection.ingest.survey
    import thinsection.params  # noqa: F401 - both before anything is timed

    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        small, large = folder / "275x183", folder / "4000x3000"
        make_photos(small, chosen.photos, 183, 275)
        make_photos(large, chosen.large, 3000, 4000)
        side_by_side(small, n_plain=2000)
        side_by_side(large, n_plain=20)
        parts(sorted(small.glob("*/*.jpg"))[:1000])
        growth(small)


if __name__ == "__main__":
    main()
