"""What a classifier may learn from, fold by fold: photos, their variants, vectors of both."""

from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Floats, Ints
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset, Variants, read_variants
from thinsection.examples.features import read_features, reduced_pixels
from thinsection.settings import FamilySettings, VectorSettings


@dataclass(frozen=True)
class Examples:
    """
    The photos, and what else a family learns from.

    Attributes
    ----------
    variants : stored variants of the photos, for families that don't make fresh ones
    features : (n_photos + n_variants, n_features) float32 as stage features made them, photos
        first; None for families that learn from pixels
    """

    photos: Dataset
    variants: Variants | None = None
    features: Floats | None = None


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

    x: Floats
    labels: Ints
    parents: Ints
    groups: Ints

    def train_rows(self, fold: Fold) -> Ints:
        """Rows to learn from: the fold's training photos and their variants, no others."""
        return np.flatnonzero(np.isin(self.parents, fold.train))

    def held_out_rows(self, fold: Fold) -> Ints:
        """Rows to be judged by: held-out photos as they are, never a variant."""
        return fold.held_out


def read_examples(
    photos: Dataset, settings: FamilySettings, with_variants: bool = True
) -> Examples:
    """The photos, and of stored variants and features what a family of these settings learns from."""
    if not isinstance(settings, VectorSettings):
        return Examples(photos)
    variants = read_variants(photos) if with_variants else None
    features = None
    if settings.features != "pixels":
        features = read_features(settings.features, with_variants)
    return Examples(photos, variants, features)


def as_vectors(examples: Examples, settings: VectorSettings) -> Vectors:
    """The vectors that ``settings.features`` asks for, of all photos and variants."""
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
