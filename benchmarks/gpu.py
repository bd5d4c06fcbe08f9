"""
ResNet-152 at 224 x 224 on a GPU, against torchvision's reference training loop. Under 8 minutes.

    python benchmarks/gpu.py

Also: the share of a step that the input side takes, and the floating-point limit in bfloat16.
"""

import itertools
import os
import statistics
import sys
import time
from collections.abc import Iterator

import numpy as np
import torch

from peak import peak_flops, training_flops
from reference_loop import Photos, ReferenceLoop, per_sample_transforms
from thinsection.forecast.precision import steps_on_noise
from thinsection.learning.examples.augment import draw_variants
from thinsection.learning.examples.resnets import build_resnet
from thinsection.learning.shown import DevicePhotos
from thinsection.learning.training import precision_of, prepare_device
from thinsection.params import load_params

SIDE, BATCH, N_PHOTOS, STEPS, MOST_S = 224, 64, 1024, 40, 120


def ms_a_step(steps: Iterator[object]) -> float:
    """Median of STEPS steps after five, or of as many as fit into MOST_S seconds."""
    times = []
    begun = time.perf_counter()
    while len(times) < STEPS + 5 and time.perf_counter() - begun < MOST_S:
        torch.cuda.synchronize()
        started = time.perf_counter()
        next(steps)
        torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return statistics.median(times[5:] or times) * 1000


def main() -> None:
    params = load_params()
    device = prepare_device(params.compute.model_copy(update={"device": "cuda"}))
    settings = params.resnet.model_copy(
        update={"height": SIDE, "width": SIDE, "batch_size": BATCH, "weights": "none", "epochs": 99}
    )
    params = params.model_copy(update={"resnet": settings})
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (N_PHOTOS, SIDE, SIDE, 3), dtype=np.uint8)

    def input_side() -> Iterator[None]:
        drawn, photos = torch.Generator().manual_seed(0), DevicePhotos(pixels, device)
        while True:
            draw_variants(photos.batch(np.arange(BATCH)), params.augment, drawn)
            yield

    ours, inputs = ms_a_step(steps_on_noise(params, 152, "auto")), ms_a_step(input_side())
    network = build_resnet(152, "none", 4).to(device)
    work = training_flops(network, torch.rand(8, 3, SIDE, SIDE, device=device)) / 8 * BATCH
    loop = ReferenceLoop(
        build_resnet(152, "none", 4),
        Photos(pixels, np.arange(N_PHOTOS) % 4, per_sample_transforms(params.augment, SIDE, SIDE)),
        BATCH,
        0.1,
        "cuda",
        os.cpu_count() or 1,
    )
    reference = ms_a_step(itertools.chain.from_iterable(loop.epoch() for _ in itertools.count()))
    name = precision_of(device, "auto")
    limit = work / peak_flops("cuda", getattr(torch, name)) * 1000
    print(
        f"{torch.cuda.get_device_name()}, ResNet-152, {SIDE} x {SIDE}, batch {BATCH}: thinsection ({name}) "
        f"{ours:.1f} ms a step, reference loop {reference:.1f}, {reference / ours:.2f} times; input side "
        f"{inputs / ours:.1%} of a step; floating-point limit {limit:.1f} ms"
    )


if __name__ == "__main__":
    if not torch.cuda.is_available():
        print("benchmarks/gpu.py: no CUDA GPU here, not run")
        sys.exit()
    main()
