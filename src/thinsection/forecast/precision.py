"""How much faster this machine would train networks on photos in bfloat16, measured."""

import time
from collections.abc import Iterator

import numpy as np

from thinsection.params import Params
from thinsection.settings import Precision

DEPTH = 18  # layers of the network that is timed
MOST_S = 1.5  # of timed steps; one of each precision, if that takes longer
WORTH_TELLING = 1.1  # times as fast


def told(params: Params) -> list[str]:
    """
    What bfloat16 would bring, for the terminal, where ResNets are trained in float32.

    Nothing where the device has no units for it, which is known without a measurement, or where it
    brings next to nothing.
    """
    own = params.resnet
    if own.precision != "float32" or not own.depths:
        return []
    from thinsection.learning.training import multiplies_bfloat16, prepare_device

    device = prepare_device(params.compute)
    if not multiplies_bfloat16(device):
        return []
    times = faster_in_bfloat16(params)
    if times < WORTH_TELLING:
        return []
    device_name = "GPU" if device.type == "cuda" else "processor"
    return [
        f"This {device_name} has units for bfloat16: with resnet.precision: bfloat16 in params.yaml it "
        f"would train a ResNet-{DEPTH} at {own.height} x {own.width} pixels about {times:.1f} times as "
        "fast. Results change slightly; fine-tuned networks have a precision of their own."
    ]


def faster_in_bfloat16(params: Params) -> float:
    """
    How many times as fast a ResNet is trained in bfloat16 as in float32, steps in turns.

    On one core, which another program disturbs less than several that wait for each other.
    """
    alone = params.compute.model_copy(update={"threads": 1})
    params = params.model_copy(update={"compute": alone})
    steps = {each: steps_on_noise(params, DEPTH, each) for each in ("float32", "bfloat16")}
    for step in steps.values():
        next(step)  # loads kernels
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    begun = time.perf_counter()
    while time.perf_counter() - begun < MOST_S:
        for name, step in steps.items():
            started = time.perf_counter()
            next(step)
            seconds[name].append(time.perf_counter() - started)
    fine, coarse = (min(taken) for taken in seconds.values())
    return fine / coarse


def steps_on_noise(params: Params, depth: int, precision: Precision) -> Iterator[float]:
    """
    Training steps without end, of a ResNet on noise at the sizes of ``params.resnet``.

    Yields the loss of each step, which waits for a GPU to have finished it.
    """
    import torch

    from thinsection.dataset.folds import Fold
    from thinsection.families.resnet.training import recipe_of
    from thinsection.learning.photo_training import PhotoTraining
    from thinsection.learning.training import prepare_device

    device = prepare_device(params.compute)
    changes = {"precision": precision, "weights": "none", "epochs": 1000}
    own = params.resnet.model_copy(update=changes)
    settings = params.model_copy(update={"resnet": own}).fit_settings("resnet")
    rng = np.random.default_rng(0)
    n_photos, n_classes = 4 * own.batch_size, 4
    pixels = rng.integers(0, 256, (n_photos, own.height, own.width, 3), dtype=np.uint8)
    labels = torch.from_numpy(np.arange(n_photos) % n_classes)
    fold = Fold(0, 0, np.arange(n_photos), np.arange(1))
    recipe = recipe_of(depth, n_classes, settings)
    network = recipe.new_network(pixels, fold, None).to(device)
    training = PhotoTraining(recipe, network, fold, pixels, labels, settings)
    while True:
        for _ in training.steps():
            yield float(training.total[0])
        training.left = None
