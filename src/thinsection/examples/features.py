"""Feature vectors of photos, for the classifiers that take vectors, and their files."""

from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from thinsection.base.cores import n_cores
from thinsection.base.errors import InputError
from thinsection.base.files import write_json
from thinsection.base.places import FEATURES
from thinsection.dataset.colour_texture import colour_texture
from thinsection.dataset.packed import Dataset, Variants
from thinsection.dataset.reduction import reduced
from thinsection.settings import EmbeddingSettings

FEW = 200  # up to this many photos, starting workers costs more time than it saves
PHOTOS, VARIANTS = "photos.npy", "variants.npy"


def reduced_pixels(photos: np.ndarray, height: int, width: int) -> np.ndarray:
    """(n, height * width * 3) float32, 0..1: the pixels of (n, H, W, 3) uint8 photos, reduced."""
    return reduced(photos, height, width).reshape(len(photos), -1).astype(np.float32) / 255


def extract(kind: str, photos: np.ndarray, embedding: EmbeddingSettings) -> np.ndarray:
    """
    The feature vector of every photo.

    Nothing here is fitted to the photos, so nothing can leak from one fold to another.

    Parameters
    ----------
    kind : colour_texture | embedding
    photos : (n, H, W, 3) uint8
    embedding : the network, for the kind ``embedding``

    Returns
    -------
    features : (n, n_features) float32
    """
    if kind == "colour_texture":
        workers = n_cores() if len(photos) > FEW else 1
        work = (delayed(colour_texture)(photo) for photo in photos)
        rows = Parallel(workers)(work)
        return np.stack(rows) if rows else np.empty((0, 0), np.float32)
    from thinsection.examples.embedding import (
        embed,
    )  # imports PyTorch, which the other kinds don't need

    return embed(photos, embedding)


def write_features(
    kind: str,
    asked: bool,
    photos: Dataset,
    variants: Variants,
    embedding: EmbeddingSettings,
    folder: Path,
) -> list[str]:
    """
    Write the vectors of a kind that are needed into ``folder``.

    Pixels are never stored, because each family reduces photos to its own size quickly. Colour and
    texture of the photos are always stored, because the report shows similar photos.

    Parameters
    ----------
    kind : pixels | colour_texture | embedding
    asked : whether a family learns from this kind

    Returns
    -------
    What has vectors: ``photos``, ``variants``, both or neither; also in ``kind.json``.
    """
    stored: list[str] = []
    if kind != "pixels" and (asked or kind == "colour_texture"):
        np.save(folder / PHOTOS, extract(kind, photos.pixels, embedding))
        stored.append("photos")
    if kind != "pixels" and asked:
        np.save(folder / VARIANTS, extract(kind, variants.pixels, embedding))
        stored.append("variants")
    write_json({"kind": kind, "vectors_of": stored}, folder / "kind.json")
    return stored


def read_features(kind: str, of_variants: bool, folder: Path = FEATURES) -> np.ndarray:
    """
    (n_photos, or n_photos + n_variants, n_features) float32 vectors of a kind, photos first.

    Raises
    ------
    InputError
        If they have not been made.
    """
    try:
        photos = np.load(folder / kind / PHOTOS, allow_pickle=False)
        if not of_variants:
            return photos
        variants = np.load(folder / kind / VARIANTS, allow_pickle=False)
    except FileNotFoundError as missing:
        raise InputError(
            f"{missing.filename}: no such vectors. Run `dvc repro features@{kind}` to make them."
        ) from None
    return np.concatenate([photos, variants]) if len(variants) else photos
