"""Pretrained networks without their last layer, by name: from photos to vectors."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from thinsection.base.errors import InputError
from thinsection.learning.examples import packaged
from thinsection.learning.examples.resnets import build_resnet, torchvision_models
from thinsection.learning.examples.weights import load_all_but_last, read_weights
from thinsection.settings import RESNET, TIMM, BackboneSettings

OURS = ("pretrained", packaged.THIN_SECTIONS)  # weights that are there without a network
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
Colour = tuple[float, float, float]


class Standardised(nn.Module):
    """A network that takes photos, 0..1, and standardises their colours itself."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        # channels last, the fastest layout for convolutions of small photos
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.register_buffer("mean", mean.view(3, 1, 1))
        self.register_buffer("std", std.view(3, 1, 1))

    def forward(self, photos: Tensor) -> Tensor:
        """(B, 3, H, W), 0..1, to logits (B, n_classes), or vectors (B, n_features)."""
        standardised = (photos - self.mean) / self.std
        found: Tensor = self.network(standardised.contiguous(memory_format=torch.channels_last))
        return found


def build_backbone(settings: BackboneSettings) -> Standardised:
    """
    The pretrained network of ``settings.backbone``: photos (B, 3, H, W), 0..1, to (B, n_features).

    Raises
    ------
    InputError
        If there is no such network, or its weights are missing, can't be downloaded, or belong to
        another network.
    """
    name, weights = settings.backbone, settings.weights
    if name in packaged.PACKAGES:
        network = packaged.build_packaged(name, weights)
        mean, std = (packaged.MEAN,) * 3, (packaged.STD,) * 3
    elif name.startswith(RESNET):
        source = "imagenet" if weights == "pretrained" else weights
        resnet = build_resnet(int(name.removeprefix(RESNET)), source, n_classes=1)
        resnet.fc = nn.Identity()
        network, mean, std = resnet, IMAGENET_MEAN, IMAGENET_STD
    else:
        network, mean, std = _of_timm(name.removeprefix(TIMM), weights)
    return Standardised(network, torch.tensor(mean), torch.tensor(std))


def check_backbone(settings: BackboneSettings) -> None:
    """
    Raise before any training what ``build_backbone`` would raise then.

    Weights that have to be downloaded are downloaded here.

    Raises
    ------
    InputError
        As ``build_backbone``.
    """
    if settings.backbone in packaged.PACKAGES and settings.weights in OURS:
        # without loading PyTorch's models
        packaged.packaged_file(settings.backbone, settings.weights)
    else:
        build_backbone(settings)


def name_and_licence(settings: BackboneSettings) -> str:
    """What is to be said in a model that contains these weights."""
    name = settings.backbone
    if name == "lite0" and settings.weights == packaged.THIN_SECTIONS:
        return (
            f"lite0, trained on ImageNet and on rendered thin sections; {packaged.LICENCE}, further "
            "trained by thinsection, MIT"
        )
    if settings.weights != "pretrained":
        return f"{name}, from the file {Path(settings.weights).name}, whose licence is its owner's"
    if name in packaged.PACKAGES:
        return f"{name}, trained on ImageNet; {packaged.LICENCE}"
    return f"{name}, trained as its source says, whose licence holds"


def _of_timm(name: str, weights: str) -> tuple[nn.Module, Colour, Colour]:
    """A network of timm, with the mean and the spread of the colours that it was trained on."""
    torchvision_models()  # timm imports torchvision, which needs help with some builds of PyTorch
    import timm

    known = timm.list_models()
    if name.partition(".")[0] not in known:
        close = get_close_matches(name, known, n=3)
        nearest = f" The nearest names: {', '.join(close)}." if close else ""
        raise InputError(
            f"backbone timm:{name}: timm {timm.__version__} has no network of this name.{nearest} "
            "`python -c 'import timm; print(timm.list_models())'` lists all."
        )
    network: nn.Module
    if weights == "pretrained":
        network = _downloaded(name)
    else:
        network = timm.create_model(name, pretrained=False)
        last = f"{_facts(network).get('classifier', 'fc')}."
        load_all_but_last(network, read_weights(weights), f"timm's {name}", weights, last)
        cast(Any, network).reset_classifier(0)
    mean, std = (_facts(network)[name] for name in ("mean", "std"))
    return network, tuple(mean), tuple(std)


def _facts(network: nn.Module) -> dict[str, Any]:
    """What timm knows of the pretrained weights of a network."""
    return dict(cast(Any, network).pretrained_cfg)


def _downloaded(name: str) -> nn.Module:
    import timm

    if not timm.is_model_pretrained(name):
        raise InputError(
            f"backbone timm:{name}: timm {timm.__version__} has no pretrained weights of it. Give "
            "the path of a file of its weights as `weights`, or choose another network."
        )
    try:
        network: nn.Module = timm.create_model(name, pretrained=True, num_classes=0)
        return network
    except Exception as error:  # of the hub, its client, and the connection: dozens of types
        place = Path(torch.hub.get_dir()) / "checkpoints"
        raise InputError(
            f"backbone timm:{name}: its weights can't be downloaded "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]}). Download them on a "
            f"machine with a network connection and give the path of the file as `weights`, or take "
            f"lite0, which needs no network. Weights once downloaded stay in {place} or in the "
            "cache of huggingface_hub."
        ) from None
