"""
The contact sheet of docs/rendering.md: every species in both lights.

    python docs/figures/contact_sheet.py docs/figures/contact-sheet.jpg
"""

import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from thinsection.render.command import settings_of
from thinsection.render.dataset import Shot, photos_of, specimen_of
from thinsection.render.field import View
from thinsection.render.minerals import MINERALS

SEED = 12
WIDTH, HEIGHT = 330, 220
GAP, TITLE = 6, 22


def strip(mineral, specimens, settings):
    """One row: the first field of some specimens, in each light."""
    photos = []
    for number in range(specimens):
        specimen = specimen_of(SEED, mineral, number, settings)
        shot = Shot(mineral, number, 0, (View("ppl"), View("xpl")))
        photos += [
            np.pad(photo.pixels, ((0, GAP), (0, GAP), (0, 0)), constant_values=255)
            for photo in photos_of(shot, specimen, settings)
        ]
    return np.concatenate(photos, axis=1)


def titled(text, width):
    title = Image.new("RGB", (width, TITLE), "white")
    ImageDraw.Draw(title).text((2, 3), text, fill="black", font=ImageFont.load_default(15))
    return np.asarray(title)


def main(path, specimens=3):
    settings = settings_of(
        width=WIDTH,
        height=HEIGHT,
        specimens=1,
        fields=1,
        supersample=1.5,
        grain_radius_um=[80.0, 170.0],  # coarser than the default set: crystals to look at
        share=[0.5, 0.85],
    )
    rows = []
    for mineral in MINERALS:
        row = strip(mineral, specimens, settings)
        rows += [titled(mineral, row.shape[1]), row]
    Image.fromarray(np.concatenate(rows)).save(path, quality=78)


if __name__ == "__main__":
    main(sys.argv[1])
