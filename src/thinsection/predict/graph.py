"""The ONNX graph of a model, run a few photos at a time on all cores."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from thinsection.base.arrays import Bytes, Floats
from thinsection.base.cores import n_cores
from thinsection.base.errors import InputError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

CHUNK = 32  # photos that the graph processes at once: weights are read once for all of them
CHUNK_OF_VIEWS = 1  # where it makes eight views of each for an embedding, at a larger size
EMBEDDING = "embedding"  # the output that holds it, where the classifier takes one
WEIGHTS = "weights"  # the input that says which photo shows which sample in which light

Result = TypeVar("Result")


class Graph:
    """
    A graph that ``final/graph.py`` made.

    Attributes
    ----------
    vectors : the outputs that are vectors, not probabilities
    chunk : photos that it processes at once
    takes_samples : whether it takes samples, each in one photo or in several
    """

    def __init__(self, session: "InferenceSession", takes: str) -> None:
        self._session, self._inputs = session, takes.split("+")
        outputs = {output.name for output in session.get_outputs()}
        self.takes_samples = WEIGHTS in {given.name for given in session.get_inputs()}
        self.vectors = [EMBEDDING] if EMBEDDING in outputs else []
        self.chunk = CHUNK_OF_VIEWS if self.vectors else CHUNK
        self._pool = ThreadPoolExecutor(n_cores())  # its threads start when there is work

    def run(
        self, photos: Bytes, outputs: Sequence[str], weights: Floats | None = None
    ) -> dict[str, Floats]:
        """
        What the graph gives for (p, height, width, 3) uint8 photos, and the vectors that it takes.

        Parameters
        ----------
        weights : (n, n_slots, p), which photo shows which sample in which slot; for a graph that
            takes samples

        Returns
        -------
        By name, (p, n_numbers) float32 each; of probabilities (n, n_classes) where it takes samples.
        """
        given = {name: _as_taken(name, photos) for name in self._inputs}
        taken = {name: each for name, each in given.items() if name != "photos"}
        if weights is not None:
            given[WEIGHTS] = weights
        found = self._session.run(list(outputs), given)
        return taken | {name: np.asarray(each) for name, each in zip(outputs, found, strict=True)}

    def of_photos(self, photos: Bytes, outputs: Sequence[str]) -> dict[str, Floats]:
        """The same, of any number of photos but 0."""
        parts = self.of_chunks(lambda chunk: self.run(chunk, outputs), photos)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def of_chunks(self, function: Callable[[Bytes], Result], photos: Bytes) -> list[Result]:
        """What a function makes of each ``chunk`` of the photos, on as many cores as there are."""
        chunks = [photos[i : i + self.chunk] for i in range(0, len(photos), self.chunk)]
        if len(chunks) == 1:  # a separate thread would gain nothing
            return [function(chunks[0])]
        return list(self._pool.map(function, chunks))


def _as_taken(name: str, photos: Bytes) -> np.ndarray[Any, Any]:
    """An input of the graph: the photos themselves, or vectors that it does not compute itself."""
    if name == "photos":
        return np.ascontiguousarray(photos)
    from thinsection.dataset.colour_texture import (
        colour_texture,  # scikit-image is imported at its first call
    )

    return np.stack([colour_texture(photo) for photo in photos])


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
