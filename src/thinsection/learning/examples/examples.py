"""What a classifier may learn from, fold by fold: photos, or vectors of them and their variants."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thinsection.base.arrays import Floats
from thinsection.base.places import FEATURES
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.dataset.samples import Lights
from thinsection.learning.examples.features import Features, read_together
from thinsection.learning.examples.joining import in_each_way, of_samples
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
    parents : (n_rows,) int64, the sample that each row shows, or a variant of which it shows
    groups : (n_rows,) int64, the group of that sample
    lights : which photo shows which sample
    n_parameters : of a network that made the vectors
    sizes : how many of the features are of each kind, where several are in a row
    """

    x: np.ndarray
    labels: np.ndarray
    parents: np.ndarray
    groups: np.ndarray
    lights: Lights
    n_parameters: int = 0
    sizes: tuple[int, ...] = ()

    def train_rows(self, fold: Fold) -> np.ndarray:
        """Rows to learn from: photos of the fold's training samples and their variants, no others."""
        return np.flatnonzero(np.isin(self.parents, fold.train))

    def held_out_rows(self, fold: Fold) -> np.ndarray:
        """Rows to be judged by: photos of held-out samples as they are, never a variant."""
        return self.lights.photos_of(fold.held_out)

    def labels_of(self, fold: Fold) -> np.ndarray:
        """(n_held_out,) the labels of the held-out samples."""
        first = np.unique(self.parents, return_index=True)[1]
        found: np.ndarray = self.labels[first[fold.held_out]]
        return found

    @property
    def slots(self) -> tuple[str, ...]:
        """The lights of a classifier of samples (``Classifier.lights``); empty: of single photos."""
        return self.lights.names if self.lights.together else ()

    def of_samples(self, fold: Fold, chances: Floats) -> tuple[Floats, dict[str, Floats]]:
        """
        Probabilities of the held-out samples, by all photos and by those of each of ``Lights.ways``.

        Parameters
        ----------
        chances : (n, n_classes) of ``held_out_rows``
        """
        if not self.lights.together:
            return chances, {}
        rows = self.held_out_rows(fold)
        whole = of_samples(chances, self.lights, rows, fold.held_out)
        return whole, in_each_way(chances, self.lights, rows, fold.held_out)


def read_examples(
    photos: Dataset,
    settings: FamilySettings,
    with_variants: bool = True,
    folder: Path = FEATURES,
) -> Examples:
    """The photos, and the vectors in ``folder`` that a family with these settings learns from."""
    if not settings.kinds:
        return Examples(photos)
    with_variants = with_variants and settings.takes_variants
    return Examples(photos, read_together(settings.kinds, with_variants, folder))


def as_vectors(examples: Examples) -> Vectors:
    """The vectors of all photos and variants, each with the label and the group of its sample."""
    photos, features = examples.photos, examples.features
    assert features is not None, "a family that learns from vectors was given photos alone"
    parents = photos.lights.sample_of[features.parents]
    labels, groups = photos.labels[parents], groups_of(photos)[parents]
    return Vectors(
        features.x, labels, parents, groups, photos.lights, features.n_parameters, features.sizes
    )


def groups_of(photos: Dataset) -> np.ndarray:
    """(n_samples,) int64, the group of each sample, numbered."""
    return np.unique(photos.table["group"].to_numpy(str), return_inverse=True)[1]
