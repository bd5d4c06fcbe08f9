"""
How fast new photos are named: `thinsection predict` beside PyTorch as one would write it.

    python benchmarks/predict.py

1,000 JPEGs of 275 x 183 through a ResNet-18 of the default size, both in batches of 64 and with
both decoding in as many threads; best of three. The rate of `predict` has everything in it:
decoding, preparation, network, calibration, prediction sets and the likeness to 240 training photos.
PyTorch's has decoding, preparation and network. Then the network alone, and how long one photo
takes from the start of the command.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from thinsection.augment import as_batch
from thinsection.files import write_json
from thinsection.final.graph import export
from thinsection.models.final import Fitted
from thinsection.models.resnet import Standardised
from thinsection.params import load_params
from thinsection.predict import Predictor
from thinsection.predict.command import CHUNK, outcomes
from thinsection.predict.description import describe
from thinsection.predict.folder import DESCRIPTION, FORMAT, GRAPH, REFERENCE, hash_of
from thinsection.predict.likeness import Reference
from thinsection.predict.new_photos import new_photos
from thinsection.predict.predictor import open_graph
from thinsection.reduction import reduced
from thinsection.vision import build_resnet

N_PHOTOS, N_TRAINING, N_CLASSES = 1000, 240, 4


def write_photos(folder: Path, n: int) -> None:
    rng = np.random.default_rng(0)
    for i in range(n):
        cells = rng.integers(0, 256, (19, 28, 3)).astype(np.uint8)
        Image.fromarray(cells).resize((275, 183), 3).save(folder / f"{i:04}.jpg", quality=92)


def write_model(folder: Path) -> Standardised:
    """A model folder around a ResNet-18 with the weights that it starts from."""
    params = load_params()
    ingest, settings = params.ingest, params.resnet
    torch.manual_seed(0)
    network = Standardised(
        build_resnet(18, "none", N_CLASSES), torch.full((3,), 0.5), torch.full((3,), 0.2)
    ).eval()
    fitted = Fitted(network, "photos", settings.height, settings.width, np.empty(0))
    size = ingest.height, ingest.width
    graph = export(fitted, *size, N_CLASSES, 1.3, params.embedding)
    (folder / GRAPH).write_bytes(graph.SerializeToString())
    photos = np.random.default_rng(1).integers(0, 256, (N_TRAINING, *size, 3)).astype(np.uint8)
    names = np.array([str(i) for i in range(N_TRAINING)])
    Reference.of(describe(photos), names, names, photos[:, ::4, ::4]).write(folder / REFERENCE)
    figures = ("ca", "ca_low", "ca_high", "coverage", "measured_coverage", "mean_set_size")
    said = dict.fromkeys((*figures, "false_alarms", "temperature", "set_threshold"), 0.9)
    said |= {"name": "resnet-18", "title": "ResNet-18", "classes": ["a", "b", "c", "d"]}
    said |= {"height": size[0], "width": size[1], "fit": ingest.fit, "takes": "photos"}
    said |= {"max_megapixels": 100, "n_photos": N_TRAINING, "n_specimens": 40, "licence": "MIT"}
    said |= {"novelty_threshold": 1.0, "novelty_neighbours": 5, "versions": {}, "format": FORMAT}
    said["files"] = {name: hash_of(folder / name) for name in (GRAPH, REFERENCE)}
    write_json(said, folder / DESCRIPTION)
    return network


def rate(work: Callable[[], int]) -> float:
    """Photos a second, the best of three."""
    rates = []
    for _ in range(3):
        started = time.perf_counter()
        n = work()
        rates.append(n / (time.perf_counter() - started))
    return max(rates)


@torch.inference_mode()
def eager(predictor: Predictor, network: Standardised, paths: list[Path]) -> int:
    settings = load_params().resnet
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in range(0, len(paths), CHUNK):
            photos = np.stack(list(pool.map(predictor.prepare, paths[start : start + CHUNK])))
            batch = as_batch(reduced(photos, settings.height, settings.width))
            torch.softmax(network(batch), 1).numpy()
    return len(paths)


def main() -> None:
    with TemporaryDirectory() as place:
        photos, model = Path(place) / "photos", Path(place) / "model"
        photos.mkdir()
        model.mkdir()
        write_photos(photos, N_PHOTOS)
        network = write_model(model)
        predictor = Predictor.load(model)
        paths = sorted(photos.iterdir())
        with new_photos([str(photos)]) as found:
            ours = rate(lambda: sum(1 for _ in outcomes(predictor, found)))
        theirs = rate(lambda: eager(predictor, network, paths))
        print(f"predict, everything: {ours:.0f} photos a second")
        print(f"torch eager, decoding and network: {theirs:.0f} photos a second")
        print(f"ratio: {ours / theirs:.2f} (goal 1.5)")

        prepared = np.stack([predictor.prepare(path) for path in paths[: 4 * CHUNK]])
        settings = load_params().resnet
        session = open_graph(model / GRAPH)

        def graph_alone() -> int:
            for start in range(0, len(prepared), CHUNK):
                session.run(["probabilities"], {"photos": prepared[start : start + CHUNK]})
            return len(prepared)

        @torch.inference_mode()
        def network_alone() -> int:
            for start in range(0, len(prepared), CHUNK):
                small = reduced(prepared[start : start + CHUNK], settings.height, settings.width)
                network(as_batch(small))
            return len(prepared)

        alone, theirs = rate(graph_alone), rate(network_alone)
        print(
            f"reduction and network alone: {alone:.0f} and {theirs:.0f}, ratio {alone / theirs:.2f}"
        )

        seconds = []
        command = [str(Path(sys.executable).parent / "thinsection"), "predict", str(paths[0])]
        for _ in range(5):
            started = time.perf_counter()
            subprocess.run([*command, "--model", str(model)], check=True, capture_output=True)
            seconds.append(time.perf_counter() - started)
        print(f"start to first answer: {min(seconds):.2f} s (goal 1.5)")


if __name__ == "__main__":
    main()
