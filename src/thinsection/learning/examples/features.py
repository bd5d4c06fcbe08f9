"""Photo -> vector, for the classifiers that take vectors; and where such vectors are kept."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from thinsection.base.arrays import read_array
from thinsection.base.cores import n_cores
from thinsection.base.places import FEATURES
from thinsection.dataset.colour_texture import colour_texture
from thinsection.dataset.packed import Dataset, Variants
from thinsection.dataset.reduction import reduced
from thinsection.settings import EmbeddingSettings, PixelSettings

FEW = 200  # photos for which starting workers costs more than it saves
PHOTOS, VARIANTS, PARENTS = "photos.npy", "variants.npy", "parents.npy"


@dataclass(frozen=True)
class Features:
    """
    Photos as vectors, and after them their variants.

    Attributes
    ----------
    x : (n_rows, n_features) float32
    parents : (n_rows,) int64, the photo that each row is, or is a variant of
    """

    x: np.ndarray
    parents: np.ndarray


def extract(
    kind: str, photos: np.ndarray, pixels: PixelSettings, embedding: EmbeddingSettings
) -> np.ndarray:
    """
    The feature vector of every photo, or what it is made of in no time (``as_features``).

    Nothing here is fitted to the photos, so nothing can leak from one fold to another.

    Parameters
    ----------
    kind : pixels | colour_texture | embedding
    photos : (n, H, W, 3) uint8
    pixels : the size to which photos are reduced, used by ``pixels``
    embedding : the network, used by ``embedding``

    Returns
    -------
    (n, n_features) float32, or (n, height, width, 3) uint8 for ``pixels``: a quarter of the space
    """
    if kind == "pixels":
        return reduced(photos, pixels.height, pixels.width)
    if kind == "colour_texture":
        workers = n_cores() if len(photos) > FEW else 1
        rows = Parallel(workers)(delayed(colour_texture)(photo) for photo in photos)
        return np.stack(rows) if rows else np.empty((0, 0), np.float32)
    from thinsection.learning.examples.embedding import embed  # PyTorch, which the others spare

    return embed(photos, embedding)


def as_features(photos: np.ndarray, variants: np.ndarray, parents: np.ndarray) -> Features:
    """
    Vectors of photos and variants out of what ``extract`` gave.

    Parameters
    ----------
    parents : (n_variants,) int64, the photo of each variant
    """
    x = np.concatenate([photos, variants]) if len(variants) else photos
    if x.dtype == np.uint8:
        x = x.reshape(len(x), int(np.prod(x.shape[1:]))).astype(np.float32) / 255
    return Features(x, np.concatenate([np.arange(len(photos)), parents]))


def write_features(
    kind: str,
    asked: bool,
    photos: Dataset,
    variants: Variants,
    pixels: PixelSettings,
    embedding: EmbeddingSettings,
    folder: Path,
) -> None:
    """
    Write the vectors of a kind into ``folder``: none of its variants if nobody asks for the kind.

    Of its photos none either, but for colour and texture, by which the report finds photos that
    are alike.
    """
    of_photos = slice(None) if asked or kind == "colour_texture" else slice(0)
    of_variants = slice(None) if asked else slice(0)
    np.save(folder / PHOTOS, extract(kind, photos.pixels[of_photos], pixels, embedding))
    np.save(folder / VARIANTS, extract(kind, variants.pixels[of_variants], pixels, embedding))
    np.save(folder / PARENTS, variants.parents[of_variants])


def read_features(kind: str, with_variants: bool = True, folder: Path = FEATURES) -> Features:
    """
    The vectors of a kind that ``write_features`` wrote.

    Raises
    ------
    InputError
        If they are not there, or not whole.
    """
    photos, variants, parents = (
        read_array(folder / kind / name) for name in (PHOTOS, VARIANTS, PARENTS)
    )
    kept = slice(None) if with_variants else slice(0)
    return as_features(photos, variants[kept], parents[kept])
