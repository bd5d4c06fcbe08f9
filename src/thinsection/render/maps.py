"""Mineral maps: the truth of a photo, pixel by pixel, as a small PNG."""

from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from thinsection.render.texture import SPECIES

# One colour a mineral, to look at; a program reads the palette's number.
COLOURS = {
    "augite": "#5b8c3a",
    "biotite": "#7a4a1e",
    "olivine": "#b8c832",
    "plagioclase": "#9fb4c8",
    "quartz": "#e8e4d8",
    "orthopyroxene": "#8a9a5b",
    "hornblende": "#1f5b46",
    "muscovite": "#d9c27a",
    "k-feldspar": "#d89a86",
    "garnet": "#a8273f",
    "calcite": "#7fd0d8",
    "opaque": "#101010",
}


def write_mineral_map(path: Path, minerals: np.ndarray) -> None:
    """
    Write a palette PNG whose numbers are places in ``SPECIES``; its text chunk lists their names.

    Parameters
    ----------
    minerals : (h, w) uint8
    """
    image = Image.fromarray(minerals, "L")
    image.putpalette(bytes.fromhex("".join(COLOURS[name].removeprefix("#") for name in SPECIES)))
    names = PngInfo()
    names.add_text("minerals", ",".join(SPECIES))
    image.save(path, "PNG", pnginfo=names)
