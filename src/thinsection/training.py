"""The only optimiser and device code."""

import os
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from thinsection.errors import InputError
from thinsection.folds import Fold
from thinsection.params import ComputeSettings


def prepare_device(settings: ComputeSettings) -> torch.device:
    """
    The device that trains, set up so that the same run gives the same numbers on it.

    Raises
    ------
    InputError
        If params.yaml names a device that this machine or this PyTorch doesn't have.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if settings.device == "auto":
        # Apple's GPUs lack deterministic versions of what is used here: by name only
        chosen = "cuda" if available["cuda"] else "cpu"
    elif available[settings.device]:
        chosen = settings.device
    else:
        has = ", ".join(name for name, here in available.items() if here)
        raise InputError(
            f"params.yaml: compute.device is {settings.device!r}, which PyTorch {torch.__version__} "
            f"doesn't find here; allowed on this machine: auto, {has}."
        )
    torch.set_num_threads(settings.threads or os.cpu_count() or 1)
    # cuBLAS is deterministic only with a workspace of fixed size
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=chosen == "mps")
    torch.backends.cudnn.benchmark = False
    return torch.device(chosen)


def make_optimiser(
    parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), one kernel for all weights."""
    return torch.optim.AdamW(
        list(parameters), lr=learning_rate, weight_decay=weight_decay, fused=True
    )


def equal_batches(n: int, n_steps: int, rng: torch.Generator) -> list[Tensor]:
    """0..n-1, shuffled and cut into ``n_steps`` batches whose sizes differ by one at most."""
    return list(torch.tensor_split(torch.randperm(n, generator=rng), n_steps))


def check_finite(loss: float, model: str, fold: Fold, epoch: int, learning_rate: float) -> None:
    """
    Stop a training whose loss is not a number any more.

    Raises
    ------
    InputError
        Naming the model, fold, epoch and learning rate, and what to try.
    """
    if not np.isfinite(loss):
        family = model.split("-")[0].lower()
        raise InputError(
            f"{model}, repeat {fold.repeat}, fold {fold.fold}, epoch {epoch}: the training loss is "
            f"{loss} at learning rate {learning_rate:g}; it must stay a number. Lower "
            f"{family}.learning_rate in params.yaml, for example to {learning_rate / 10:g}."
        )
