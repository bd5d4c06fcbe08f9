"""Weights of networks from files, and whether they fit a network."""

from pathlib import Path

import torch
from torch import Tensor, nn

from thinsection.base.errors import InputError


def read_weights(file: str | Path) -> dict[str, Tensor]:
    """
    The state dictionary in a file (.pth, or .safetensors), on the CPU. Nothing in it is executed.

    Raises
    ------
    InputError
        If there is no such file, or it holds something else.
    """
    path = Path(file)
    if not path.is_file():
        raise InputError(
            f"weights are {str(file)!r}: no such file. Give the path of a file of weights (.pth, "
            ".safetensors), or one of the words that params.yaml lists beside this entry."
        )
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.contiguous() for name, tensor in state.items()}
    except Exception as error:
        raise InputError(
            f"weights file {path}: can't be read as weights ({type(error).__name__}). Allowed: a "
            "state dictionary saved by torch.save, or a .safetensors file."
        ) from None


def load_all_but_last(
    network: nn.Module, state: dict[str, Tensor], name: str, weights: str, last: str
) -> None:
    """
    Load weights into a network, apart from its last layer, whose classes may be others.

    Parameters
    ----------
    name, weights : the network and its weights, for the message
    last : how the names of the last layer's entries begin, e.g. ``fc.``

    Raises
    ------
    InputError
        If any other entry is missing, unknown or of another shape.
    """
    given = {key: value for key, value in state.items() if not key.startswith(last)}
    own = {k: v.shape for k, v in network.state_dict().items() if not k.startswith(last)}
    wrong = sorted(
        k for k in own.keys() | given.keys() if getattr(given.get(k), "shape", None) != own.get(k)
    )
    if wrong:
        raise InputError(
            f"weights {weights!r} are not those of {name}: {len(wrong)} of {len(own)} entries are "
            f"missing, unknown or of another shape, first {wrong[0]}. Provide weights of {name}."
        )
    network.load_state_dict(given, strict=False)
