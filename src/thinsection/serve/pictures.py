"""Arrays prepared for the page: a photo, a heat map overlay, and where the map is brightest."""

import io
from base64 import b64encode

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from thinsection.base.arrays import Bytes

DARKEST = 165  # of 255: opacity of the overlay where the model did not look
GAMMA = 0.75  # below 1, so that half-bright parts of a map stay visible
BRIGHT = 0.5  # share of the highest value from which a cell counts as bright
WIDESPREAD = 0.6  # share of the photo: a map that is bright in more of it has no location


def jpeg(pixels: Bytes) -> bytes:
    """A photo, (h, w, 3) uint8, as a JPEG."""
    return _encoded(Image.fromarray(pixels), "JPEG", quality=88)


def overlay(heat: Bytes) -> bytes:
    """
    A PNG to lay over the photo: clear where the model looked, dark where it did not.

    Darkening leaves the visible interference colours unchanged, unlike any colour scale,
    and can be read without colour vision.

    Parameters
    ----------
    heat : (h, w) uint8
    """
    strength = (heat.astype(np.float32) / max(int(heat.max()), 1)) ** GAMMA
    alpha = np.rint(DARKEST * (1 - strength)).astype(np.uint8)
    black = np.zeros_like(alpha)
    return _encoded(Image.fromarray(np.stack([black, alpha], axis=-1), "LA"), "PNG")


def where(heat: Bytes) -> str:
    """
    Where a heat map (h, w) uint8 is brightest, in words, for users who can't see it.

    One of "nowhere", "everywhere", or the brightest of nine parts, such as "the upper left" and
    "the middle".
    """
    if not heat.any():
        return "nowhere"
    if (heat >= BRIGHT * heat.max()).mean() > WIDESPREAD:
        return "everywhere"
    ninths = np.asarray(Image.fromarray(heat.astype(np.float32)).resize((3, 3), Resampling.BOX))
    row, column = np.unravel_index(ninths.argmax(), ninths.shape)
    vertical, horizontal = ("upper", "", "lower")[row], ("left", "", "right")[column]
    if not vertical and not horizontal:
        return "the middle"
    if not horizontal:
        return f"the {vertical} part"
    return f"the {vertical} {horizontal}" if vertical else f"the {horizontal} side"


def data_url(encoded: bytes, kind: str) -> str:
    """An encoded image as a data URL; ``kind`` is jpeg or png."""
    return f"data:image/{kind};base64,{b64encode(encoded).decode()}"


def _encoded(image: Image.Image, format: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()
