"""Networks on samples: one network for the photos of all lights, and a last layer for each light."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import softmax

from thinsection.learning.examples.embedding import Views


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
