"""Variants of photos. The geometry is one matrix per photo and one resampling per batch."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from thinsection.base.arrays import Bytes, Ints
from thinsection.base.seeds import torch_generator
from thinsection.settings import OperatorSettings

CHUNK = 64  # photos at a time, for stored variants


def draw_variants(
    photos: Tensor,
    operators: OperatorSettings,
    rng: torch.Generator,
    sample_of: Tensor | None = None,
) -> Tensor:
    """
    One variant of each photo: flips, rotation, zoom, scale, crop and shift, then noise.

    The operators are those of Dell'Aversana (2021). Areas from beyond the edge are filled with
    the reflected photo.

    Parameters
    ----------
    photos : (B, 3, H, W) float, 0..1, on any device
    operators : ranges of the operators
    rng : generator on the CPU, so that the geometry is the same on every device
    sample_of : (B,) int64, on the CPU, the sample of each photo, numbered from 0: photos of one move
        alike. None: each photo moves by itself.

    Returns
    -------
    variants : (B, 3, H, W) float, 0..1
    """
    n, _, height, width = photos.shape
    n_samples = n if sample_of is None else int(sample_of.max()) + 1
    matrices = draw_matrices(n_samples, height / width, operators, rng)
    if sample_of is not None:
        matrices = matrices[sample_of]
    return _moved(photos, matrices, operators, rng)


def _moved(
    photos: Tensor, matrices: Tensor, operators: OperatorSettings, rng: torch.Generator
) -> Tensor:
    """The photos, each resampled by its matrix (B, 2, 3), with noise."""
    matrices = matrices.to(photos)
    grid = affine_grid(matrices, list(photos.shape), align_corners=False)
    variants = grid_sample(photos, grid, "bilinear", "reflection", align_corners=False)
    if operators.noise:
        variants = variants + operators.noise * _noise(photos, rng)
    return variants.clamp(0, 1)


def _noise(like: Tensor, rng: torch.Generator) -> Tensor:
    """Normal numbers in the shape of ``like``, drawn on its device to avoid copying them."""
    if like.device.type == "cpu":
        return torch.randn(like.shape, generator=rng).to(like)
    seed = int(torch.randint(2**62, (), generator=rng))
    there = torch.Generator(like.device).manual_seed(seed)
    return torch.randn(like.shape, generator=there, device=like.device, dtype=like.dtype)


def draw_matrices(
    n: int, aspect: float, operators: OperatorSettings, rng: torch.Generator
) -> Tensor:
    """
    The affine map from each variant to its photo.

    Parameters
    ----------
    aspect : height / width of the photos, so that a rotation does not shear them

    Returns
    -------
    matrices : (n, 2, 3) float, from a variant's coordinates to its photo's, both -1..1 along
        each side, as for ``torch.nn.functional.affine_grid``
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
    if operators.turns == "quarter":
        angle = (angle / (torch.pi / 2)).round() * (torch.pi / 2)
    magnified = (1 + uniform(n, 1) * operators.zoom) * (1 + uniform(n, 2) * operators.scale)
    kept = 1 - torch.rand(n, 2, generator=rng) * operators.crop  # share of each side, (x, y)
    # a crop may be anywhere in the photo; a shift is a share of a side, whose length is 2 here
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
    sample_of: Ints | None = None,
) -> tuple[Iterator[Bytes], pd.DataFrame]:
    """
    Variants that are made once and stored, for classifiers that make none while training.

    Parameters
    ----------
    pixels : (n_photos, H, W, 3) uint8
    n_variants : of each photo
    sample_of : (n_photos,) which sample each photo shows: those of one sample move alike. None: each
        photo is a sample of its own.

    Returns
    -------
    chunks : arrays (n, H, W, 3) uint8, together the rows of ``table``, in order
    table : tables.VARIANTS: the first variant of every photo, then the second, ...
    """
    rows = [(f"{photo_id}#{k}", photo_id) for k in range(n_variants) for photo_id in photo_ids]

    def chunks() -> Iterator[Bytes]:
        for k in range(n_variants):
            rng = torch_generator(seed, "augment", k)
            moves = None
            if sample_of is not None:
                aspect = pixels.shape[1] / pixels.shape[2]
                moves = draw_matrices(int(sample_of.max()) + 1, aspect, operators, rng)[sample_of]
            for start in range(0, len(pixels), CHUNK):
                photos = as_batch(pixels[start : start + CHUNK])
                if moves is None:
                    yield as_photos(draw_variants(photos, operators, rng))
                else:
                    own = moves[start : start + CHUNK]
                    yield as_photos(_moved(photos, own, operators, rng))

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
