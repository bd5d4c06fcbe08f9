"""The source of all random numbers: a seed and the name of their purpose."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """
    An independent NumPy generator for one purpose.

    ``generator(7, "split", 0)`` gives the same numbers in every run and on every machine, and
    they are independent of those of ``generator(7, "split", 1)``.

    Parameters
    ----------
    seed : the ``seed`` of params.yaml
    purpose : names and numbers, e.g. stage, model, repeat, fold

    Examples
    --------
    >>> drawn = generator(7, "split", 0).random(4)
    >>> bool((drawn == generator(7, "split", 0).random(4)).all())
    True
    >>> bool((drawn == generator(7, "split", 1).random(4)).any())
    False
    """
    return np.random.default_rng(_entropy(seed, purpose))


def torch_generator(seed: int, *purpose: str | int) -> "torch.Generator":
    """The same for PyTorch: a generator on the CPU, whichever device trains."""
    import torch

    return torch.Generator().manual_seed(_entropy(seed, purpose) % 2**63)


@contextmanager
def torch_seeded(seed: int, *purpose: str | int) -> Iterator[None]:
    """Seed PyTorch's global generators inside the block, for code that takes no generator."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(_entropy(seed, purpose) % 2**63)
        yield


def _entropy(seed: int, purpose: tuple[str | int, ...]) -> int:
    text = "\x1f".join([str(seed), *(f"{type(part).__name__}:{part}" for part in purpose)])
    return int.from_bytes(sha256(text.encode()).digest()[:16], "little")
