"""Mineral maps: the mineral at each pixel of a photo, as a small PNG."""

from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from thinsection.render.minerals import MINERALS
from thinsection.render.texture import HOLE_NAME, SPECIES

HOLE_COLOUR = "#3fa7e0"


def write_mineral_map(path: Path, minerals: np.ndarray) -> None:
    """
    Write a palette PNG of places in ``SPECIES``, and HOLE behind them; its text chunk lists the names.

    Parameters
    ----------
    minerals : (h, w) uint8
    """
    image = Image.fromarray(minerals, "L")
    colours = [*(mineral.map_colour for mineral in MINERALS.values()), HOLE_COLOUR]
    image.putpalette(bytes.fromhex("".join(colour.removeprefix("#") for colour in colours)))
    names = PngInfo()
    names.add_text("minerals", ",".join([*SPECIES, HOLE_NAME]))
    image.save(path, "PNG", pnginfo=names)
