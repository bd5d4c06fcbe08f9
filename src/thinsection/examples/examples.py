"""What a classifier may learn from, fold by fold: photos, their variants, vectors of both."""

from dataclasses import dataclass

import numpy as np

from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset, Variants
from thinsection.examples.features import extract
from thinsection.params import EmbeddingSettings, VectorSettings


@dataclass(frozen=True)
class Examples:
    """The photos, and the stored variants of them for those families that learn from them."""

    photos: Dataset
    variants: Variants | None = None


@dataclass(frozen=True)
class Vectors:
    """
    Photos and variants as feature vectors: first every photo, in order, then every variant.

    Attributes
    ----------
    x : (n_rows, n_features) float32
    labels : (n_rows,) int64, the place of each row's class in the classes' order
    parents : (n_rows,) int64, the photo that each row is, or is a variant of
    groups : (n_rows,) int64, the group of that photo
    """

    x: np.ndarray
    labels: np.ndarray
    parents: np.ndarray
    groups: np.ndarray

    def train_rows(self, fold: Fold) -> np.ndarray:
        """Rows to learn from: the fold's training photos and their variants, no others."""
        return np.flatnonzero(np.isin(self.parents, fold.train))

    def held_out_rows(self, fold: Fold) -> np.ndarray:
        """Rows to be judged by: held-out photos as they are, never a variant."""
        return fold.held_out


def as_vectors(
    examples: Examples, settings: VectorSettings, embedding: EmbeddingSettings
) -> Vectors:
    """The vectors that ``settings.features`` asks for, of all photos and variants."""

    def vectors(pixels: np.ndarray) -> np.ndarray:
        size = settings.photo_height, settings.photo_width
        return extract(settings.features, pixels, *size, embedding)

    photos, variants = examples.photos, examples.variants
    x = vectors(photos.pixels)
    parents = np.arange(len(x))
    if variants is not None and len(variants.parents):
        x = np.concatenate([x, vectors(variants.pixels)])
        parents = np.concatenate([parents, variants.parents])
    groups = np.unique(photos.table["group"].to_numpy(str), return_inverse=True)[1]
    return Vectors(x, photos.labels[parents], parents, groups[parents])
