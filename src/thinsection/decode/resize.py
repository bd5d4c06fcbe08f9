"""A photo at the size that classifiers take, antialiased."""

from typing import Literal

import numpy as np
from PIL import Image
from PIL.Image import Resampling

Fit = Literal["crop", "pad", "stretch"]

REDUCED_MARGIN = 2  # least ratio of the size at which a JPEG is decoded to the requested size


def reduction(width: int, height: int, at_least: tuple[int, int]) -> int:
    """1, 2, 4 or 8: divisor of a JPEG's sides when it is decoded for (height, width)."""
    times = min(width // at_least[1], height // at_least[0]) // REDUCED_MARGIN
    return max(by for by in (1, 2, 4, 8) if by <= max(times, 1))


def fit_to_size(image: Image.Image, height: int, width: int, fit: Fit) -> Image.Image:
    """
    The image at ``height`` x ``width``, antialiased.

    ``crop`` trims the longer side symmetrically, ``pad`` adds bars of the photo's mean
    colour, ``stretch`` changes the aspect ratio.
    """
    if fit == "stretch":
        return _resized(image, width, height, (0, 0, image.width, image.height))
    if fit == "crop":
        scale = min(image.width / width, image.height / height)
        left = (image.width - width * scale) / 2
        top = (image.height - height * scale) / 2
        return _resized(
            image, width, height, (left, top, left + width * scale, top + height * scale)
        )
    scale = max(image.width / width, image.height / height)
    inner_width = max(1, min(width, round(image.width / scale)))
    inner_height = max(1, min(height, round(image.height / scale)))
    inner = _resized(image, inner_width, inner_height, (0, 0, image.width, image.height))
    mean = np.asarray(inner).mean(axis=(0, 1)).round().astype(int)
    canvas = Image.new("RGB", (width, height), tuple(int(channel) for channel in mean))
    canvas.paste(inner, ((width - inner_width) // 2, (height - inner_height) // 2))
    return canvas


def _resized(
    image: Image.Image, width: int, height: int, box: tuple[float, float, float, float]
) -> Image.Image:
    box = (max(box[0], 0), max(box[1], 0), min(box[2], image.width), min(box[3], image.height))
    # Pillow widens each filter to the scale, so both are antialiased. When a photo shrinks, Hamming
    # is as sharp as bicubic at half the cost, but it shows steps when a photo is enlarged.
    shrinks = box[2] - box[0] > width and box[3] - box[1] > height
    return image.resize((width, height), Resampling.HAMMING if shrinks else Resampling.BICUBIC, box)
