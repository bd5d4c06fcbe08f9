"""The training data of a classifier: photos, their variants, and feature vectors of both."""

from dataclasses import dataclass

import numpy as np

from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset, Variants, read_variants
from thinsection.examples.features import read_features, reduced_pixels
from thinsection.settings import FamilySettings, VectorSettings


@dataclass(frozen=True)
class Examples:
    """
    The photos, and the other data that a family learns from.

    Attributes
    ----------
    variants : stored variants of the photos, for families that don't make fresh ones
    features : (n_photos + n_variants, n_features) float32 from the stage features, photos
        first; None for families that learn from pixels
    """

    photos: Dataset
    variants: Variants | None = None
    features: np.ndarray | None = None


@dataclass(frozen=True)
class Vectors:
    """
    Photos and variants as feature vectors: first all photos, in order, then all variants.

    Attributes
    ----------
    x : (n_rows, n_features) float32
    labels : (n_rows,) int64, the index of each row's class in the sorted classes
    parents : (n_rows,) int64, the photo that each row is or was made from
    groups : (n_rows,) int64, the group of that photo
    """

    x: np.ndarray
    labels: np.ndarray
    parents: np.ndarray
    groups: np.ndarray

    def train_rows(self, fold: Fold) -> np.ndarray:
        """Rows to learn from: only the fold's training photos and their variants."""
        return np.flatnonzero(np.isin(self.parents, fold.train))

    def held_out_rows(self, fold: Fold) -> np.ndarray:
        """Rows to test on: held-out photos, never a variant."""
        return fold.held_out


def read_examples(
    photos: Dataset, settings: FamilySettings, with_variants: bool = True
) -> Examples:
    """The photos, and the stored variants and features that a family with these settings needs."""
    if not isinstance(settings, VectorSettings):
        return Examples(photos)
    variants = read_variants(photos) if with_variants else None
    features = None
    if settings.features != "pixels":
        features = read_features(settings.features, with_variants)
    return Examples(photos, variants, features)


def as_vectors(examples: Examples, settings: VectorSettings) -> Vectors:
    """The vectors of all photos and variants, of the kind ``settings.features``."""
    photos, variants = examples.photos, examples.variants
    parents = np.arange(len(photos.table))
    parts = [photos.pixels]
    if variants is not None and len(variants.parents):
        parents = np.concatenate([parents, variants.parents])
        parts.append(variants.pixels)
    if settings.features == "pixels":
        size = settings.photo_height, settings.photo_width
        x = np.concatenate([reduced_pixels(pixels, *size) for pixels in parts])
    else:
        assert examples.features is not None, f"{settings.features} were not given"
        x = examples.features
    assert len(x) == len(parents)
    groups = np.unique(photos.table["group"].to_numpy(str), return_inverse=True)[1]
    return Vectors(x, photos.labels[parents], parents, groups[parents])
