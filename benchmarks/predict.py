"""
How fast new photos are named: `thinsection predict` beside PyTorch as one would write it.

    python benchmarks/predict.py

1,000 JPEGs of 275 x 183 through a ResNet-18 of the default size, three ways in turns, the best of
three rounds each:

- `predict`, with everything in it: decoding, preparation, network, calibration, prediction sets
  and the likeness to 240 training photos;
- PyTorch eager with our own decoding and reduction in threads: only the network differs, and
  the rest of the answer is left out;
- PyTorch eager as a user would otherwise write it: Pillow and torchvision's transforms (resize,
  crop, scale, standardise) in a DataLoader with a worker for each core, names by argmax.

PyTorch takes batches of 64. Beside the rates by the clock stands the processor time of a photo, in
all threads and workers: on a busy machine the surer figure. Then the network alone; how long one
photo takes from the start of the command; and the memory of the command over 5,000 photos.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from thinsection.base.files import hash_of, write_json
from thinsection.dataset.reduction import reduced
from thinsection.final.fitting import Member
from thinsection.final.graph import export
from thinsection.learning.contract import Classifier
from thinsection.learning.examples.augment import as_batch
from thinsection.learning.examples.backbones import Standardised
from thinsection.learning.examples.resnets import build_resnet, torchvision_models
from thinsection.params import load_params
from thinsection.predict import Predictor
from thinsection.predict.command import outcomes
from thinsection.predict.description import describe
from thinsection.predict.folder import DESCRIPTION, FORMAT, GRAPH, REFERENCE
from thinsection.predict.likeness import Reference
from thinsection.predict.new_photos import new_photos
from thinsection.predict.predictor import CHUNK

N_PHOTOS, N_TRAINING, N_CLASSES = 1000, 240, 4
MEAN, STD = 0.5, 0.2
BATCH = 64  # of PyTorch
ROUNDS = 3
TIMES = 5  # that the photos are named over while memory is watched


def write_photos(folder: Path, n: int) -> None:
    rng = np.random.default_rng(0)
    for i in range(n):
        cells = rng.integers(0, 256, (19, 28, 3)).astype(np.uint8)
        Image.fromarray(cells).resize((275, 183), 3).save(folder / f"{i:04}.jpg", quality=92)


def write_model(folder: Path) -> Standardised:
    """A model folder around a ResNet-18 with weights like those of a trained one."""
    params = load_params()
    ingest, settings = params.ingest, params.resnet
    torch.manual_seed(0)
    network = Standardised(
        build_resnet(18, "none", N_CLASSES), torch.full((3,), MEAN), torch.full((3,), STD)
    ).eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):  # some start at 0: a graph without half its weights
            nn.init.ones_(layer.weight)
    classifier = Classifier(network, "photos", settings.height, settings.width)
    size = ingest.height, ingest.width
    graph = export(
        [Member("resnet-18", "network", classifier, np.empty(0))], *size,
        n_classes=N_CLASSES, temperature=1.3, pixels=params.pixels, embedding=params.embedding,
    )  # fmt: skip
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


@dataclass
class Rate:
    """The best rounds of one way to name photos."""

    photos_s: float = 0.0
    cpu_ms: float = float("inf")  # of a photo, in all threads and workers

    def add(self, n: int, seconds: float, cpu_seconds: float) -> None:
        self.photos_s = max(self.photos_s, n / seconds)
        self.cpu_ms = min(self.cpu_ms, 1000 * cpu_seconds / n)

    def __str__(self) -> str:
        return f"{self.photos_s:.0f} photos a second, {self.cpu_ms:.1f} ms of processor time each"


def in_turns(ways: dict[str, Callable[[], int]]) -> dict[str, Rate]:
    """The rate of each way, which names photos and says how many, in turns."""
    rates = {name: Rate() for name in ways}
    for _ in range(ROUNDS):
        for name, work in ways.items():
            started, used = time.perf_counter(), cpu_seconds()
            n = work()
            rates[name].add(n, time.perf_counter() - started, cpu_seconds() - used)
    return rates


def cpu_seconds() -> float:
    """Of this process and its workers."""
    own = psutil.Process()
    times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return sum(each.user + each.system for each in times)


@torch.inference_mode()
def eager(predictor: Predictor, network: Standardised, paths: list[Path]) -> int:
    """Our decoding and reduction, and the network."""
    settings = load_params().resnet
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in range(0, len(paths), BATCH):
            photos = np.stack(list(pool.map(predictor.prepare, paths[start : start + BATCH])))
            batch = as_batch(reduced(photos, settings.height, settings.width))
            torch.softmax(network(batch), 1).numpy()
    return len(paths)


class Files(TorchDataset[Tensor]):
    """Photos as a user's own loop would read them."""

    def __init__(self, paths: list[Path]) -> None:
        torchvision_models()  # the way to torchvision, beside any build of PyTorch
        from torchvision.transforms import v2

        settings = load_params().resnet
        size = settings.height, settings.width
        self.paths = paths
        self.transform = v2.Compose(
            [
                v2.Resize(min(size), antialias=True),
                v2.CenterCrop(size),
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([MEAN] * 3, [STD] * 3),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: int) -> Tensor:
        with Image.open(self.paths[place]) as photo:
            transformed: Tensor = self.transform(photo.convert("RGB"))
        return transformed


@torch.inference_mode()
def plain_loop(network: nn.Module, loader: "DataLoader[Tensor]") -> int:
    """What one would write without thinsection."""
    return sum(len(torch.softmax(network(batch), 1).argmax(1)) for batch in loader)


def network_alone(predictor: Predictor, network: Standardised, paths: list[Path]) -> None:
    prepared = np.stack([predictor.prepare(path) for path in paths[: 4 * BATCH]])
    settings = load_params().resnet

    @torch.inference_mode()
    def theirs() -> int:
        for start in range(0, len(prepared), BATCH):
            small = reduced(prepared[start : start + BATCH], settings.height, settings.width)
            network(as_batch(small))
        return len(prepared)

    ours = "reduction and network alone, ONNX Runtime"
    rates = in_turns(
        {ours: lambda: len(predictor.probabilities(prepared)), "the same, torch eager": theirs}
    )
    told(rates, ours)


def told(rates: dict[str, Rate], ours: str) -> None:
    """The rates, and the ratios of one to all others."""
    for name, rate in rates.items():
        print(f"{name}: {rate}")
    for name, rate in rates.items():
        if name != ours:
            by_clock = rates[ours].photos_s / rate.photos_s
            by_cpu = rate.cpu_ms / rates[ours].cpu_ms
            print(
                f"  {ours} / {name}: {by_clock:.2f} by the clock, {by_cpu:.2f} by processor time",
                flush=True,
            )


def command(model: Path, given: list[Path], *more: str) -> list[str]:
    program = str(Path(sys.executable).parent / "thinsection")
    return [program, "predict", *map(str, given), "--model", str(model), *more]


def first_answer(model: Path, photo: Path) -> None:
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run(command(model, [photo]), check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    print(f"start to first answer: {min(seconds):.2f} s (goal 1.5)", flush=True)


def memory(model: Path, photos: Path, table: Path) -> None:
    """Resident memory of the command, from a fifth of the way on."""
    words = command(model, [photos] * TIMES, "--csv", str(table))
    process = psutil.Popen(words, stdout=subprocess.DEVNULL)
    resident = []
    while process.poll() is None:
        with suppress(psutil.Error):
            resident.append(process.memory_info().rss / 1e6)
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit("predict failed")
    resident = [each for each in resident if each]  # none of a process that has just ended
    fifth, middle = resident[len(resident) // TIMES], resident[len(resident) // 2]
    print(
        f"memory over {TIMES * N_PHOTOS} photos: {fifth:.0f} MB at a fifth of the time, "
        f"{middle:.0f} MB at half, {resident[-1]:.0f} MB at the end, {max(resident):.0f} MB at most"
    )


def main() -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    with TemporaryDirectory() as place:
        photos, model = Path(place) / "photos", Path(place) / "model"
        photos.mkdir()
        model.mkdir()
        write_photos(photos, N_PHOTOS)
        network = write_model(model)
        predictor = Predictor.load(model)
        paths = sorted(photos.iterdir())
        plain = build_resnet(18, "none", N_CLASSES).eval()  # contiguous, standardised by v2
        loader = DataLoader(
            Files(paths), BATCH, num_workers=os.cpu_count() or 1, persistent_workers=True
        )
        with new_photos([str(photos)]) as found:
            ours = f"predict, everything, {CHUNK} at a time"
            rates = in_turns(
                {
                    ours: lambda: sum(1 for _ in outcomes(predictor, found)),
                    "torch eager, our decoding": lambda: eager(predictor, network, paths),
                    "torch eager, torchvision and DataLoader": lambda: plain_loop(plain, loader),
                }
            )
        told(rates, ours)
        network_alone(predictor, network, paths)
        first_answer(model, paths[0])
        memory(model, photos, Path(place) / "names.csv")


if __name__ == "__main__":
    main()
