"""Grad-CAM: where a ResNet looked when it classified a photo."""

from collections.abc import Iterable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from thinsection.base.arrays import Bytes

LAYERS = ("layer4", "layer3", "layer2")  # of torchvision's ResNets, the deepest first
LEAST_CELLS = 4  # a map with fewer cells per side only says "left" or "right"


def grad_cam_maps(network: nn.Module, stages: nn.Module, batches: Iterable[Tensor]) -> Bytes:
    """
    A map for each photo of the areas that support the predicted class.

    Grad-CAM (Selvaraju et al. 2017, ICCV, 618-626) by captum, at the deepest stage whose map
    has at least four cells per side; with small photos the last stage has only two or three.

    Parameters
    ----------
    network : returns logits (B, n_classes) for photos
    stages : the part of it with torchvision's layer1 .. layer4
    batches : photos, a few at a time, (B, 3, H, W) float32, as the network's input, on its
        device

    Returns
    -------
    maps : (n, h, w) uint8, each scaled to its own highest value; all 0 if no area supports
        the class
    """
    from captum.attr import LayerGradCam

    network.eval()
    cam: LayerGradCam | None = None
    maps = []
    for photos in batches:
        cam = cam or LayerGradCam(network, _deep_enough(network, stages, photos[:1]))
        with torch.no_grad():
            named = network(photos).argmax(dim=1)
        spoke = cam.attribute(photos, target=named, relu_attributions=True)
        maps.append(spoke.detach()[:, 0].cpu().numpy())
    whole = np.concatenate(maps)
    highest = whole.max(axis=(1, 2), keepdims=True)
    return np.rint(255 * whole / np.where(highest > 0, highest, 1)).astype(np.uint8)


def _deep_enough(network: nn.Module, stages: nn.Module, photo: Tensor) -> nn.Module:
    """The deepest stage whose output has enough cells per side for this size of photo."""
    sizes: dict[str, int] = {}

    def note(name: str, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        sizes[name] = min(output.shape[-2:])

    hooks = [
        stages.get_submodule(name).register_forward_hook(partial(note, name)) for name in LAYERS
    ]
    with torch.no_grad():
        network(photo)
    for hook in hooks:
        hook.remove()
    chosen = next((name for name in LAYERS if sizes[name] >= LEAST_CELLS), LAYERS[-1])
    return stages.get_submodule(chosen)
