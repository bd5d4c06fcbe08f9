"""Grad-CAM: where a network looked when it classified a photo."""

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from thinsection.base.arrays import Bytes

LEAST_CELLS = 4  # a map with fewer cells per side only says "left" or "right"


def grad_cam_maps(
    network: nn.Module, stages: Sequence[nn.Module], batches: Iterable[tuple[Tensor, ...]]
) -> Bytes:
    """
    A map for each photo of the areas that support the predicted class.

    Grad-CAM (Selvaraju et al. 2017, ICCV, 618-626) by captum, at the deepest stage whose map
    has at least four cells per side; with small photos the last stage has only two or three.

    Parameters
    ----------
    network : returns logits, of photos (B, n_classes), or of samples (n, n_classes)
    stages : parts of it whose outputs are maps (B, C, h, w), the deepest first
    batches : what the network takes, a few photos at a time, on its device: (B, 3, H, W) float32,
        and for samples the weights (n, n_slots, B)

    Returns
    -------
    maps : (n, h, w) uint8, each scaled to its own highest value; all 0 if no area supports
        the class, in a network on samples that of the photo's sample
    """
    from captum.attr import LayerGradCam

    network.eval()
    cam: LayerGradCam | None = None
    maps = []
    for photos, *weights in batches:
        cam = cam or LayerGradCam(network, _deep_enough(network, stages, photos, *weights))
        with torch.no_grad():
            named = network(photos, *weights).argmax(dim=1)
        spoke = cam.attribute(
            photos,
            target=named,
            additional_forward_args=tuple(weights) or None,
            relu_attributions=True,
        )
        maps.append(spoke.detach()[:, 0].cpu().numpy())
    whole = np.concatenate(maps)
    highest = whole.max(axis=(1, 2), keepdims=True)
    return np.rint(255 * whole / np.where(highest > 0, highest, 1)).astype(np.uint8)


def _deep_enough(network: nn.Module, stages: Sequence[nn.Module], *given: Tensor) -> nn.Module:
    """The deepest stage whose output has enough cells per side for this size of photo."""
    sizes: dict[int, int] = {}

    def note(place: int, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        sizes[place] = min(output.shape[-2:])

    hooks = [
        stage.register_forward_hook(partial(note, place)) for place, stage in enumerate(stages)
    ]
    with torch.no_grad():
        network(*given)
    for hook in hooks:
        hook.remove()
    places = (place for place in range(len(stages)) if sizes[place] >= LEAST_CELLS)
    return stages[next(places, -1)]
