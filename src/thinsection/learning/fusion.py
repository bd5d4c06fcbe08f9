"""Networks on samples: one network for the photos of all lights, and a last layer for each light."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softmax

from thinsection.base.arrays import Floats, Ints
from thinsection.dataset.samples import Lights
from thinsection.learning.examples.embedding import Views
from thinsection.learning.examples.joining import slot_weights

LEFT_OUT = 0.25  # how often a light of a sample that has several is left out of a training step


class LateFusion(nn.Module):
    """
    Logits of samples from vectors of their photos: the mean over the lights in which each is seen.

    Parameters
    ----------
    heads : the last layer of each slot, from a vector to logits
    """

    def __init__(self, heads: Sequence[nn.Module]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)

    def forward(self, vectors: Tensor, weights: Tensor) -> Tensor:
        """
        (..., p, n_values) and (n, n_slots, p) to (..., n, n_classes).

        NaN for a sample without any photo.
        """
        of_slots = weights @ vectors.unsqueeze(-3)  # (..., n, n_slots, n_values)
        named = [head(of_slots[..., slot, :]) for slot, head in enumerate(self.heads)]
        logits = torch.stack(named, dim=-2)
        seen = (weights.sum(dim=-1) > 0).to(logits.dtype)
        mean: Tensor = (logits * seen.unsqueeze(-1)).sum(dim=-2) / seen.sum(dim=-1, keepdim=True)
        return mean


class Fused(nn.Module):
    """
    A network that names samples by all of their photos.

    Parameters
    ----------
    trunk : photos (p, 3, H, W), 0..1, to vectors (p, n_values); the same for all lights
    fusion : vectors (..., p, n_values) and weights (n, n_slots, p) to logits (..., n, n_classes)
    """

    def __init__(self, trunk: nn.Module, fusion: nn.Module) -> None:
        super().__init__()
        self.trunk, self.fusion = trunk, fusion

    def forward(self, photos: Tensor, weights: Tensor) -> Tensor:
        """(p, 3, H, W), 0..1, and (n, n_slots, p), see ``slot_weights``, to (n, n_classes)."""
        logits: Tensor = self.fusion(self.trunk(photos), weights)
        return logits


class Chances(nn.Module):
    """
    Logits of the mean probability over the views of a photo or a sample.

    All photos of a sample are turned alike: the turned stage shows the same place in each light.
    """

    def __init__(self, network: nn.Module, n_views: int) -> None:
        super().__init__()
        self.fusion: nn.Module | None = None
        if isinstance(network, Fused):
            self.views, self.fusion = Views(network.trunk, n_views), network.fusion
        else:
            self.views = Views(nn.Sequential(network, nn.Softmax(dim=1)), n_views)

    def forward(self, photos: Tensor, weights: Tensor | None = None) -> Tensor:
        """(p, 3, H, W), 0..1, and for samples (n, n_slots, p), to (n, n_classes)."""
        if self.fusion is None:
            mean: Tensor = self.views(photos)
        else:
            mean = softmax(self.fusion(self.views.each(photos), weights), dim=-1).mean(dim=0)
        return mean.clamp_min(torch.finfo(mean.dtype).tiny).log()


def drawn_photos(lights: Lights, samples: Ints, rng: torch.Generator) -> Ints:
    """
    The photos that show some samples in one training step: one for each light, at any angle.

    Of a sample that is seen in several lights one is left out with the probability ``LEFT_OUT``, so
    that the network learns to do without.

    Parameters
    ----------
    samples : rows of samples

    Returns
    -------
    photos : rows of photos
    """
    shown = lights.present.copy()
    chances = torch.rand(len(samples), len(lights.names), generator=rng).numpy()
    left_out = (chances * shown[samples]).argmax(axis=1)
    without = torch.rand(len(samples), generator=rng).numpy() < LEFT_OUT
    without &= shown[samples].sum(axis=1) > 1
    shown[samples[without], left_out[without]] = False
    rows = lights.photos_of(samples)
    rows = rows[torch.randperm(len(rows), generator=rng).numpy()]
    rows = rows[shown[lights.sample_of[rows], lights.slot_of[rows]]]
    places = lights.sample_of[rows] * len(lights.names) + lights.slot_of[rows]
    one_each: Ints = rows[np.unique(places, return_index=True)[1]]
    return one_each


def lights_to_judge(lights: Lights) -> tuple[str, ...]:
    """The lights in which samples are judged alone, too: all, where there are several."""
    return lights.names if len(lights.names) > 1 else ()


def weights_to_judge(lights: Lights, samples: Ints, photos: Ints) -> Floats:
    """
    (n_ways * n_samples, n_slots, n_photos): the samples in all lights, then in each light alone.

    One call of a network judges them all, and looks at each photo once. Without
    ``lights_to_judge`` there is one way.
    """
    together = slot_weights(lights, samples, photos)
    only = np.eye(len(lights.names), dtype=np.float32)[:, None, :, None]
    alone = only[: len(lights_to_judge(lights))] * together
    ways = np.concatenate([together[None], alone])
    return ways.reshape(-1, *together.shape[1:])
