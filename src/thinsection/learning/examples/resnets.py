"""torchvision's ResNets, with any build of PyTorch and any source of weights."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from thinsection.base.errors import InputError
from thinsection.learning.examples.weights import load_all_but_last, read_weights

if TYPE_CHECKING:
    from torchvision.models import ResNet


def torchvision_models() -> ModuleType:
    """
    ``torchvision.models``, even if torchvision was built for another PyTorch.

    The package index has torchvision built against CUDA PyTorch only. With a CPU-only
    PyTorch its compiled operators don't load, and the import fails because it registers
    shapes for undeclared operators: "operator torchvision::nms does not exist".
    The ResNets use none of them, so declaring their schemas is enough. This is
    done only after that particular failure: if the real operators load, nothing is changed.
    """
    try:
        return import_module("torchvision.models")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]  # partly imported
    torch.library.define(
        "torchvision::nms", "(Tensor dets, Tensor scores, float threshold) -> Tensor"
    )
    torch.library.define(
        "torchvision::qnms", "(Tensor dets, Tensor scores, float threshold) -> Tensor"
    )
    return import_module("torchvision.models")


def build_resnet(depth: int, weights: str, n_classes: int, shortcuts: bool = True) -> "ResNet":
    """
    torchvision's ResNet, with a last layer for ``n_classes``.

    A new network draws its weights from PyTorch's global generator: seed it before
    (``seeds.torch_seeded``). The last normalisation of every residual block starts at zero, so
    the block starts as the identity (Goyal et al. 2017, section 5.1; torchvision's own option).
    Otherwise 152 layers learn nothing in the few steps of a small data set and a short run.
    With given weights only the last layer is new.

    Parameters
    ----------
    depth : 18 | 34 | 50 | 101 | 152
    weights : none | imagenet | path of a file of weights (.pth, or .safetensors)
    shortcuts : False: the plain network of the same layers (He et al. 2016, section 3.3), where nothing
        passes a block by; then the last normalisations start at one, for a block at zero would end all
        signals

    Raises
    ------
    InputError
        If the weights don't exist, can't be downloaded, or belong to another network.
    """
    models = torchvision_models()
    network: ResNet = getattr(models, f"resnet{depth}")(
        num_classes=n_classes, zero_init_residual=shortcuts
    )
    if not shortcuts:
        for block in network.modules():
            if hasattr(block, "downsample"):
                block.downsample = None
                block.__class__ = PlainBlock  # its contents stay the same
    if weights != "none":
        state = _imagenet_state(models, depth) if weights == "imagenet" else read_weights(weights)
        load_all_but_last(network, state, f"ResNet-{depth}", weights, last="fc.")
    return network


class PlainBlock(nn.Module):
    """The layers of a block of torchvision's ResNets, whose input is not added to what they give."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width), before and after."""
        for place in range(1, 4 if hasattr(self, "conv3") else 3):
            x = self.get_submodule(f"conv{place}")(x)
            x = relu(self.get_submodule(f"bn{place}")(x))
        return x


def _imagenet_state(models: ModuleType, depth: int) -> dict[str, torch.Tensor]:
    chosen = models.get_model_weights(f"resnet{depth}").DEFAULT
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(chosen.url).name
    try:
        state: dict[str, torch.Tensor] = chosen.get_state_dict(progress=True, check_hash=True)
        return state
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"weights are 'imagenet', but torchvision can't download its weights of ResNet-{depth} "
            f"({type(error).__name__}: {error}). Download {chosen.url} on a machine with a network "
            f"connection and place the file at {file}, or give its path instead of imagenet."
        ) from None
