"""Embeddings of photos: the last pooled layer of a pretrained network."""

import numpy as np
import torch
from torch import Tensor, nn

from thinsection.base.arrays import Bytes, Floats
from thinsection.base.cores import n_cores
from thinsection.console.progress import progress
from thinsection.dataset.reduction import reduced
from thinsection.learning.examples.augment import as_batch
from thinsection.learning.examples.backbones import build_backbone
from thinsection.settings import EmbeddingSettings

CHUNK = 16  # photos at a time
N_VIEWS = 8  # four quarter turns, each as it is and mirrored


class Views(nn.Module):
    """
    A network whose output is the mean over the turns and flips of a photo.

    A thin section has no top: the stage is turned, and its photo shows the same mineral.

    Parameters
    ----------
    network : (B, 3, h, w) to (B, n), for any h and w
    n_views : 1, the photo as it is; or 8, four quarter turns, each also mirrored
    """

    def __init__(self, network: nn.Module, n_views: int) -> None:
        super().__init__()
        self.network, self.n_views = network, n_views

    def forward(self, photos: Tensor) -> Tensor:
        """(B, 3, H, W), 0..1, to (B, n)."""
        if self.n_views == 1:
            found: Tensor = self.network(photos)
            return found
        upright, turned = self._upright(photos), self._upright(photos.transpose(2, 3))
        mean: Tensor = (upright.mean(dim=0) + turned.mean(dim=0)) / 2
        return mean

    def each(self, photos: Tensor) -> Tensor:
        """(B, 3, H, W), 0..1, to (n_views, B, n): the output for each view."""
        if self.n_views == 1:
            found: Tensor = self.network(photos)
            return found.unsqueeze(0)
        return torch.cat([self._upright(photos), self._upright(photos.transpose(2, 3))])

    def _upright(self, photos: Tensor) -> Tensor:
        """
        (4, B, n): of the photos as they are, upside down, mirrored, and both.

        The views of one shape go together, so that the network runs twice and not eight times.
        """
        axes: list[list[int]] = [[], [2], [3], [2, 3]]
        views = [photos.flip(flipped) if flipped else photos for flipped in axes]
        found: Tensor = self.network(torch.cat(views))
        return torch.stack(found.chunk(len(views)))


def embedding_network(settings: EmbeddingSettings) -> Views:
    """The network for ``features: embedding``, (B, 3, height, width), 0..1, to (B, n_features)."""
    return Views(build_backbone(settings), settings.views).eval()


def embed(photos: Bytes, settings: EmbeddingSettings) -> Floats:
    """
    (n, n_features) float32: the last pooled layer of a pretrained network, mean over the views.

    Parameters
    ----------
    photos : (n, H, W, 3) uint8
    """
    if not len(photos):  # no weights are asked for that nobody needs
        return np.empty((0, 0), np.float32)
    torch.set_num_threads(n_cores())
    network, parts = embedding_network(settings), []
    with torch.inference_mode(), progress("embedding", -(-len(photos) // CHUNK)) as report:
        for start in range(0, len(photos), CHUNK):
            some = reduced(photos[start : start + CHUNK], settings.height, settings.width)
            parts.append(network(as_batch(some)).numpy())
            report.advance(f"{start + len(some)} of {len(photos)} photos")
    return np.concatenate(parts)
