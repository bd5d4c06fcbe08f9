"""
Ingestion beside what a user would otherwise write: one loop of Pillow open, convert, resize.

    python benchmarks/ingest.py [--photos 20000] [--large 60] [--keep FOLDER]

Prints, for photos of 275 x 183 and of 4000 x 3000 pixels, photos a second of the plain loop on
one core and of the whole ingestion (decoding, hashing, copies, near copies, warnings, packing)
on all cores, the peak of resident memory, and how the near-copy search grows.
"""

import multiprocessing
from pathlib import Path

import numpy as np
from PIL import Image

from thinsection.seeds import generator

PACKED = (96, 144)  # height, width: the default


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
