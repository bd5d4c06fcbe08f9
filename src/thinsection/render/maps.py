"""Mineral maps: the mineral at each pixel of a photo, as a small PNG."""

from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from thinsection.render.minerals import MINERALS
from thinsection.render.texture import SPECIES


def write_mineral_map(path: Path, minerals: np.ndarray) -> None:
    """
    Write a palette PNG of indices in ``SPECIES``; its text chunk lists the names.

    Parameters
    ----------
    minerals : (h, w) uint8
    """
    image = Image.fromarray(minerals, "L")
    image.putpalette(
        bytes.fromhex(
            "".join(mineral.map_colour.removeprefix("#") for mineral in MINERALS.values())
        )
    )
    names = PngInfo()
    names.add_text("minerals", ",".join(SPECIES))
    image.save(path, "PNG", pnginfo=names)
