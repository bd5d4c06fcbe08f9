"""Multi-task training of a backbone on rendered fields: mineral, light, and what is where."""

import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import (
    adaptive_avg_pool2d,
    affine_grid,
    binary_cross_entropy_with_logits,
    cross_entropy,
    grid_sample,
    log_softmax,
    one_hot,
)

from thinsection.base.seeds import torch_generator, torch_seeded
from thinsection.console.progress import progress
from thinsection.learning.examples.augment import draw_matrices
from thinsection.learning.examples.backbones import Standardised, build_backbone
from thinsection.learning.examples.resnets import torchvision_models
from thinsection.learning.training import mixed_precision
from thinsection.pretrain.rendered import Fields
from thinsection.pretrain.settings import LearningSettings
from thinsection.render.texture import SPECIES
from thinsection.settings import BackboneSettings, OperatorSettings

BACKBONE = "lite0"
LIGHT_WEIGHT, MAP_WEIGHT, EDGE_WEIGHT = 0.3, 1.0, 0.5  # of the losses, beside that of the mineral
WARM = 0.1  # share of the training in which the learning rate rises


class MultiTask(nn.Module):
    """
    A backbone with a head for each task.

    Parameters
    ----------
    backbone : as ``build_backbone`` returns it, with a network of timm
    """

    def __init__(self, backbone: Standardised) -> None:
        super().__init__()
        self.backbone = backbone
        n = int(cast(Any, backbone.network).num_features)
        self.mineral, self.light = nn.Linear(n, len(SPECIES)), nn.Linear(n, 2)
        self.minerals, self.edges = nn.Conv2d(n, len(SPECIES), 1), nn.Conv2d(n, 1, 1)

    def forward(self, photos: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """
        (B, 3, h, w), 0..1, to logits of mineral, light, and of each cell's minerals and edges.

        Cells are those of the backbone's last map, (h / 32, w / 32).
        """
        network: Any = self.backbone.network
        standardised = (photos - self.backbone.mean) / self.backbone.std
        maps = network.forward_features(standardised.contiguous(memory_format=torch.channels_last))
        pooled = network.forward_head(maps)
        return self.mineral(pooled), self.light(pooled), self.minerals(maps), self.edges(maps)


def targets(minerals: Tensor, cells: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """
    What the dense heads should say: the share of each mineral in a cell, and of grain boundaries.

    Parameters
    ----------
    minerals : (B, h, w) int64, places in SPECIES
    cells : of the backbone's last map

    Returns
    -------
    shares : (B, n_species, *cells), sum to 1
    edges : (B, 1, *cells), share of pixels next to another mineral
    """
    shares = adaptive_avg_pool2d(one_hot(minerals, len(SPECIES)).permute(0, 3, 1, 2).float(), cells)
    edge = torch.zeros_like(minerals, dtype=torch.float32)
    edge[:, :, 1:] += minerals[:, :, 1:] != minerals[:, :, :-1]
    edge[:, 1:] += minerals[:, 1:] != minerals[:, :-1]
    return shares, adaptive_avg_pool2d(edge.clamp(max=1)[:, None], cells)


def draw_batch(
    photos: Tensor, minerals: Tensor, settings: LearningSettings, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """
    Variants of photos and of their mineral maps: turned, mirrored, zoomed, otherwise lit.

    Parameters
    ----------
    photos : (B, 3, H, W) float, 0..1; minerals : (B, H', W') uint8, on the same device

    Returns
    -------
    (B, 3, height, width) and (B, height / 2, width / 2) int64
    """
    n, _, high, wide = photos.shape
    operators = OperatorSettings(
        flip_horizontal=True, flip_vertical=True, rotation_deg=180, turns="any", zoom=0.0,
        scale=0.05, crop=0.0, shift=0.0, noise=0.0,
    )  # fmt: skip
    matrices = draw_matrices(n, high / wide, operators, rng)
    kept = settings.least_zoom + (1 - settings.least_zoom) * torch.rand(n, 1, generator=rng)
    centre = (torch.rand(n, 2, generator=rng) * 2 - 1) * (1 - kept)
    matrices = torch.cat([matrices[:, :, :2] * kept[:, :, None], centre[:, :, None]], 2).to(photos)
    size = settings.height, settings.width
    grid = affine_grid(matrices, [n, 3, *size], align_corners=False)
    seen = grid_sample(photos, grid, "bilinear", "reflection", align_corners=False)
    small = affine_grid(matrices, [n, 1, size[0] // 2, size[1] // 2], align_corners=False)
    there = grid_sample(
        minerals[:, None].float(), small, "nearest", "reflection", align_corners=False
    )

    def drawn(low: float, high: float, *shape: int) -> Tensor:
        return (low + (high - low) * torch.rand(n, *shape, generator=rng)).to(photos)

    seen = seen * drawn(0.6, 1.6, 1, 1, 1) * drawn(0.88, 1.14, 3, 1, 1)
    grey = seen.mean(dim=1, keepdim=True)
    seen = grey + drawn(0.6, 1.2, 1, 1, 1) * (seen - grey)
    seen = seen.clamp(1e-4, 1) ** drawn(0.75, 1.3, 1, 1, 1)
    return seen, there[:, 0].long()


def pretrain(
    start: str, fields: Fields, settings: LearningSettings, seed: int, device: torch.device
) -> tuple[Standardised, list[dict[str, float]]]:
    """
    A backbone trained on rendered fields.

    The learning rate rises and falls with the share of the training that is done, by epochs or by
    the clock, whichever is further.

    Parameters
    ----------
    start : scratch | imagenet

    Returns
    -------
    backbone : on the CPU
    history : for each epoch the mean loss and the share of photos whose mineral was right
    """
    with torch_seeded(seed, "pretrain", start):
        backbone = _backbone(start, settings)
        network = MultiTask(backbone).to(device)
    rate = settings.scratch_rate if start == "scratch" else settings.imagenet_rate
    rng = torch_generator(seed, "pretrain", start, "batches")
    optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=settings.weight_decay)
    rows = np.stack(np.unravel_index(np.arange(2 * len(fields.labels)), (len(fields.labels), 2)), 1)
    photos, minerals = _there(fields, device)
    labels = torch.tensor(np.array(fields.labels), device=device)
    n_steps = -(-len(rows) // settings.batch_size)
    began, history, step = time.monotonic(), [], 0
    with progress(f"from {start}", settings.epochs) as shown:
        for epoch in range(settings.epochs):
            network.train()
            total = torch.zeros(2, device=device)
            for chosen in torch.randperm(len(rows), generator=rng).tensor_split(n_steps):
                done = max(
                    step / (n_steps * settings.epochs),
                    (time.monotonic() - began) / (60 * settings.minutes),
                )
                if done >= 1:
                    break
                for group in optimiser.param_groups:
                    group["lr"] = rate * _share_of_rate(done)
                field, light = rows[chosen.numpy()].T
                at, lit = torch.from_numpy(field).to(device), torch.from_numpy(light).to(device)
                given = photos[at, lit].permute(0, 3, 1, 2).float() / 255
                seen, there = draw_batch(given, minerals[at], settings, rng)
                with mixed_precision(device, settings.precision):
                    mineral, of_light, dense, edges = network(seen)
                shares, boundary = targets(there, (dense.shape[2], dense.shape[3]))
                loss = (
                    cross_entropy(mineral.float(), labels[at])
                    + LIGHT_WEIGHT * cross_entropy(of_light.float(), lit)
                    - MAP_WEIGHT * (shares * log_softmax(dense.float(), 1)).sum(1).mean()
                    + EDGE_WEIGHT * binary_cross_entropy_with_logits(edges.float(), boundary)
                )
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                right = (mineral.argmax(1) == labels[at]).sum()
                total += torch.stack([loss.detach() * len(at), right])
                step += 1
            loss_, right_ = (total / len(rows)).tolist()
            history.append({"epoch": epoch + 1, "loss": loss_, "accuracy": right_})
            shown.advance(f"epoch {epoch + 1}, loss {loss_:.3f}, accuracy {right_:.3f}")
            if done >= 1:
                break
    return backbone.cpu().eval(), history


def imagenet_backbone(settings: LearningSettings) -> Standardised:
    """The backbone with the weights of ImageNet."""
    size = {"height": settings.height, "width": settings.width}
    return build_backbone(BackboneSettings(backbone=BACKBONE, weights="pretrained", **size))


def _backbone(start: str, settings: LearningSettings) -> Standardised:
    found = imagenet_backbone(settings)
    if start == "scratch":
        torchvision_models()  # timm imports torchvision, which needs help with some builds of PyTorch
        import timm

        fresh: Any = timm.create_model(f"tf_efficientnet_{BACKBONE}", pretrained=False)
        fresh.reset_classifier(0)
        found = Standardised(fresh, found.mean, found.std)
    return found


def _share_of_rate(done: float) -> float:
    """Of the greatest learning rate, after a share of the training: a rise, then half a cosine."""
    if done < WARM:
        return done / WARM
    return float((1 + np.cos(np.pi * (done - WARM) / (1 - WARM))) / 2)


def _there(fields: Fields, device: torch.device) -> tuple[Tensor, Tensor]:
    """The photos and maps as uint8 on the device."""
    found = [torch.from_numpy(np.array(part)) for part in (fields.photos, fields.minerals)]
    return found[0].to(device), found[1].to(device)


def write_backbone(backbone: Standardised, path: Path, beside: Standardised | None = None) -> None:
    """
    Write the weights in half precision, as ``weights: PATH`` of params.yaml reads them.

    Parameters
    ----------
    beside : a second backbone with which the weights are averaged (Wortsman et al. 2022,
        arXiv:2109.01903)
    """
    state = backbone.network.state_dict()
    if beside is not None:
        other = beside.network.state_dict()
        state = {
            name: (each + other[name]) / 2 if each.is_floating_point() else each
            for name, each in state.items()
        }
    kept = {
        name: (each.half() if each.is_floating_point() else each).contiguous()
        for name, each in state.items()
    }
    save_file(kept, path)
