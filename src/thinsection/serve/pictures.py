"""What the page shows of arrays: a photo, a heat map laid over it, and where it is brightest."""

import io
from base64 import b64encode

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from thinsection.base.arrays import Bytes
from thinsection.decode.photo import FORMATS, UnusablePhoto

DARKEST = 165  # of 255: how far the overlay darkens what the model did not look at
GAMMA = 0.75  # below 1 the half-bright parts of a map stay readable
BRIGHT = 0.5  # of the highest value
WIDESPREAD = 0.6  # of the photo: what is bright in more of it has no place


def format_and_size(photo: bytes) -> tuple[str, float]:
    """
    Format of a file by its content, and its megapixels, without decoding it.

    Raises
    ------
    UnusablePhoto
        If it is no image of a format that ingestion takes.
    """
    if not photo:
        raise UnusablePhoto("empty", "0 bytes")
    try:
        with Image.open(io.BytesIO(photo), formats=FORMATS) as image:
            return str(image.format), image.width * image.height / 1e6
    except Image.DecompressionBombError:
        raise UnusablePhoto("too large") from None
    except Exception:  # a dozen types, on files that are none or damaged in their first bytes
        raise UnusablePhoto("not an image", f"none of {', '.join(FORMATS)}") from None


def jpeg(pixels: Bytes) -> bytes:
    """A photo, (h, w, 3) uint8, as a JPEG."""
    return _encoded(Image.fromarray(pixels), "JPEG", quality=88)


def overlay(heat: Bytes) -> bytes:
    """
    A PNG to lay over the photo: clear where the model looked, dark where it did not.

    Darkness leaves the interference colours of what is shown as they are, which any colour
    scale would change, and needs no colour vision to read.

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
    In words, where a heat map (h, w) uint8 is brightest: for those who do not see it.

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
    """A picture as part of an answer: ``kind`` is jpeg or png."""
    return f"data:image/{kind};base64,{b64encode(encoded).decode()}"


def _encoded(image: Image.Image, format: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()
