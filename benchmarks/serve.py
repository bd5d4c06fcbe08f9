"""
The page's server under four clients at once, and its memory over many photos.

    python benchmarks/serve.py [--model models/final] [--photos PHOTO...] [--requests 500]

Starts `thinsection serve` as a user does and sends photos to it over HTTP. Prints the median and
the 95th percentile of an answer with one client and with four, of a heat map and of the
neighbours, the processor time of an answer (on a busy machine the surer figure), and the resident
memory of the server before and after the requests. Without a model
it makes a ResNet-18 of random weights, which answers nonsense in the same time.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import chain
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

CLIENTS = 4
GOAL_MS = 150
WARM_UP = 100  # requests before memory is first looked at: libraries fill their pools
OWN = {"X-Thinsection": "1"}


def random_photos(n: int, width: int, height: int) -> list[bytes]:
    """JPEGs of coarse coloured grains, all different."""
    rng = np.random.default_rng(7)
    photos = []
    for _ in range(n):
        grains = rng.integers(0, 256, (height // 12, width // 12, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(grains).resize((width, height)).save(file, "JPEG", quality=90)
        photos.append(file.getvalue())
    return photos


def make_model(folder: Path) -> None:
    """A ResNet-18 of random weights for photos of 96 x 144, as `models/final` would hold it."""
    import torch

    from thinsection.base.files import hash_of, write_json
    from thinsection.final.fitting import Member
    from thinsection.final.graph import export
    from thinsection.learning.contract import Classifier
    from thinsection.learning.examples.backbones import Standardised
    from thinsection.learning.examples.resnets import build_resnet
    from thinsection.params import load_params
    from thinsection.predict.description import describe
    from thinsection.predict.folder import FORMAT, GRAPH, REFERENCE
    from thinsection.predict.likeness import Reference

    classes = ["augite", "biotite", "olivine", "plagioclase"]
    network = build_resnet(18, "none", len(classes))
    model = Standardised(network, torch.full((3,), 0.5), torch.full((3,), 0.25)).eval()
    params = load_params(Path(__file__).parents[1] / "params.yaml")
    classifier = Classifier(model, "photos", 96, 144)
    graph = export(
        [Member("resnet-18", "network", classifier, np.empty(0))], 96, 144,
        n_classes=len(classes), temperature=1.0, pixels=params.pixels, embedding=params.embedding,
    )  # fmt: skip
    (folder / GRAPH).write_bytes(graph.SerializeToString())
    photos = np.stack(
        [np.asarray(Image.open(io.BytesIO(photo))) for photo in random_photos(240, 144, 96)]
    )
    names = np.array([f"{n:03}.jpg" for n in range(len(photos))])
    labels = np.array(classes * 60)
    Reference.of(describe(photos), names, labels, photos[:, ::2, ::2]).write(folder / REFERENCE)
    card = {
        "format": FORMAT, "name": "resnet-18", "title": "ResNet-18 of random weights",
        "classes": classes, "height": 96, "width": 144, "fit": "crop", "max_megapixels": 100.0,
        "ca": 0.25, "ca_low": 0.2, "ca_high": 0.3, "n_photos": 240, "n_specimens": 40,
        "coverage": 0.9, "measured_coverage": 0.9, "mean_set_size": 3.6, "false_alarms": 0.05,
        "temperature": 1.0, "set_threshold": 0.8, "novelty_threshold": 2.0,
        "novelty_neighbours": 5, "takes": "photos", "licence": "MIT", "versions": {},
        "files": {name: hash_of(folder / name) for name in (GRAPH, REFERENCE)},
    }  # fmt: skip
    write_json(card, folder / "model.json")


@contextmanager
def served(model: Path, folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    """Port and process of a server that is ready."""
    code = "from thinsection.cli import main; main()"
    command = [sys.executable, "-u", "-c", code, "serve", "--model", str(model), "--port", "0"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--corrections", str(folder / "corrections")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        if "http://" not in said:
            raise SystemExit("the server did not start")
        print(f"{said.partition(' answers')[0]}: ready after {time.perf_counter() - started:.2f} s")
        yield int(said.rsplit(":", 1)[1].rstrip("/")), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def asked(
    connection: HTTPConnection, method: str, path: str, body: bytes = b""
) -> tuple[float, str]:
    """Seconds of one question, and the answer."""
    started = time.perf_counter()
    connection.request(method, path, body, OWN)
    answer = connection.getresponse()
    text = answer.read().decode()
    seconds = time.perf_counter() - started
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {text}")
    return seconds, text


def answers(port: int, photos: list[bytes]) -> list[float]:
    """Seconds of each answer to one client that asks one after another."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    seconds = [asked(connection, "POST", "/answers", photo)[0] for photo in photos]
    connection.close()
    return seconds


def at_once(port: int, photos: list[bytes]) -> list[float]:
    """Seconds of each answer to four clients that share the photos."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        parts = [photos[n::CLIENTS] for n in range(CLIENTS)]
        return list(chain.from_iterable(pool.map(lambda part: answers(port, part), parts)))


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time that the server has used: other work on the machine changes it little."""
    times = process.cpu_times()
    return times.user + times.system


def told(what: str, seconds: list[float]) -> None:
    middle, late = (1000 * np.quantile(seconds, share) for share in (0.5, 0.95))
    print(f"{what}: median {middle:.0f} ms, 95 % within {late:.0f} ms", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    options.add_argument("--model", type=Path, default=Path("models/final"))
    options.add_argument("--photos", type=Path, nargs="*", default=[])
    options.add_argument("--requests", type=int, default=500)
    chosen = options.parse_args()
    photos = [path.read_bytes() for path in chosen.photos] or random_photos(100, 1024, 683)
    print(f"{len(photos)} photos of {np.mean([len(photo) for photo in photos]) / 1000:.0f} kB")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = chosen.model
        if not model.exists():
            model = folder / "model"
            model.mkdir()
            make_model(model)
        with served(model, folder) as (port, process):
            many = (photos * -(-chosen.requests // len(photos)))[: chosen.requests]
            at_once(port, many[:WARM_UP])
            before = process.memory_info().rss
            told("one client", answers(port, many[:WARM_UP]))
            used = cpu_seconds(process)
            told(f"{CLIENTS} clients at once (goal {GOAL_MS} ms)", at_once(port, many))
            each = 1000 * (cpu_seconds(process) - used) / len(many)
            print(f"processor time of an answer: {each:.0f} ms")
            after = process.memory_info().rss
            answers(port, many)
            last = process.memory_info().rss
            print(
                f"memory: {before / 1e6:.0f} MB, after {len(many) + WARM_UP} requests more "
                f"{after / 1e6:.0f} MB, after {len(many)} more {last / 1e6:.0f} MB"
            )
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            found = json.loads(asked(connection, "POST", "/answers", photos[0])[1])
            for what in (f"heatmap?label={found['label']}", "neighbours"):
                path = f"/photos/{found['photo']}/{what}"
                told(path.split("/")[-1], [asked(connection, "GET", path)[0] for _ in range(20)])
            connection.close()


if __name__ == "__main__":
    main()
