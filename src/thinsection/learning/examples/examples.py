"""What a classifier may learn from, fold by fold: photos, or vectors of them and their variants."""

from dataclasses import dataclass

import numpy as np

from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.learning.examples.features import Features, read_together
from thinsection.settings import FamilySettings


@dataclass(frozen=True)
class Examples:
    """The photos, and vectors of them for families that learn from vectors."""

    photos: Dataset
    features: Features | None = None


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
    n_parameters : of a network that made the vectors
    sizes : how many of the features are of each kind, where several are in a row
    """

    x: np.ndarray
    labels: np.ndarray
    parents: np.ndarray
    groups: np.ndarray
    n_parameters: int = 0
    sizes: tuple[int, ...] = ()

    def train_rows(self, fold: Fold) -> np.ndarray:
        """Rows to learn from: the fold's training photos and their variants, no others."""
        return np.flatnonzero(np.isin(self.parents, fold.train))

    def held_out_rows(self, fold: Fold) -> np.ndarray:
        """Rows to be judged by: held-out photos as they are, never a variant."""
        return fold.held_out


def read_examples(
    photos: Dataset, settings: FamilySettings, with_variants: bool = True
) -> Examples:
    """The photos, and the vectors that a family with these settings learns from."""
    if not settings.kinds:
        return Examples(photos)
    return Examples(
        photos, read_together(settings.kinds, with_variants and settings.takes_variants)
    )


def as_vectors(examples: Examples) -> Vectors:
    """The vectors of all photos and variants, each with the label and the group of its photo."""
    photos, features = examples.photos, examples.features
    assert features is not None, "a family that learns from vectors was given photos alone"
    parents = features.parents
    labels, groups = photos.labels[parents], groups_of(photos)[parents]
    return Vectors(features.x, labels, parents, groups, features.n_parameters, features.sizes)


def groups_of(photos: Dataset) -> np.ndarray:
    """(n_photos,) int64, the group of each photo, numbered."""
    return np.unique(photos.table["group"].to_numpy(str), return_inverse=True)[1]
