"""The floating-point limit of this machine, beside which the other benchmarks set their figures."""

import time

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def peak_flops(device: str = "cpu", dtype: torch.dtype = torch.float32) -> float:
    """Operations a second of a large matrix product, the best of some."""
    n = 2048 if device == "cpu" else 8192
    a = torch.randn(n, n, device=device, dtype=dtype)
    best = 0.0
    for _ in range(8):
        started = time.perf_counter()
        _ = a @ a
        if device == "cuda":
            torch.cuda.synchronize()
        best = max(best, 2 * n**3 / (time.perf_counter() - started))
    return best


def training_flops(network: nn.Module, photos: Tensor) -> int:
    """Operations of one step, forward and backward, as PyTorch counts them."""
    with FlopCounterMode(display=False) as counter:
        network(photos).sum().backward()
    network.zero_grad()
    return counter.get_total_flops()
