"""The page with a model whose answers are known, on a real port."""

import io
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import quote

import numpy as np
from PIL import Image
from waitress import wasyncore

from thinsection.counting.session import Session
from thinsection.decode.deep import EACH, DeepScale
from thinsection.decode.photo import decode_photo, fit_to_size
from thinsection.predict.predictor import Predictor
from thinsection.serve.app import make_app
from thinsection.serve.corrections import Corrections
from thinsection.serve.counting import counting_routes
from thinsection.serve.server import make_server

CLASSES = ("augite", "biotite", "olivine")
OWN = {"X-Thinsection": "1"}
HEIGHT, WIDTH = 48, 72


@dataclass(frozen=True)
class FakeCard:
    name: str = "resnet-18"
    title: str = "ResNet-18"
    classes: tuple[str, ...] = CLASSES
    height: int = HEIGHT
    width: int = WIDTH
    fit: Literal["crop", "pad", "stretch"] = "crop"
    max_megapixels: float = 20.0
    ca: float = 0.634
    ca_low: float = 0.52
    ca_high: float = 0.74
    n_photos: int = 240
    n_specimens: int = 40
    coverage: float = 0.9
    false_alarms: float = 0.05
    by_class: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: {
            CLASSES[0]: {"right_when_named": 0.81, "taken_for_it": CLASSES[1]},
            CLASSES[1]: {"right_when_named": None, "taken_for_it": None},
        }
    )


@dataclass(frozen=True)
class FakeAnswer:
    label: str
    probabilities: dict[str, float]
    prediction_set: tuple[str, ...]
    unlike_anything: bool
    novelty: float


@dataclass(frozen=True)
class FakeNeighbour:
    photo_id: str
    label: str
    distance: float
    thumbnail: np.ndarray


@dataclass
class FakePredictor:
    """Red photos are augite, green ones biotite, blue ones olivine; grey is unlike anything."""

    card: FakeCard = field(default_factory=FakeCard)
    pause: float = 0.0
    scale_in_training: DeepScale = EACH

    def prepare(self, source: Path | bytes) -> np.ndarray:
        return self.prepare_with_notes(source)[0]

    def prepare_with_notes(self, source: Path | bytes) -> tuple[np.ndarray, tuple[str, ...]]:
        card = self.card
        photo = decode_photo(source, (card.height, card.width), card.max_megapixels)
        pixels = np.asarray(fit_to_size(photo.image, card.height, card.width, card.fit))
        return pixels, photo.notes

    def answers(self, photos: np.ndarray) -> list[FakeAnswer]:
        time.sleep(self.pause)
        return [self._answer(photo) for photo in photos]

    def _answer(self, photo: np.ndarray) -> FakeAnswer:
        mean = photo.mean(axis=(0, 1)) + 1
        shares = dict(zip(CLASSES, (mean / mean.sum()).tolist(), strict=True))
        label = max(CLASSES, key=lambda name: shares[name])
        chosen = tuple(name for name in CLASSES if shares[name] > 0.3)
        return FakeAnswer(label, shares, chosen, bool(np.ptp(mean) < 5), 0.5)

    def heatmap(self, photo: np.ndarray, label: str | None = None) -> np.ndarray:
        if label == "biotite":
            raise RuntimeError("secret of the heat map")
        heat = np.zeros((8, 12), np.uint8)
        heat[1:3, 1:4] = 255 if label == "olivine" else 0
        return heat

    def nearest(self, photo: np.ndarray, k: int = 3) -> list[FakeNeighbour]:
        label = self._answer(photo).label
        return [FakeNeighbour(f"{label}/{n}.jpg", label, n, photo[::2, ::2]) for n in range(k)]


def picture(
    colour: tuple[int, int, int],
    size: tuple[int, int] = (90, 60),
    format: str = "PNG",
    seed: int = 0,
) -> bytes:
    """A photo of about one colour, different for each seed."""
    rng = np.random.default_rng(seed)
    pixels = np.array(colour) + rng.integers(-20, 21, (size[1], size[0], 3))
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, format)
    return file.getvalue()


RED, GREEN, BLUE, GREY = (180, 60, 60), (60, 180, 60), (60, 60, 180), (120, 120, 120)


class Client:
    """Asks the page on one port; each request has its own connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def raw(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes, dict[str, str]]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and what the JSON says."""
        status, content, _ = self.raw(method, path, body, OWN if headers is None else headers)
        return status, json.loads(content)

    def answer(self, photo: bytes) -> tuple[int, Any]:
        return self.ask("POST", "/answers", photo)

    def correct(self, photo: bytes, label: str, **known: str) -> tuple[int, Any]:
        query = "&".join(f"{k}={quote(v, safe='')}" for k, v in {"label": label, **known}.items())
        return self.ask("POST", f"/corrections?{query}", photo)


@contextmanager
def serving(
    folder: Path,
    predictor: Predictor | FakePredictor | None = None,
    session: Session | None = None,
    **limits: int,
) -> Iterator[Client]:
    """The page on a free port, with its corrections in ``folder``."""
    told = cast(Predictor, predictor or FakePredictor())
    corrections = Corrections(folder)
    app = make_app(told, corrections, "127.0.0.1")
    if session is not None:
        app.register_blueprint(counting_routes(session, corrections))
    server = make_server(app, "127.0.0.1", 0, **limits)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield Client(int(server.effective_port))
    finally:
        server.task_dispatcher.shutdown()
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join(10)
