"""Grad-CAM: captum's against the formula, on a small ResNet."""

import numpy as np
import pytest
import torch
from torch import nn

from thinsection.base.arrays import Floats
from thinsection.families.resnet.training import STAGES
from thinsection.learning.examples.resnets import build_resnet
from thinsection.learning.gradcam import grad_cam_maps

pytest.importorskip("captum")


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = build_resnet(18, "none", 3)
    return network.eval()


def by_formula(network: nn.Module, layer: nn.Module, photo: torch.Tensor) -> Floats:
    """ReLU of the activations weighted by the mean gradient of the named class's logit."""
    kept: dict[str, torch.Tensor] = {}

    def keep(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        output.retain_grad()
        kept["activations"] = output

    hook = layer.register_forward_hook(keep)
    logits = network(photo)
    logits[0, logits.argmax()].backward()
    hook.remove()
    gradient = kept["activations"].grad
    assert gradient is not None
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return torch.relu((weights * kept["activations"]).sum(dim=1))[0].detach().numpy()


def stages_of(network: nn.Module) -> list[nn.Module]:
    return [network.get_submodule(name) for name in STAGES]


def test_maps_are_the_formulas(network: nn.Module) -> None:
    photos = torch.rand(2, 3, 64, 96)
    maps = grad_cam_maps(network, stages_of(network), zip(photos.split(1), strict=True))
    # 64 x 96 leaves 2 x 3 cells in layer4, 4 x 6 in layer3: the first with four each way.
    assert maps.shape == (2, 4, 6)
    assert maps.dtype == np.uint8
    expected = by_formula(network, network.get_submodule("layer3"), photos[:1])
    assert maps[0] / 255 == pytest.approx(expected / expected.max(), abs=0.003)
    assert (maps.max(axis=(1, 2)) == 255).all()


def test_large_photos_use_the_last_stage(network: nn.Module) -> None:
    assert grad_cam_maps(network, stages_of(network), [(torch.rand(1, 3, 160, 224),)]).shape == (
        1,
        5,
        7,
    )
