"""One network for all lights of a sample: a trunk that sees each photo, and a head for each light."""

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softmax

from thinsection.base.arrays import Bools, Floats, Ints
from thinsection.dataset.samples import Lights
from thinsection.learning.examples.backbones import Standardised
from thinsection.learning.examples.joining import slot_weights

SHOWN_ALONE = 0.25  # share of the samples that training shows in one of their lights only


class Fused(nn.Module):
    """
    A network that takes the photos of samples, each in its slot (light).

    The trunk gives the features of each photo. In each slot they are averaged over the sample's photos
    there, and a linear head of the slot gives its logits; those of a sample are the mean over the
    slots in which it is seen. So a sample may be seen in any of them.

    Parameters
    ----------
    trunk : (p, 3, h, w) to (p, n_features)
    heads : one linear layer for each slot, n_features to n_classes
    """

    def __init__(self, trunk: Standardised, heads: list[nn.Linear]) -> None:
        super().__init__()
        self.trunk, self.heads = trunk, nn.ModuleList(heads)

    @property
    def mean(self) -> Tensor:
        """Of the colours, as in ``Standardised``."""
        return self.trunk.mean

    def forward(self, photos: Tensor, weights: Tensor) -> Tensor:
        """
        (p, 3, h, w), 0..1, to logits (n, n_classes).

        Parameters
        ----------
        weights : (n, n_slots, p), which photo shows which sample in which slot
            (``joining.slot_weights``)
        """
        return self.of_features(self.trunk(photos), weights)

    def of_features(self, features: Tensor, weights: Tensor) -> Tensor:
        """The same from the features (p, n_features) that the trunk gives."""
        means = weights @ features.float()  # (n, n_slots, n_features)
        each = [head(means[:, slot]) for slot, head in enumerate(self.heads)]
        seen = (weights.sum(dim=2) > 0).to(means)[..., None]  # (n, n_slots, 1)
        logits: Tensor = (torch.stack(each, dim=1) * seen).sum(dim=1) / seen.sum(dim=1)
        return logits


class InOneSlot(nn.Module):
    """A fused network for single photos that are all in one slot: (B, 3, h, w) to (B, n_classes)."""

    def __init__(self, network: Fused, slot: int) -> None:
        super().__init__()
        self.trunk, self.head = network.trunk, network.heads[slot]

    def forward(self, photos: Tensor) -> Tensor:
        """(B, 3, h, w), 0..1, to logits (B, n_classes)."""
        return cast(Tensor, self.head(self.trunk(photos)))


class FusedChances(nn.Module):
    """
    Logits of the mean probability over the views of a sample; a view turns all its photos alike.

    Parameters
    ----------
    n_views : 1, or 8: four quarter turns, each also mirrored
    """

    def __init__(self, network: Fused, n_views: int) -> None:
        super().__init__()
        self.network, self.n_views = network, n_views

    def forward(self, photos: Tensor, weights: Tensor) -> Tensor:
        """(p, 3, h, w), 0..1, and (n, n_slots, p) to (n, n_classes)."""
        return self.of_features(self.features(photos), weights)

    def features(self, photos: Tensor) -> Tensor:
        """(n_views, p, n_features) of the photos in each view."""
        if self.n_views == 1:
            return cast(Tensor, self.network.trunk(photos))[None]
        axes: list[list[int]] = [[], [2], [3], [2, 3]]
        parts = []
        for upright in (photos, photos.transpose(2, 3)):
            each = [upright.flip(flipped) if flipped else upright for flipped in axes]
            found: Tensor = self.network.trunk(torch.cat(each))
            parts += list(found.chunk(len(each)))
        return torch.stack(parts)

    def of_features(self, features: Tensor, weights: Tensor) -> Tensor:
        """(n_views, p, n_features) and (n, n_slots, p) to (n, n_classes)."""
        each = [softmax(self.network.of_features(view, weights), dim=1) for view in features]
        mean = torch.stack(each).mean(dim=0)
        return mean.clamp_min(torch.finfo(mean.dtype).tiny).log()


def drawn(lights: Lights, samples: Ints, rng: torch.Generator) -> tuple[Ints, Tensor, Tensor]:
    """
    What a training step is shown of some samples: one photo in each slot, of a few in one slot only.

    Parameters
    ----------
    samples : (n,) rows of samples
    rng : decides at which angle each is seen, and which are seen in one slot only

    Returns
    -------
    photos : (p,) rows of photos
    weights : (n, n_slots, p), as ``Fused`` takes them
    shows : (p,) which of the ``samples`` each photo shows, from 0
    """
    chances = torch.rand(len(samples), 2, generator=rng).numpy()
    order = torch.rand(len(lights.sample_of), generator=rng).numpy()
    photos, shows = [], []
    for number, sample in enumerate(samples):
        own = lights.photos_of(np.array([sample]))
        slots = np.flatnonzero(lights.present[sample])
        if len(slots) > 1 and chances[number, 0] < SHOWN_ALONE:
            slots = slots[[int(chances[number, 1] * len(slots))]]
        for slot in slots:
            there = own[lights.slot_of[own] == slot]
            photos.append(there[np.argmin(order[there])])
            shows.append(number)
    rows = np.array(photos, np.int64)
    weights = torch.from_numpy(slot_weights(lights, samples, rows))
    return rows, weights, torch.tensor(shows)


def only(weights: Floats, slot: int) -> tuple[Floats, Bools]:
    """
    The weights with all slots but one hidden, and which samples are seen in it.

    Parameters
    ----------
    weights : (n, n_slots, p)

    Returns
    -------
    weights : (m, n_slots, p) of the samples that are seen in the slot; seen : (n,) bool
    """
    seen = weights[:, slot].sum(axis=1) > 0
    hidden = np.zeros_like(weights[seen])
    hidden[:, slot] = weights[seen][:, slot]
    return hidden, seen
