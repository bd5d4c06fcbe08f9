"""What a model calls the points: a window about each, prepared as its training photos were."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from thinsection.base.arrays import Bytes
from thinsection.counting.pictures import Picture
from thinsection.counting.points import Points
from thinsection.counting.section import FieldOfView
from thinsection.decode.photo import fit_to_size
from thinsection.predict.folder import ModelCard
from thinsection.predict.predictor import Answer, Predictor

BATCH = 128  # points whose windows are in memory


@dataclass(frozen=True)
class WindowSize:
    """
    Height and width of a window in pixels of the section.

    Attributes
    ----------
    scaled : whether both scales were known, so that it shows as much as a training photo did
    """

    height: int
    width: int
    scaled: bool


def window_size(card: ModelCard, um_per_pixel: float | None) -> WindowSize:
    """The window that shows as much of a section as the model's training photos did."""
    height, width = card.photo_px or (card.height, card.width)
    if not (um_per_pixel and card.um_per_pixel):
        return WindowSize(height, width, scaled=False)
    factor = card.um_per_pixel / um_per_pixel
    return WindowSize(max(round(height * factor), 3), max(round(width * factor), 3), scaled=True)


def named(
    predictor: Predictor, fields: list[FieldOfView], points: Points
) -> Iterator[tuple[int, Answer]]:
    """
    The model's answer for each point, field by field; only one field's pictures are open at a time.

    Yields
    ------
    Place of the point, and its answer.
    """
    card = predictor.card
    for place in np.unique(points.field):
        field = fields[int(place)]
        size = window_size(card, field.um_per_pixel)
        rows = np.flatnonzero(points.field == place)
        with field.pictures(card.max_megapixels) as pictures:
            for start in range(0, len(rows), BATCH):
                some = rows[start : start + BATCH]
                windows = np.stack([_windows(card, pictures, size, points, row) for row in some])
                if card.lights:
                    answers = predictor.answers_for_samples(windows, list(pictures))
                else:
                    answers = predictor.answers(windows[:, 0])
                yield from zip(map(int, some), answers, strict=True)


def _windows(
    card: ModelCard, pictures: dict[str, Picture], size: WindowSize, points: Points, row: int
) -> Bytes:
    """(n_lights, height, width, 3) uint8 about a point."""
    x, y = int(points.x[row]), int(points.y[row])
    return np.stack([prepared(card, picture, size, x, y) for picture in pictures.values()])


def prepared(card: ModelCard, picture: Picture, size: WindowSize, x: int, y: int) -> Bytes:
    """(height, width, 3) uint8 as the model takes it, of the window about a pixel."""
    seen = picture.window(y - size.height // 2, x - size.width // 2, size.height, size.width)
    return np.asarray(fit_to_size(Image.fromarray(seen), card.height, card.width, card.fit))
