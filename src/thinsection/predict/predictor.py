"""A model loaded from its folder, and its answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thinsection.base.arrays import Bytes, Floats
from thinsection.base.errors import InputError
from thinsection.dataset.extinction import (
    BRIGHTEST,
    ONE_ANGLE,
    brightest_photo,
    fits_extinction,
)
from thinsection.decode.deep import EACH, DeepScale
from thinsection.decode.photo import UnusablePhoto, decode_photo, fit_to_size
from thinsection.predict.folder import GRAPH, REFERENCE, ModelCard, read_card
from thinsection.predict.graph import CHUNK, Graph, open_graph
from thinsection.predict.likeness import Neighbour, Reference, strangeness
from thinsection.predict.occlusion import occlusion_map

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from thinsection.dataset.registration import Registered

__all__ = ["CHUNK", "Answer", "Predictor", "open_graph", "prediction_set", "scale_in_training"]

LEAST = 1e-15  # of a probability whose logarithm is taken
LEAST_SIDE_PX = 8  # of a new photo: a smaller one can't show a mineral


@dataclass(frozen=True)
class Answer:
    """
    The model's answer for one photo.

    Attributes
    ----------
    label : the most probable class
    probabilities : of each class, calibrated with a temperature fitted on held-out photos
    prediction_set : classes, the most probable first, that contain the true one for the share
        ``coverage`` of photos like the training photos
    unlike_anything : whether the photo is unlike every training photo, so that the label can't
        be trusted
    novelty : how unlike the training photos it is, as a multiple of what raises the flag: by its
        distance to them, or by how little it belongs to any class, whichever is more
    """

    label: str
    probabilities: dict[str, float]
    prediction_set: tuple[str, ...]
    unlike_anything: bool
    novelty: float


class Predictor:
    """
    A model that is ready to classify photos.

    Attributes
    ----------
    card : the description of the model
    scale_in_training : of a single deep photo, as far as training had one scale for all
    """

    def __init__(self, card: ModelCard, graph: Graph, reference: Reference, folder: Path) -> None:
        self.card, self.folder = card, folder
        self.scale_in_training = scale_in_training(card)
        self._graph, self._reference = graph, reference

    @classmethod
    def load(cls, folder: Path) -> "Predictor":
        """
        The model in ``folder``.

        Raises
        ------
        InputError
            If a file of the folder is missing, was changed or has another version; if ONNX
            Runtime is not installed or can't read the graph; if the graph takes the colour and
            texture of another version.
        """
        card, session = read_card(folder), open_graph(folder / GRAPH)
        if card.takes == "colour_texture":
            _check_length(session, card, folder)
        return cls(card, Graph(session, card.takes), Reference.read(folder / REFERENCE), folder)

    def prepare(self, source: Path | bytes, scale: DeepScale | None = None) -> Bytes:
        """
        A photo, prepared like the training photos: (height, width, 3) uint8.

        Parameters
        ----------
        scale : of a deep photo; without, ``scale_in_training``

        Raises
        ------
        UnusablePhoto
            With the reason.
        """
        return self.prepare_with_notes(source, scale)[0]

    def prepare_with_notes(
        self, source: Path | bytes, scale: DeepScale | None = None
    ) -> tuple[Bytes, tuple[str, ...]]:
        """The same, and what decoding did to the photo that its owner may want to know."""
        card = self.card
        photo = decode_photo(
            source,
            (card.height, card.width),
            card.max_megapixels,
            self.scale_in_training if scale is None else scale,
        )
        if min(photo.width, photo.height) < LEAST_SIDE_PX:
            raise UnusablePhoto(
                "too small",
                f"{photo.width} x {photo.height} pixels; at least {LEAST_SIDE_PX} x {LEAST_SIDE_PX}",
            )
        pixels = np.asarray(fit_to_size(photo.image, card.height, card.width, card.fit))
        return pixels, photo.notes

    def probabilities(
        self, photos: Bytes, calibrated: bool = True, lights: Sequence[str] = ()
    ) -> Floats:
        """
        (n, n_classes) float32 of (n, height, width, 3) uint8 photos, each by itself.

        Parameters
        ----------
        calibrated : False: without temperature, as in the comparison
        lights : of each photo, for a model that takes samples (``ModelCard.lights``)
        """
        card = self.card
        if not len(photos):
            return np.empty((0, len(card.classes)), np.float32)
        if card.lights:
            each = [
                self._seen(photo[None], [light])[1 if calibrated else 0]
                for photo, light in zip(photos, lights, strict=True)
            ]
            return np.array(each)
        output = "probabilities" if calibrated else "uncalibrated"
        return self._graph.of_photos(photos, [output])[output]

    def answers(self, photos: Bytes, lights: Sequence[str] = ()) -> list[Answer]:
        """
        An answer for each of (n, height, width, 3) uint8 photos, each by itself.

        Parameters
        ----------
        lights : of each photo, for a model that takes samples (``ModelCard.lights``)
        """
        if self.card.lights:
            pairs = zip(photos, lights, strict=True)
            return [self.answer_for_sample(photo[None], [light]) for photo, light in pairs]
        return [answer for some in self._graph.of_chunks(self._answers, photos) for answer in some]

    def _answers(self, photos: Bytes) -> list[Answer]:
        card = self.card
        seen = self._graph.run(photos, ["probabilities", *self._graph.vectors])
        thresholds = self._thresholds(card.set_thresholds, card.set_threshold)
        return [
            self._answer(chances, strange, thresholds)
            for chances, strange in zip(
                seen["probabilities"], self._novelty(photos, seen), strict=True
            )
        ]

    def answer_for_sample(
        self, photos: Bytes, lights: Sequence[str], angles_deg: Sequence[float] = ()
    ) -> Answer:
        """
        The answer for one sample, from its photos.

        Parameters
        ----------
        photos : (n, height, width, 3) uint8, one or more
        lights : of each photo, each of them one of ``ModelCard.lights``
        angles_deg : of the stage, for each photo; NaN, or nothing at all, where they are unknown
        """
        photos, lights = self.with_brightest(photos, lights, angles_deg)
        _, chances, seen = self._seen(photos, lights)
        return self._answer(
            chances, float(self._novelty(photos, seen).mean()), self._doubt(lights)[1]
        )

    def answers_for_samples(self, samples: Bytes, lights: Sequence[str]) -> list[Answer]:
        """
        The answers for many samples, each seen in the same lights.

        Parameters
        ----------
        samples : (n, n_lights, height, width, 3) uint8
        lights : of the photos of each sample, each of them one of ``ModelCard.lights``
        """
        chunks = self._graph.of_chunks(lambda some: self._answers_for(some, lights), samples)
        return [answer for some in chunks for answer in some]

    def _answers_for(self, samples: Bytes, lights: Sequence[str]) -> list[Answer]:
        n, n_lights = samples.shape[:2]
        photos = samples.reshape(n * n_lights, *samples.shape[2:])
        weights = np.zeros((n, len(self.card.lights), len(photos)), np.float32)
        for place, light in enumerate(lights):
            own = np.arange(n)
            weights[own, self.card.lights.index(light), own * n_lights + place] = 1
        weights /= np.maximum(weights.sum(axis=2, keepdims=True), 1)
        seen = self._graph.run(photos, ["uncalibrated", *self._graph.vectors], weights)
        temperature, thresholds = self._doubt(lights)
        chances = _tempered(seen.pop("uncalibrated"), temperature)
        strange = self._novelty(photos, seen).reshape(n, n_lights).mean(axis=1)
        pairs = zip(chances, strange, strict=True)
        return [self._answer(each, float(far), thresholds) for each, far in pairs]

    def with_brightest(
        self, photos: Bytes, lights: Sequence[str], angles_deg: Sequence[float]
    ) -> tuple[Bytes, list[str]]:
        """
        The photos of a sample, and the one of its brightest angles where the model takes it.

        Raises
        ------
        InputError
            If photos have to be put in register, and what does that is not installed.
        """
        crossed = [n for n, light in enumerate(lights) if light == "xpl" and len(angles_deg)]
        angles = [angles_deg[n] for n in crossed]
        if BRIGHTEST not in self.card.lights or not fits_extinction(angles):
            return photos, list(lights)
        order = np.argsort(angles, kind="stable")
        stack, angles = photos[np.array(crossed)[order]], [angles[n] for n in order]
        if self.card.turned is not None:
            found = self._registered(stack, angles, self.card.turned)
            if not found.succeeded:
                return photos, list(lights)
            stack = found.photos
        made = brightest_photo(stack, angles, self.card.height, self.card.width)
        return np.concatenate([photos, made[None]]), [*lights, BRIGHTEST]

    def _registered(self, stack: Bytes, angles_deg: Sequence[float], turned: int) -> "Registered":
        try:
            from thinsection.dataset.registration import registered

            return registered(stack, angles_deg, turned)
        except ModuleNotFoundError as error:
            raise InputError(
                f"{self.folder}: this model puts photos at several angles in register, which needs "
                f"{error.name}. Install scikit-image."
            ) from None

    def _answer(self, chances: Floats, strange: float, thresholds: Floats) -> Answer:
        classes = self.card.classes
        return Answer(
            label=classes[int(chances.argmax())],
            probabilities=dict(zip(classes, map(float, chances), strict=True)),
            prediction_set=prediction_set(chances, thresholds, classes),
            unlike_anything=bool(strange > 1),
            novelty=float(strange),
        )

    def _seen(
        self, photos: Bytes, lights: Sequence[str]
    ) -> tuple[Floats, Floats, dict[str, Floats]]:
        """Of a sample: probabilities uncalibrated and calibrated, and what the graph gives."""
        card = self.card
        weights = np.zeros((1, len(card.lights), len(photos)), np.float32)
        for place, light in enumerate(lights):
            weights[0, card.lights.index(light), place] = 1
        weights /= np.maximum(weights.sum(axis=2, keepdims=True), 1)
        seen = self._graph.run(photos, ["uncalibrated", *self._graph.vectors], weights)
        uncalibrated = seen.pop("uncalibrated")[0]
        return uncalibrated, _tempered(uncalibrated, self._doubt(lights)[0]), seen

    def _thresholds(self, of_classes: dict[str, float], of_all: float) -> Floats:
        """(n_classes,): how much a class may lack to 1 to be in the prediction set."""
        return np.array([of_classes.get(name, of_all) for name in self.card.classes])

    def _doubt(self, lights: Sequence[str]) -> tuple[float, Floats]:
        """Temperature and thresholds of the prediction set, for a sample seen in some lights."""
        card = self.card
        if set(lights) >= set(card.lights) or not card.by_lights:
            return card.temperature, self._thresholds(card.set_thresholds, card.set_threshold)
        if ONE_ANGLE in card.by_lights and set(lights) >= set(card.lights) - {BRIGHTEST}:
            return self._doubt_of(card.by_lights[ONE_ANGLE])
        known = [card.by_lights[light] for light in set(lights) if light in card.by_lights]
        # of several lights that are not all, no other measurement is there: the surest of them
        best = max(known or list(card.by_lights.values()), key=lambda alone: alone["ca"])
        return self._doubt_of(best)

    def _doubt_of(self, alone: dict[str, Any]) -> tuple[float, Floats]:
        thresholds = self._thresholds(alone.get("set_thresholds", {}), alone["set_threshold"])
        return alone["temperature"], thresholds

    def _novelty(self, photos: Bytes, seen: dict[str, Floats]) -> Floats:
        """(n,) float64 of each photo, from photos and what the graph took and gave for them."""
        card, memberships = self.card, self._reference.memberships
        far = strangeness(self._reference.distances(photos), card.novelty_neighbours)
        novelty = far / card.novelty_threshold
        if memberships is None or card.membership_threshold is None:
            return novelty
        strange = memberships.strangeness(seen) / card.membership_threshold
        greater: Floats = np.maximum(novelty, strange)
        return greater

    def heatmap(
        self,
        photo: Bytes,
        label: str | None = None,
        light: str = "",
        others: Sequence[tuple[Bytes, str]] = (),
    ) -> Bytes:
        """
        Heat map of what decided a class in a (height, width, 3) photo: (h, w) uint8 (occlusion.py).

        Parameters
        ----------
        label : the class; None for the most probable one
        light : of the photo, for a model that takes samples
        others : further photos of the sample, and their lights; nothing in them is covered
        """

        def probabilities(photos: Bytes) -> Floats:
            if not self.card.lights:
                return self.probabilities(photos)
            lights = [light, *(each for _, each in others)]
            sample = [other for other, _ in others]
            return np.array([self._seen(np.stack([p, *sample]), lights)[1] for p in photos])

        if label is None:
            place = int(probabilities(photo[None])[0].argmax())
        else:
            place = self.card.classes.index(label)
        # a graph with a pretrained network takes a tenth of a second and more for each answer
        step = 2 if self._graph.vectors else 1
        return occlusion_map(photo, place, probabilities, step)

    def nearest(self, photo: Bytes, k: int = 3) -> list[Neighbour]:
        """The ``k`` training photos that one (height, width, 3) photo is most like."""
        return self._reference.nearest(photo, k)


def _tempered(uncalibrated: Floats, temperature: float) -> Floats:
    """(..., n_classes) calibrated probabilities."""
    logits = np.log(np.maximum(uncalibrated, LEAST)) / temperature
    chances = np.exp(logits - logits.max(axis=-1, keepdims=True))
    tempered: Floats = chances / chances.sum(axis=-1, keepdims=True)
    return tempered


def scale_in_training(card: ModelCard) -> DeepScale:
    """
    The scale of a new deep photo: that of the training photos, if they had one.

    Where they had one for each specimen, a photo alone has its own; ``predict`` knows others of the
    same specimen (predict/command.py).
    """
    if card.deep_photos == "each":
        return EACH
    if card.deep_photos == "specimen":
        return DeepScale(whose="its own scale; in training, one for each specimen")
    if card.deep_photos == "dataset":
        if not card.deep_ranges:
            return DeepScale(whose="its own scale, for no training photo had more than 8 bits")
        return DeepScale(ranges=card.deep_ranges, whose="the scale of the training photos")
    return DeepScale(bits=card.deep_photos, whose=f"{card.deep_photos} bits, as in training")


def _check_length(session: "InferenceSession", card: ModelCard, folder: Path) -> None:
    """Stop if the graph takes other numbers than this version computes."""
    from thinsection.dataset.colour_texture import N_VALUES

    length = session.get_inputs()[0].shape[1]
    if length != N_VALUES:
        raise InputError(
            f"{folder / GRAPH}: takes {length} numbers of colour and texture, this version computes "
            f"{N_VALUES}. Make the model again with `dvc repro -f final`, or install the thinsection "
            f"that made it ({card.versions.get('thinsection', 'version unknown')})."
        )


def prediction_set(
    chances: Floats, thresholds: Floats | float, classes: tuple[str, ...]
) -> tuple[str, ...]:
    """
    Classes whose probability is at least 1 - their threshold, the most probable first.

    The most probable class is always included: an empty set helps nobody, and one more class
    never lowers the coverage.

    Examples
    --------
    >>> classes = ("augite", "biotite", "olivine")
    >>> prediction_set(np.array([0.1, 0.6, 0.3]), 0.75, classes)
    ('biotite', 'olivine')
    >>> prediction_set(np.array([0.1, 0.6, 0.3]), np.array([0.95, 0.75, 0.5]), classes)
    ('biotite', 'augite')
    """
    order = np.argsort(-chances, kind="stable")
    inside = 1 - chances <= thresholds
    return tuple(classes[i] for n, i in enumerate(order) if n == 0 or inside[i])
