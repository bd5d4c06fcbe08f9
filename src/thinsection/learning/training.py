"""Optimiser, device, precision, and errors of training, shared by all networks."""

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn

from thinsection.base.cores import n_cores
from thinsection.base.errors import InputError
from thinsection.dataset.folds import Fold
from thinsection.settings import ComputeSettings, Precision

GROWS_TIMES, GROWS_EPOCHS = 100, 3  # a diverging loss (stop_if_diverging)


def prepare_device(settings: ComputeSettings) -> torch.device:
    """
    The device that trains, set up so that equal runs give equal numbers on it.

    Raises
    ------
    InputError
        If this machine or this PyTorch doesn't have the device given in params.yaml.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if settings.device == "auto":
        # Apple's GPUs lack deterministic versions of the operations used: only on request
        chosen = "cuda" if available["cuda"] else "cpu"
    elif available[settings.device]:
        chosen = settings.device
    else:
        has = ", ".join(name for name, here in available.items() if here)
        raise InputError(
            f"params.yaml: compute.device is {settings.device!r}, which PyTorch {torch.__version__} "
            f"doesn't find here; allowed on this machine: auto, {has}."
        )
    torch.set_num_threads(settings.threads or n_cores())
    # cuBLAS is deterministic only with a workspace of fixed size
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(mode=True, warn_only=chosen == "mps")
    # this mode also fills new memory with NaN, to find code that reads it; no layer of PyTorch does
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    return torch.device(chosen)


def make_optimiser(
    parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """
    Adam with decoupled weight decay (Loshchilov and Hutter 2019), one kernel for all weights.

    The kernel would copy a parameter that is not contiguous, such as a convolution's weights with
    channels last, back and forth at every step. Instead it gets a view of such a parameter with the
    axes in memory order. The gradient is moved to the view as soon as it is complete, so call
    ``backward`` once per step; it leaves no ``grad`` at the parameter.
    """
    return torch.optim.AdamW(
        [_as_stored(parameter) for parameter in parameters],
        lr=learning_rate,
        weight_decay=weight_decay,
        fused=True,
    )


def _as_stored(parameter: nn.Parameter) -> Tensor:
    if parameter.is_contiguous():
        return parameter
    order = sorted(range(parameter.ndim), key=parameter.stride().__getitem__, reverse=True)
    stored = parameter.detach().permute(order)

    def hand_over(parameter: Tensor) -> None:
        assert parameter.grad is not None
        stored.grad, parameter.grad = parameter.grad.permute(order), None

    parameter.register_post_accumulate_grad_hook(hand_over)
    return stored


def equal_batches(n: int, n_steps: int, rng: torch.Generator) -> list[Tensor]:
    """0..n-1, shuffled and cut into ``n_steps`` batches whose sizes differ by one at most."""
    return list(torch.tensor_split(torch.randperm(n, generator=rng), n_steps))


def mixed_precision(device: torch.device, wanted: Precision) -> AbstractContextManager[object]:
    """
    The block in which a network on photos computes its logits, in the precision of ``precision_of``.

    Weights, loss, optimiser and held-out predictions stay float32. bfloat16 has the range of float32,
    so the loss needs no scaling.
    """
    if precision_of(device, wanted) == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def precision_of(device: torch.device, wanted: Precision) -> str:
    """
    ``float32`` or ``bfloat16``, as wanted; ``auto`` is bfloat16 where the device has units for it.

    The choice depends on the device alone, never on a timing, which could differ from run to run
    and change the results.
    """
    if wanted != "auto":
        return wanted
    return "bfloat16" if multiplies_bfloat16(device) else "float32"


def multiplies_bfloat16(device: torch.device) -> bool:
    """
    Whether the device has units for products of matrices in bfloat16.

    Of x86 processors that means AMX: those with AVX512_BF16 alone train small networks no faster in
    bfloat16 (docs/training.md).
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    found = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return bool(found.get("amx_tile") and found.get("amx_bf16"))


def stop_if_diverging(
    losses: list[float],
    n_classes: int,
    model: str,
    section: str,
    fold: Fold,
    learning_rate: float,
) -> None:
    """
    Stop a training whose loss is no longer finite, or diverges.

    Diverges: for GROWS_EPOCHS consecutive epochs it is above GROWS_TIMES the loss of guessing
    among the classes, ln(n_classes). No network that still learns is so confidently wrong for so
    long.

    Parameters
    ----------
    losses : mean training loss of every epoch so far
    section : of params.yaml with its learning rate

    Raises
    ------
    InputError
        With the model, fold, epoch and learning rate, and what to try.
    """
    bound = GROWS_TIMES * math.log(max(n_classes, 2))
    recent = losses[-GROWS_EPOCHS:]
    if not math.isfinite(losses[-1]):
        wrong = "it must stay finite"
    elif len(recent) == GROWS_EPOCHS and min(recent) > bound:
        wrong = f"for {GROWS_EPOCHS} epochs above {bound:.0f}, {GROWS_TIMES} times that of guessing"
    else:
        return
    raise InputError(
        f"{model}, repeat {fold.repeat}, fold {fold.fold}, epoch {len(losses)}: the training loss is "
        f"{losses[-1]:.6g} at learning rate {learning_rate:g}; {wrong}. Lower "
        f"{section}.learning_rate in params.yaml, for example to {learning_rate / 10:g}."
    )


@contextmanager
def explain_out_of_memory(
    model: str, section: str, batch_size: int, smaller: str
) -> Iterator[None]:
    """
    Turn a lack of memory, of the device or the machine, into an error that says what to lower.

    Parameters
    ----------
    section : of params.yaml with its batch size
    smaller : other entries of params.yaml that need less memory when lowered

    Raises
    ------
    InputError
        Instead of PyTorch's and NumPy's own errors.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        of_device = isinstance(error, torch.OutOfMemoryError)
        if not (of_device or isinstance(error, MemoryError) or "allocate memory" in str(error)):
            raise
        lower = (
            f"{section}.batch_size, for example to {batch_size // 2}, or " if batch_size > 3 else ""
        )
        raise InputError(
            f"{model}: the memory of the {'GPU' if of_device else 'machine'} is too small for "
            f"{section}.batch_size {batch_size} ({' '.join(str(error).split())[:160]}). Lower {lower}"
            f"{smaller} in params.yaml."
        ) from None
