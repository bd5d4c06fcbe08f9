"""Photos as vectors, for the classifiers that take vectors, and the files that hold them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from thinsection.base.arrays import Bytes, Floats, Ints, Numbers, read_array
from thinsection.base.cores import n_cores
from thinsection.base.files import read_json, write_json
from thinsection.base.places import FEATURES
from thinsection.dataset.colour_texture import colour_texture
from thinsection.dataset.packed import Dataset, Variants
from thinsection.dataset.reduction import reduced
from thinsection.settings import EmbeddingSettings, PixelSettings

FEW = 200  # photos, up to which starting workers costs more than it saves
PHOTOS, VARIANTS, PARENTS = "photos.npy", "variants.npy", "parents.npy"
FACTS = "facts.json"


@dataclass(frozen=True)
class Features:
    """
    The vectors of all photos, followed by those of their variants.

    Attributes
    ----------
    x : (n_rows, n_features) float32
    parents : (n_rows,) int64, for each row the row of its photo in photos.csv
    n_parameters : of a network that made them
    sizes : how many of the features are of each kind, where several are in a row
    """

    x: Floats
    parents: Ints
    n_parameters: int = 0
    sizes: tuple[int, ...] = ()


def extract(
    kind: str, photos: Bytes, pixels: PixelSettings, embedding: EmbeddingSettings
) -> Numbers:
    """
    What the feature vectors of photos are made from (``as_features``).

    Nothing here is fitted to the photos, so nothing can leak from one fold to another.

    Parameters
    ----------
    kind : pixels | colour_texture | embedding
    photos : (n, H, W, 3) uint8
    pixels : size of the reduced photos, used by ``pixels``
    embedding : the network, used by ``embedding``

    Returns
    -------
    (n, n_features) float32; for ``pixels`` (n, height, width, 3) uint8, which take a quarter of
    the space
    """
    if kind == "pixels":
        return reduced(photos, pixels.height, pixels.width)
    if kind == "colour_texture":
        workers = n_cores() if len(photos) > FEW else 1
        rows = Parallel(workers)(delayed(colour_texture)(photo) for photo in photos)
        return np.stack(rows) if rows else np.empty((0, 0), np.float32)
    from thinsection.learning.examples.embedding import embed  # only this kind needs PyTorch

    return embed(photos, embedding)


def as_features(photos: Numbers, variants: Numbers, parents: Ints) -> Features:
    """
    The vectors of photos and variants, from what ``extract`` returned for each.

    Parameters
    ----------
    parents : (n_variants,) int64, the photo of each variant
    """
    rows = np.concatenate([photos, variants]) if len(variants) else photos
    x: Floats = rows.astype(np.float32)
    if rows.dtype == np.uint8:
        x = x.reshape(len(x), int(np.prod(x.shape[1:]))) / np.float32(255)
    return Features(x, np.concatenate([np.arange(len(photos)), parents]))


def write_features(
    kind: str,
    photos: Dataset,
    variants: Variants,
    folder: Path,
    *,
    asked: str,
    pixels: PixelSettings,
    embedding: EmbeddingSettings,
) -> None:
    """
    Write the vectors of one kind into ``folder``.

    What no family asks for (``Params.plan``) is left empty. The exception is the colour and texture
    of the photos, which the report always needs to find similar photos.
    """
    of_photos = slice(0) if asked == "nothing" and kind != "colour_texture" else slice(None)
    of_variants = slice(None) if asked == "photos and variants" else slice(0)
    np.save(folder / PHOTOS, extract(kind, photos.pixels[of_photos], pixels, embedding))
    write_json({"n_parameters": _n_parameters(kind, asked, embedding)}, folder / FACTS)
    np.save(folder / VARIANTS, extract(kind, variants.pixels[of_variants], pixels, embedding))
    np.save(folder / PARENTS, variants.parents[of_variants])


def _n_parameters(kind: str, asked: str, embedding: EmbeddingSettings) -> int:
    """Of the network that makes vectors of this kind; 0 if none does."""
    if kind != "embedding" or asked == "nothing":
        return 0
    from thinsection.learning.examples.embedding import embedding_network

    return sum(p.numel() for p in embedding_network(embedding).parameters())


def read_features(kind: str, with_variants: bool = True, folder: Path = FEATURES) -> Features:
    """
    The vectors that ``write_features`` wrote.

    Raises
    ------
    InputError
        If the files are missing.
    """
    photos, variants, parents = (
        read_array(folder / kind / name) for name in (PHOTOS, VARIANTS, PARENTS)
    )
    kept = slice(None) if with_variants else slice(0)
    found = as_features(photos, variants[kept], parents[kept])
    return replace(found, n_parameters=read_json(folder / kind / FACTS)["n_parameters"])


def read_together(kinds: tuple[str, ...], with_variants: bool, folder: Path = FEATURES) -> Features:
    """The vectors of several kinds, those of one photo in a row."""
    each = [read_features(kind, with_variants, folder) for kind in kinds]
    x = np.concatenate([features.x for features in each], axis=1)
    n_parameters, sizes = zip(*((f.n_parameters, f.x.shape[1]) for f in each), strict=True)
    return Features(x, each[0].parents, sum(n_parameters), sizes)
