"""A model loaded from its folder, and its answers."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from thinsection.base.arrays import Bytes, Floats
from thinsection.base.cores import n_cores
from thinsection.base.errors import InputError
from thinsection.decode.deep import EACH, DeepScale
from thinsection.decode.photo import UnusablePhoto, decode_photo, fit_to_size
from thinsection.predict.folder import GRAPH, REFERENCE, ModelCard, read_card
from thinsection.predict.likeness import Neighbour, Reference, strangeness
from thinsection.predict.occlusion import occlusion_map

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

CHUNK = 16  # photos that the graph processes at once: their layers stay in the cache
LEAST_SIDE_PX = 8  # of a new photo: a smaller one can't show a mineral

Result = TypeVar("Result")


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
    novelty : distance to the training photos, as a multiple of the one that raises the flag
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

    def __init__(
        self, card: ModelCard, session: "InferenceSession", reference: Reference, folder: Path
    ) -> None:
        self.card, self.folder = card, folder
        self.scale_in_training = scale_in_training(card)
        self._session, self._reference = session, reference
        self._pool = ThreadPoolExecutor(n_cores())  # its threads start when there is work

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
        return cls(card, session, Reference.read(folder / REFERENCE), folder)

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

    def probabilities(self, photos: Bytes, calibrated: bool = True) -> Floats:
        """
        (n, n_classes) float32 of (n, height, width, 3) uint8 photos.

        ``calibrated=False``: without temperature, as in the comparison.
        """
        output = "probabilities" if calibrated else "uncalibrated"
        chunks = self._of_chunks(lambda chunk: self._run(output, chunk), photos)
        return (
            np.concatenate(chunks) if chunks else np.empty((0, len(self.card.classes)), np.float32)
        )

    def answers(self, photos: Bytes) -> list[Answer]:
        """An answer for each of (n, height, width, 3) uint8 photos."""
        return [answer for some in self._of_chunks(self._answers, photos) for answer in some]

    def _answers(self, photos: Bytes) -> list[Answer]:
        card = self.card
        far = strangeness(self._reference.distances(photos), card.novelty_neighbours)
        novelty = far / card.novelty_threshold
        return [
            Answer(
                label=card.classes[int(chances.argmax())],
                probabilities=dict(zip(card.classes, map(float, chances), strict=True)),
                prediction_set=prediction_set(chances, card.set_threshold, card.classes),
                unlike_anything=bool(strange > 1),
                novelty=float(strange),
            )
            for chances, strange in zip(self._run("probabilities", photos), novelty, strict=True)
        ]

    def heatmap(self, photo: Bytes, label: str | None = None) -> Bytes:
        """
        Heat map of what decided a class in a (height, width, 3) photo: (h, w) uint8 (occlusion.py).

        Parameters
        ----------
        label : the class; None for the most probable one
        """
        if label is None:
            place = int(self.probabilities(photo[None])[0].argmax())
        else:
            place = self.card.classes.index(label)
        return occlusion_map(photo, place, self.probabilities)

    def nearest(self, photo: Bytes, k: int = 3) -> list[Neighbour]:
        """The ``k`` training photos that one (height, width, 3) photo is most like."""
        return self._reference.nearest(photo, k)

    def _of_chunks(self, function: Callable[[Bytes], Result], photos: Bytes) -> list[Result]:
        """What a function makes of each ``CHUNK`` of the photos, on as many cores as there are."""
        chunks = [photos[i : i + CHUNK] for i in range(0, len(photos), CHUNK)]
        if len(chunks) == 1:  # a separate thread would gain nothing
            return [function(chunks[0])]
        return list(self._pool.map(function, chunks))

    def _run(self, output: str, photos: Bytes) -> Floats:
        given = {name: _as_taken(name, photos) for name in self.card.takes.split("+")}
        (found,) = self._session.run([output], given)
        return np.asarray(found)


def _as_taken(name: str, photos: Bytes) -> np.ndarray:
    """An input of the graph: the photos themselves, or vectors that it does not compute itself."""
    if name == "photos":
        return np.ascontiguousarray(photos)
    from thinsection.dataset.colour_texture import (
        colour_texture,  # scikit-image is imported at its first call
    )

    return np.stack([colour_texture(photo) for photo in photos])


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


def prediction_set(chances: Floats, threshold: float, classes: tuple[str, ...]) -> tuple[str, ...]:
    """
    Classes whose probability is at least 1 - ``threshold``, the most probable first.

    The most probable class is always included: an empty set helps nobody, and one more class
    never lowers the coverage.

    Examples
    --------
    >>> prediction_set(np.array([0.1, 0.6, 0.3]), 0.75, ("augite", "biotite", "olivine"))
    ('biotite', 'olivine')
    """
    order = np.argsort(-chances, kind="stable")
    return tuple(classes[i] for n, i in enumerate(order) if n == 0 or 1 - chances[i] <= threshold)


def open_graph(graph: Path | bytes) -> "InferenceSession":
    """
    An ONNX graph, ready to run on one core; all our sessions are created here.

    The cores share chunks of photos, not parts of a layer: threads within a layer wait for each
    other at the end of each layer, and ONNX Runtime's threads spin while they wait.

    Raises
    ------
    InputError
        If ONNX Runtime is not installed or can't read the graph.
    """
    # ONNX Runtime 1.29 and newer creates an identifier and, some seconds after its import, looks up
    # where to report its use: disable_telemetry_events() comes too late for that. This variable,
    # set before the import, prevents both.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError:
        raise InputError(
            "ONNX Runtime, which runs the models, is not installed. "
            "Install it with `pip install 'thinsection[predict]'`."
        ) from None
    # still needed on Windows, and if another program imported ONNX Runtime before us
    onnxruntime.disable_telemetry_events()
    options: Any = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.intra_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(
            graph if isinstance(graph, bytes) else str(graph),
            options,
            providers=["CPUExecutionProvider"],
        )
    except Exception as error:  # a dozen types, all from the library itself
        raise InputError(
            f"{graph if isinstance(graph, Path) else 'the graph'}: ONNX Runtime "
            f"{onnxruntime.__version__} can't read it ({error}). Install the version given in "
            "model.json, or make the model again with `dvc repro -f final`."
        ) from None
