"""
ResNet-18 as thinsection trains it, against torchvision's reference training loop, on the CPU.

    python benchmarks/resnet.py

Photos a second at the same batch, size and network, steps of the two taken in turns; then the time
to the same held-out accuracy on the ingested photos, the first fold (`make repro` makes them).
"""

import itertools
import os
import statistics
import time

import numpy as np
import torch

from peak import peak_flops, training_flops
from reference_loop import Photos, ReferenceLoop, per_sample_transforms, steps_without_end
from thinsection.base.places import FOLDS_FILE, INGESTED
from thinsection.dataset.folds import Fold, read_folds
from thinsection.dataset.packed import read_dataset
from thinsection.dataset.reduction import reduced
from thinsection.families.resnet.training import recipe_of
from thinsection.learning.examples.augment import as_batch
from thinsection.learning.examples.resnets import build_resnet
from thinsection.learning.photo_training import PhotoTraining
from thinsection.learning.training import prepare_device
from thinsection.params import Params, load_params

SIZE, BATCH, N_PHOTOS, ROUNDS = (64, 96), 32, 256, 24
REFERENCE_RATES = (0.1, 0.0125)  # its default for 256 photos a step, and the same scaled to 32
MOST_TIMES = 4  # the reference is given up after so many times our seconds
WORKERS = os.cpu_count() or 1


def in_turns(params: Params) -> None:
    height, width = SIZE
    settings = params.resnet.model_copy(
        update={
            "height": height,
            "width": width,
            "batch_size": BATCH,
            "weights": "none",
            "epochs": 99,
        }
    )
    params = params.model_copy(update={"resnet": settings})
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (N_PHOTOS, height, width, 3)).astype(np.uint8)
    labels = rng.integers(0, 4, N_PHOTOS)
    fold = Fold(0, 0, np.arange(N_PHOTOS), np.arange(1))
    fit_settings = params.fit_settings("resnet")
    recipe = recipe_of(18, 4, fit_settings)
    network = recipe.new_network(pixels, fold, None)
    numbers = torch.from_numpy(labels)
    training = PhotoTraining(recipe, network, fold, pixels, numbers, fit_settings)
    theirs = ReferenceLoop(
        build_resnet(18, "none", 4),
        Photos(pixels, labels, per_sample_transforms(params.augment, height, width)),
        BATCH,
        0.1,
        "cpu",
        WORKERS,
    )

    steps = {
        "thinsection": steps_without_end(training),
        "reference loop": itertools.chain.from_iterable(theirs.epoch() for _ in itertools.count()),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            started = time.perf_counter()
            next(step)
            times[name].append((time.perf_counter() - started) / BATCH * 1000)
    ours, reference = (statistics.median(times[name][4:]) for name in steps)
    work = training_flops(network, torch.rand(BATCH, 3, height, width)) / BATCH
    limit = work / peak_flops() * 1000
    print(
        f"ResNet-18, {height} x {width}, batch {BATCH}: thinsection {ours:.2f} ms a photo, reference "
        f"loop {reference:.2f}, {reference / ours:.2f} times; floating-point limit {limit:.2f} ms"
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
    in_turns(settings)
    if (INGESTED / "photos.csv").is_file() and FOLDS_FILE.is_file():
        to_the_same_accuracy(settings)
    else:
        print("no ingested photos here: run `dvc repro split` for the time to an accuracy")
