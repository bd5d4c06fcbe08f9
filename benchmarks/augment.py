"""
Variants of a batch at once, against torchvision's transforms one photo at a time.

    python benchmarks/augment.py

The same operators at the same sizes. Beside the ratio: the share of a step of ResNet-18.
"""

import time
from collections.abc import Callable

import numpy as np
import torch

from reference_loop import per_sample_transforms
from thinsection.learning.examples.augment import as_batch, draw_variants
from thinsection.learning.examples.resnets import build_resnet
from thinsection.learning.training import make_optimiser, prepare_device
from thinsection.params import load_params

BATCH, ROUNDS = 32, 7


def ms_a_photo(work: Callable[[], object], n: int = BATCH) -> float:
    """The fastest of some rounds: what else the machine does only adds."""
    work()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times) / n * 1000


def step_ms_a_photo(height: int, width: int) -> float:
    network = build_resnet(18, "none", 4).to(memory_format=torch.channels_last)
    optimiser = make_optimiser(network.parameters(), 0.001, 0.01)
    photos = torch.rand(BATCH, 3, height, width).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(4, (BATCH,))

    def step() -> None:
        torch.nn.functional.cross_entropy(network(photos), labels).backward()
        optimiser.step()
        optimiser.zero_grad()

    return ms_a_photo(step)


if __name__ == "__main__":
    params = load_params()
    prepare_device(params.compute)
    operators = params.augment
    for height, width in ((params.resnet.height, params.resnet.width), (96, 96)):
        pixels = np.random.default_rng(0).integers(0, 256, (BATCH, height, width, 3), np.uint8)
        rng = torch.Generator().manual_seed(0)
        transforms = per_sample_transforms(operators, height, width)
        ours = ms_a_photo(lambda p=pixels, r=rng: draw_variants(as_batch(p), operators, r))
        theirs = ms_a_photo(lambda p=pixels, t=transforms: [t(photo) for photo in p])
        step = step_ms_a_photo(height, width)
        print(
            f"{height} x {width}: a batch at once {ours:.3f} ms a photo, torchvision v2 one by one "
            f"{theirs:.3f}, {theirs / ours:.1f} times; {ours / (ours + step):.1%} of a ResNet-18 step"
        )
