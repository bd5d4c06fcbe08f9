"""Sections of which a known part is bright, and models that tell bright from dark by windows of them."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from modelling import HEIGHT, WIDTH, dark_and_bright
from thinsection.base.arrays import Bytes
from thinsection.base.seeds import generator
from thinsection.dataset.packed import Dataset

# of the model: windows of HEIGHT x WIDTH pixels
SCALE: dict[str, Any] = {"final": {"label_of": "centre", "um_per_pixel": 3.0}}


def as_brought() -> Dataset:
    """Windows of sections, half of them bright, that were as large as they are now."""
    photos, rng = dark_and_bright(), generator(8, "windows")
    pixels = np.empty_like(photos.pixels)
    for row, label in enumerate(photos.labels):
        whole = section_of(rng, 3 * HEIGHT, 3 * WIDTH, bright=float(label))
        top, left = rng.integers(0, 2 * HEIGHT), rng.integers(0, 2 * WIDTH)
        pixels[row] = whole[top : top + HEIGHT, left : left + WIDTH]
    return Dataset(pixels, photos.photos.assign(height=HEIGHT, width=WIDTH))


def pairs() -> Dataset:
    """24 samples in both lights."""
    photos = as_brought()
    table = photos.photos.copy()
    table["sample"] = [f"s{i % 24:02}" for i in range(48)]
    table["light"] = ["ppl"] * 24 + ["xpl"] * 24
    table["group"] = [f"g{i % 12:02}" for i in range(24)] * 2
    return Dataset(photos.pixels, table)


def half_and_half(height: int = 160, width: int = 400, bright: float = 0.25) -> Bytes:
    """A section whose left part is bright."""
    return section_of(generator(9, "section"), height, width, bright)


def section_of(rng: np.random.Generator, height: int, width: int, bright: float) -> Bytes:
    cells = rng.integers(-60, 60, (height // 4, width // 4, 3)).repeat(4, 0).repeat(4, 1)
    level = np.where(np.arange(width) < bright * width, 180, 70)[None, :, None]
    noise = rng.integers(-8, 9, (height, width, 3))
    found: Bytes = np.clip(level + cells + noise, 0, 255).astype(np.uint8)
    return found


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
