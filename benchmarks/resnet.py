"""
ResNet-18 as thinsection trains it, against torchvision's reference training loop, on the CPU.

    python benchmarks/resnet.py

Milliseconds a photo at the same batch, size and network, in float32 and, where the processor has units
for it, in bfloat16; steps of all taken in turns, each in a process of its own. Then the time to the same held-out accuracy on the
ingested photos, the first fold (`make repro` makes them).
"""

import os
import statistics
import time
from collections.abc import Iterator
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection

import numpy as np
import torch

from peak import peak_flops, training_flops
from reference_loop import Photos, ReferenceLoop, per_sample_transforms
from thinsection.base.places import FOLDS_FILE, INGESTED
from thinsection.console.stage import keep_freed_memory
from thinsection.dataset.folds import read_folds
from thinsection.dataset.packed import read_dataset
from thinsection.dataset.reduction import reduced
from thinsection.families.resnet.training import recipe_of
from thinsection.forecast.precision import steps_on_noise
from thinsection.learning.examples.augment import as_batch
from thinsection.learning.examples.backbones import Standardised
from thinsection.learning.examples.resnets import build_resnet
from thinsection.learning.photo_training import PhotoTraining
from thinsection.learning.training import multiplies_bfloat16, prepare_device
from thinsection.params import Params, load_params

# height, width, photos in a step, rounds
SIZES = ((48, 72, 16, 24), (96, 144, 32, 14), (224, 224, 16, 10))
REFERENCE_RATES = (0.1, 0.0125)  # its default for 256 photos a step, and the same scaled to 32
MOST_TIMES = 4  # the reference is given up after so many times our seconds
WORKERS = os.cpu_count() or 1
SPAWN = get_context("spawn")


class Trainer:
    """A process of its own that trains, a step at a time: each sets up its memory as it would alone."""

    def __init__(self, way: str, height: int, width: int, batch: int) -> None:
        self.ours, theirs = Pipe()
        self.process = SPAWN.Process(target=train, args=(theirs, way, height, width, batch))
        self.process.start()
        theirs.close()  # or a process that ended would be waited for

    def seconds(self) -> float:
        """Of the next step."""
        self.ours.send("step")
        return self.ours.recv()

    def end(self) -> None:
        self.process.terminate()
        self.process.join()


def train(connection: Connection, way: str, height: int, width: int, batch: int) -> None:
    params = load_params()
    size = {"height": height, "width": width, "batch_size": batch}
    params = params.model_copy(update={"resnet": params.resnet.model_copy(update=size)})
    if way == "reference loop":
        steps = reference_steps(params, height, width, batch)
    else:
        keep_freed_memory()  # as the stages do
        steps = steps_on_noise(params, 18, way)
    while connection.recv():
        started = time.perf_counter()
        next(steps)
        connection.send(time.perf_counter() - started)


def reference_steps(params: Params, height: int, width: int, batch: int) -> Iterator[object]:
    pixels = np.random.default_rng(0).integers(0, 256, (4 * batch, height, width, 3), np.uint8)
    photos = Photos(
        pixels, np.arange(len(pixels)) % 4, per_sample_transforms(params.augment, height, width)
    )
    loop = ReferenceLoop(build_resnet(18, "none", 4), photos, batch, 0.1, "cpu", WORKERS)
    while True:
        yield from loop.epoch()


def in_turns(height: int, width: int, batch: int, rounds: int) -> None:
    native = multiplies_bfloat16(torch.device("cpu"))
    ours = ("float32", "bfloat16") if native else ("float32",)
    trainers = {way: Trainer(way, height, width, batch) for way in (*ours, "reference loop")}
    times: dict[str, list[float]] = {way: [] for way in trainers}
    for _ in range(rounds):
        for way, trainer in trainers.items():
            times[way].append(trainer.seconds())
    for trainer in trainers.values():
        trainer.end()
    ms = {way: statistics.median(taken[3:]) / batch * 1000 for way, taken in times.items()}
    network = Standardised(build_resnet(18, "none", 4), torch.zeros(3), torch.ones(3))
    work = training_flops(network, torch.rand(batch, 3, height, width)) / batch
    print(
        f"ResNet-18, {height} x {width}, batch {batch}: reference loop {ms['reference loop']:.1f} ms a "
        "photo; thinsection "
        + ", ".join(
            f"{name} {ms[name]:.1f} ({ms['reference loop'] / ms[name]:.2f} times as fast; products alone "
            f"{work / peak_flops(dtype=getattr(torch, name)) * 1000:.1f})"
            for name in ours
        )
    )


def to_the_same_accuracy(params: Params) -> None:
    dataset = read_dataset()
    fold = read_folds(dataset.table)[0]
    height, width = params.resnet.height, params.resnet.width
    pixels = reduced(dataset.pixels, height, width)
    labels, n_classes = torch.from_numpy(dataset.labels), len(dataset.classes)
    started = time.perf_counter()
    fit_settings = params.fit_settings("resnet")
    recipe = recipe_of(18, n_classes, fit_settings)
    network = recipe.new_network(pixels, fold, None)
    training = PhotoTraining(recipe, network, fold, pixels, labels, fit_settings)
    for _ in range(params.resnet.epochs):
        training.run_epoch()
    ours = time.perf_counter() - started
    goal = training.history[-1]["held_out_accuracy"]
    print(f"demo photos, {height} x {width}: thinsection {ours:.0f} s to accuracy {goal:.3f}")
    held_out = as_batch(pixels[fold.held_out])
    transforms = per_sample_transforms(params.augment, height, width)
    for rate in REFERENCE_RATES:
        torch.manual_seed(params.seed)
        loop = ReferenceLoop(
            build_resnet(18, "none", n_classes),
            Photos(pixels[fold.train], dataset.labels[fold.train], transforms),
            params.resnet.batch_size,
            rate,
            "cpu",
            WORKERS,
        )
        started, best = time.perf_counter(), 0.0
        while best < goal and time.perf_counter() - started < MOST_TIMES * ours:
            for _ in loop.epoch():
                pass
            best = max(best, loop.accuracy(held_out, labels[fold.held_out]))
        took = time.perf_counter() - started
        reached = "reached" if best >= goal else f"not reached (best {best:.3f})"
        print(f"  reference loop at learning rate {rate:g}: {reached} after {took:.0f} s, "
              f"{took / ours:.1f} times")  # fmt: skip


if __name__ == "__main__":
    settings = load_params()
    prepare_device(settings.compute.model_copy(update={"device": "cpu"}))
    for size in SIZES:
        in_turns(*size)
    if (INGESTED / "photos.csv").is_file() and FOLDS_FILE.is_file():
        to_the_same_accuracy(settings)
    else:
        print("no ingested photos here: run `dvc repro split` for the time to an accuracy")
