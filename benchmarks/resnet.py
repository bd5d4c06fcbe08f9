"""
ResNet-18 as thinsection trains it, against torchvision's reference training loop, on the CPU.

    python benchmarks/resnet.py

Milliseconds a photo at the same batch, size and network, in float32 and, where the processor has units
for it, in bfloat16; steps of all taken in turns. Then the time to the same held-out accuracy on the
ingested photos, the first fold (`make repro` makes them).
"""

import itertools
import os
import statistics
import time
from collections.abc import Iterator

import numpy as np
import torch

from peak import peak_flops, training_flops
from reference_loop import Photos, ReferenceLoop, per_sample_transforms
from thinsection.base.places import FOLDS_FILE, INGESTED
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


def ms_a_photo(ways: dict[str, Iterator[object]], batch: int, rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, step in ways.items():
            started = time.perf_counter()
            next(step)
            times[name].append((time.perf_counter() - started) / batch * 1000)
    return {name: statistics.median(taken[3:]) for name, taken in times.items()}


def in_turns(params: Params, height: int, width: int, batch: int, rounds: int) -> None:
    size = {"height": height, "width": width, "batch_size": batch}
    params = params.model_copy(update={"resnet": params.resnet.model_copy(update=size)})
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4 * batch, height, width, 3), dtype=np.uint8)
    loop = ReferenceLoop(
        build_resnet(18, "none", 4),
        Photos(pixels, np.arange(len(pixels)) % 4, per_sample_transforms(params.augment, height, width)),
        batch,
        0.1,
        "cpu",
        WORKERS,
    )  # fmt: skip
    native = multiplies_bfloat16(torch.device("cpu"))
    ours = ("float32", "bfloat16") if native else ("float32",)
    ways = {each: steps_on_noise(params, 18, each) for each in ours} | {
        "reference loop": itertools.chain.from_iterable(loop.epoch() for _ in itertools.count())
    }
    ms = ms_a_photo(ways, batch, rounds)
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
        in_turns(settings, *size)
    if (INGESTED / "photos.csv").is_file() and FOLDS_FILE.is_file():
        to_the_same_accuracy(settings)
    else:
        print("no ingested photos here: run `dvc repro split` for the time to an accuracy")
