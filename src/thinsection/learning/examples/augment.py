"""A batch of photos -> variants. All geometry is one matrix a photo and one resampling a batch."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from thinsection.base.arrays import Bytes
from thinsection.base.seeds import torch_generator
from thinsection.settings import OperatorSettings

CHUNK = 64  # photos at a time when variants are made for storage


def draw_variants(photos: Tensor, operators: OperatorSettings, rng: torch.Generator) -> Tensor:
    """
    One variant of each photo: flips, rotation, zoom, scale, crop and shift, then noise.

    The operators are those of Dell'Aversana (2021). What the geometry brings in from beyond
    the edge is the photo mirrored there.

    Parameters
    ----------
    photos : (B, 3, H, W) float, 0..1, on any device
    operators : how far a variant may lie from its photo
    rng : generator on the CPU, so that the geometry is the same whatever device trains

    Returns
    -------
    variants : (B, 3, H, W) float, 0..1
    """
    n, _, height, width = photos.shape
    matrices = draw_matrices(n, height / width, operators, rng).to(photos)
    grid = affine_grid(matrices, list(photos.shape), align_corners=False)
    variants = grid_sample(photos, grid, "bilinear", "reflection", align_corners=False)
    if operators.noise:
        variants = variants + operators.noise * _noise(photos, rng)
    return variants.clamp(0, 1)


def _noise(like: Tensor, rng: torch.Generator) -> Tensor:
    """Normal numbers of ``like``'s shape, drawn where it lies: they are too many to be sent there."""
    if like.device.type == "cpu":
        return torch.randn(like.shape, generator=rng).to(like)
    seed = int(torch.randint(2**62, (), generator=rng))
    there = torch.Generator(like.device).manual_seed(seed)
    return torch.randn(like.shape, generator=there, device=like.device, dtype=like.dtype)


def draw_matrices(
    n: int, aspect: float, operators: OperatorSettings, rng: torch.Generator
) -> Tensor:
    """
    For each variant, where in its photo it looks.

    Parameters
    ----------
    aspect : height / width of the photos; a rotation must not shear them

    Returns
    -------
    matrices : (n, 2, 3) float; from a variant's coordinates to its photo's, both -1..1 along
        each side, as ``torch.nn.functional.affine_grid`` takes them
    """

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=rng) * 2 - 1

    def mirrored(wanted: bool) -> Tensor:
        heads = torch.rand(n, generator=rng) < 0.5
        return torch.where(heads & wanted, -1.0, 1.0)

    mirror = torch.stack(
        [mirrored(operators.flip_horizontal), mirrored(operators.flip_vertical)], 1
    )
    angle = torch.deg2rad(uniform(n) * operators.rotation_deg)
    magnified = (1 + uniform(n, 1) * operators.zoom) * (1 + uniform(n, 2) * operators.scale)
    kept = 1 - torch.rand(n, 2, generator=rng) * operators.crop  # share of each side, (x, y)
    # a crop lies anywhere within the photo; a shift counts in whole sides, which are 2 long here
    centre = uniform(n, 2) * (1 - kept) + uniform(n, 2) * 2 * operators.shift

    cos, sin = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([cos, -sin * aspect, sin / aspect, cos], 1).reshape(n, 2, 2)
    looks = turn * (mirror * kept / magnified)[:, None, :]
    return torch.cat([looks, centre[:, :, None]], 2)


def stored_variants(
    pixels: Bytes,
    photo_ids: list[str],
    operators: OperatorSettings,
    n_variants: int,
    seed: int,
) -> tuple[Iterator[Bytes], pd.DataFrame]:
    """
    Variants made once and kept, for classifiers that don't make fresh ones in training.

    Parameters
    ----------
    pixels : (n_photos, H, W, 3) uint8
    n_variants : of each photo

    Returns
    -------
    chunks : arrays (n, H, W, 3) uint8 that together are the rows of ``table``, in order
    table : tables.VARIANTS, photo by photo within each round
    """
    rows = [(f"{photo_id}#{k}", photo_id) for k in range(n_variants) for photo_id in photo_ids]

    def chunks() -> Iterator[Bytes]:
        for k in range(n_variants):
            rng = torch_generator(seed, "augment", k)
            for start in range(0, len(pixels), CHUNK):
                photos = as_batch(pixels[start : start + CHUNK])
                yield as_photos(draw_variants(photos, operators, rng))

    return chunks(), pd.DataFrame(rows, columns=["variant_id", "photo_id"])


def as_batch(photos: Bytes | Tensor, device: torch.device | None = None) -> Tensor:
    """(n, H, W, 3) uint8 photos as a (n, 3, H, W) float32 batch, 0..1, on a device."""
    if not isinstance(photos, Tensor):
        photos = torch.tensor(np.ascontiguousarray(photos))
    return photos.to(device).permute(0, 3, 1, 2).float() / 255


def as_photos(batch: Tensor) -> Bytes:
    """(n, 3, H, W) float batch, 0..1, as (n, H, W, 3) uint8 photos."""
    rounded = (batch * 255).round().clamp(0, 255).to(torch.uint8)
    return rounded.permute(0, 2, 3, 1).contiguous().cpu().numpy()
