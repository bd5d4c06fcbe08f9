"""The photos that were dropped on the page, and which of them show one place in several lights."""

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thinsection.base.arrays import Bytes
from thinsection.base.errors import InputError
from thinsection.dataset.extinction import BRIGHTEST, fits_extinction
from thinsection.ingest.naming import degrees, read_names, same_place
from thinsection.serve.sentences import joined

if TYPE_CHECKING:
    from thinsection.predict import Answer, Predictor

REMEMBERED = 256  # prepared photos kept in memory for heat maps and similar photos


class Recent:
    """The prepared photos of the latest answers, by the hash of their files."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._photos: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, photo: str, pixels: Bytes) -> None:
        """Remember a photo; the one not asked for longest goes where there are too many."""
        with self._lock:
            self._photos[photo] = pixels
            self._photos.move_to_end(photo)
            while len(self._photos) > self._most:
                self._photos.popitem(last=False)

    def find(self, photo: str) -> Bytes | None:
        """(H, W, 3) uint8; None where it is forgotten."""
        with self._lock:
            if photo in self._photos:
                self._photos.move_to_end(photo)
            return self._photos.get(photo)


@dataclass(frozen=True)
class Shown:
    """
    A photo by the hash of its file, its light, and what its name says of place and angle.

    ``angle_deg`` is NaN where it says none.
    """

    photo: str
    light: str
    place: str
    angle_deg: float = math.nan


class Samples:
    """
    Answers for photos together with others of the same place, for a model that takes samples.

    For a model that names each photo by itself, a photo is a sample of its own.
    """

    def __init__(self, predictor: "Predictor", recent: Recent) -> None:
        self._predictor, self._recent = predictor, recent
        self._lights: tuple[str, ...] = tuple(getattr(predictor.card, "lights", ()))
        self._places: OrderedDict[str, dict[tuple[str, str], Shown]] = OrderedDict()
        self._lock = threading.Lock()

    def answer(
        self, photo: str, pixels: Bytes, said: Mapping[str, str]
    ) -> tuple["Answer", list[Shown]]:
        """
        The answer for the place that a photo shows, and its photos that were used, this one first.

        Parameters
        ----------
        photo : hash of its file
        said : ``name`` of its file, which says light and place, and ``light``, ppl or xpl, where the
            user says it

        Raises
        ------
        InputError
            If the model takes samples and the light is unknown.
        """
        name, light = said.get("name", ""), said.get("light", "")
        if not self._lights:
            return self._predictor.answers(pixels[None])[0], [Shown(photo, light, "")]
        own = self._shown(photo, name, light)
        others = self._beside(own)
        lights = [own.light, *(each.light for each, _ in others)]
        together = np.stack([pixels, *(found for _, found in others)])
        angles = [own.angle_deg, *(each.angle_deg for each, _ in others)]
        answer = self._predictor.answer_for_sample(together, lights, angles)
        return answer, [own, *(each for each, _ in others)]

    def heatmap(self, photo: str, pixels: Bytes, label: str) -> Bytes:
        """What in a photo decided a class, with the other photos of its place as they are."""
        if not self._lights:
            return self._predictor.heatmap(pixels, label)
        own = self._known(photo)
        if own is None:
            raise InputError("the server no longer knows the light of this photo. Drop it again.")
        others = [(found, each.light) for each, found in self._beside(own)]
        return self._predictor.heatmap(pixels, label, own.light, others)

    def missing(self, shown: list[Shown]) -> list[str]:
        """What is to be said where a place is not seen in every light that the model takes."""
        seen = [each.light for each in shown]
        lacking = tuple(
            light or "a further light"
            for light in self._lights
            if light not in seen and light != BRIGHTEST
        )
        found = []
        if lacking:
            found.append(f"without a photo in {joined(lacking, 'and')} the answer is less sure")
        angles = [each.angle_deg for each in shown if each.light == "xpl"]
        if BRIGHTEST in self._lights and not fits_extinction(angles):
            found.append("three angles in xpl, such as 0, 30 and 60 degrees, would make it surer")
        return found

    def _shown(self, photo: str, name: str, light: str) -> Shown:
        known = self._known(photo)
        named = read_names([name])[0]
        angle_deg = float(degrees(named.angle) or math.nan)
        own = Shown(photo, light or named.light, same_place(named.place) or photo, angle_deg)
        if own.light not in self._lights and known is not None:
            own = known
        if own.light not in self._lights:
            allowed = joined(tuple(each for each in self._lights if each), "or")
            raise InputError(
                f"the light of this photo is unknown, and this model needs it: {allowed}. Name the "
                "file so that it says it, such as GB-12_ppl.jpg, and drop it again."
            )
        with self._lock:
            self._places.setdefault(own.place, {})[_way(own)] = own
            self._places.move_to_end(own.place)
            while len(self._places) > REMEMBERED:
                self._places.popitem(last=False)
        return own

    def _known(self, photo: str) -> Shown | None:
        with self._lock:
            everything = [each for place in self._places.values() for each in place.values()]
        return next((each for each in everything if each.photo == photo), None)

    def _beside(self, own: Shown) -> list[tuple[Shown, Bytes]]:
        """Other photos of the same place that are still remembered, with their pixels."""
        with self._lock:
            others = [
                each for each in self._places.get(own.place, {}).values() if _way(each) != _way(own)
            ]
        pairs = [(each, self._recent.find(each.photo)) for each in others]
        return [(each, pixels) for each, pixels in pairs if pixels is not None]


def _way(shown: Shown) -> tuple[str, str]:
    """Light and angle: a photo taken in the same way as another takes its place."""
    return shown.light, f"{shown.angle_deg:g}"
