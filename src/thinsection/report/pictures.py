"""Photos in the report: small JPEGs embedded in the page."""

import base64
import io
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from PIL import Image

from thinsection.base.arrays import Bytes
from thinsection.base.tables import PROBABILITY
from thinsection.dataset.packed import Dataset
from thinsection.report.evidence import Evidence

QUALITY = 88  # of the JPEGs
HEAT = 0.55  # opacity of a heat map over its photo
LINE_PX = 3  # between two photos of a sample
MOST_BARS = 6  # classes whose probabilities a card shows one by one


@dataclass(frozen=True)
class Card:
    """
    A sample with a classifier's answer.

    Attributes
    ----------
    image, heat, similar : data URLs of JPEGs; empty if there is none
    bars : class, probability, and "true", "named" or "" for each class; of many classes, the most
        probable ones and the sum of the others
    """

    sample: str
    image: str
    label: str
    predicted: str
    loss: float
    confidence: float
    bars: list[tuple[str, float, str]]
    heat: str
    similar: str
    similar_label: str
    similar_sample: str

    @property
    def right(self) -> bool:
        """Whether the classifier predicted the true class."""
        return self.label == self.predicted


def in_all_lights(dataset: Dataset, row: int) -> Bytes:
    """(H, w, 3) uint8: the first photo of a sample in each light, with white lines between."""
    rows = dataset.lights.photos_of(np.array([row]))
    _, first = np.unique(dataset.lights.slot_of[rows], return_index=True)
    photos = np.asarray(dataset.pixels[rows[first]])
    line = np.full((photos.shape[1], LINE_PX, 3), 255, np.uint8)
    parts = [part for photo in photos for part in (line, photo)]
    return np.concatenate(parts[1:], axis=1)


class Pictures:
    """Samples by their name, as data URLs of JPEGs."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        names = evidence.dataset.table["sample"]
        self._row = {str(sample): row for row, sample in enumerate(names)}

    def photo(self, sample: str) -> str:
        """The sample as packed by ingest, one photo in each light; empty for an unknown id."""
        if sample not in self._row:
            return ""
        return _address(in_all_lights(self._evidence.dataset, self._row[sample]))

    def heat(self, sample: str, model: str) -> str:
        """The photo that the heat map of the model is of, under it; empty if no map is stored."""
        maps = self._evidence.heatmaps.get(model)
        if maps is None or sample not in self._row:
            return ""
        row = self._row[sample]
        dataset = self._evidence.dataset
        photo = np.asarray(dataset.pixels[dataset.first_photos[row]]).astype(float)
        grown = Image.fromarray(np.asarray(maps[row])).resize(
            (photo.shape[1], photo.shape[0]), Image.Resampling.BICUBIC
        )
        share = np.asarray(grown, float)[..., None] / 255
        colours = colormaps["inferno"](share[..., 0])[..., :3] * 255
        opacity = HEAT * share
        return _address((photo * (1 - opacity) + colours * opacity).astype(np.uint8))

    def cards(self, rows: pd.DataFrame) -> list[Card]:
        """A card for each row of gallery.csv."""
        return [self._card(row) for row in rows.to_dict("records")]

    def _card(self, row: dict[Hashable, Any]) -> Card:
        return Card(
            sample=row["sample"],
            image=self.photo(row["sample"]),
            label=row["label"],
            predicted=row["predicted"],
            loss=row["loss"],
            confidence=row[f"{PROBABILITY}{row['predicted']}"],
            bars=_bars(row, self._evidence.dataset.classes),
            heat=self.heat(row["sample"], row["model"]),
            similar=self.photo(row["similar_sample"]),
            similar_label=row["similar_label"],
            similar_sample=row["similar_sample"],
        )


def _bars(row: dict[Hashable, Any], classes: list[str]) -> list[tuple[str, float, str]]:
    chances = {name: float(row[f"{PROBABILITY}{name}"]) for name in classes}
    marks = {row["label"]: "true", row["predicted"]: "named"}
    likely = sorted(classes, key=lambda name: (name not in marks, -chances[name]))[:MOST_BARS]
    bars = [(name, chances[name], marks.get(name, "")) for name in classes if name in likely]
    if left := len(classes) - len(likely):
        bars.append(
            (f"{left} others" if left > 1 else "1 other", 1 - sum(c for _, c, _ in bars), "")
        )
    return bars


def _address(photo: Bytes) -> str:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
