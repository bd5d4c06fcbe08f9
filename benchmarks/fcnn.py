"""
FCNNs of all folds side by side, against scikit-learn's MLPClassifier fold by fold.

    python benchmarks/fcnn.py

MLPClassifier is what Orange's neural network learner wraps. Equal folds, widths, batches and epochs;
data drawn at random, for the time doesn't depend on it. Beside the ratio: which share of the
matrix-product peak, measured in the same run, the training reaches.
"""

import time
import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from peak import peak_flops
from thinsection.dataset.folds import Fold
from thinsection.families.fcnn.architecture import Architecture
from thinsection.families.fcnn.networks import StackedFcnn
from thinsection.families.fcnn.training import FcnnTraining, TrainingSet
from thinsection.params import load_params

N_FOLDS, N_TRAIN, N_HELD_OUT, N_FEATURES, N_CLASSES, EPOCHS = 5, 256, 64, 3072, 4, 12


def stacked_seconds(depth: int) -> float:
    settings = load_params().fcnn.model_copy(update={"epochs": EPOCHS, "patience": EPOCHS})
    rngs = [torch.Generator().manual_seed(i) for i in range(N_FOLDS)]
    n_photos = N_TRAIN + N_HELD_OUT
    x, labels = torch.randn(n_photos, N_FEATURES), torch.randint(N_CLASSES, (n_photos,))
    sets = [
        TrainingSet(
            *torch.randperm(n_photos, generator=rng).split([N_TRAIN, N_HELD_OUT]),
            torch.empty(0, dtype=torch.long),
            torch.zeros(N_FEATURES),
            torch.ones(N_FEATURES),
        )
        for rng in rngs
    ]
    folds = [Fold(0, i, np.arange(N_TRAIN), np.arange(N_HELD_OUT)) for i in range(N_FOLDS)]
    networks = StackedFcnn(N_FEATURES, N_CLASSES, Architecture(depth, settings.width), rngs)
    training = FcnnTraining(
        depth, networks, folds, sets, vectors=None, x=x, labels=labels, settings=settings, rngs=rngs
    )
    started = time.perf_counter()
    for _ in range(EPOCHS):
        training.run_epoch()
    return time.perf_counter() - started


def sklearn_seconds(depth: int) -> float:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(N_TRAIN, N_FEATURES)), rng.integers(0, N_CLASSES, N_TRAIN)
    settings = load_params().fcnn
    started = time.perf_counter()
    for i in range(N_FOLDS):
        MLPClassifier(
            [settings.width] * depth,
            batch_size=settings.batch_size,
            max_iter=EPOCHS,
            n_iter_no_change=EPOCHS,
            random_state=i,
        ).fit(x, y)
    return time.perf_counter() - started


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    peak = peak_flops()
    print(f"matrix-product peak {peak / 1e9:.0f} GFLOP/s, {torch.get_num_threads()} threads")
    stacked_seconds(2)  # the first run also loads kernels
    for depth in load_params().fcnn.hidden_layers:
        width = load_params().fcnn.width
        weights = N_FEATURES * width + (depth - 1) * width**2 + width * N_CLASSES
        work = 6 * weights * N_TRAIN * N_FOLDS * EPOCHS  # forward, and two products backward
        ours = min(stacked_seconds(depth) for _ in range(3))
        theirs = sklearn_seconds(depth)
        print(
            f"{depth:2} hidden layers: side by side {ours:.2f} s, MLPClassifier {theirs:.2f} s, "
            f"{theirs / ours:.1f} times; {work / ours / peak:.0%} of the peak"
        )
