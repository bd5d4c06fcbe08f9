"""What a classifier may learn from, fold by fold: photos, or vectors of them and their variants."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from thinsection.base.arrays import Floats
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.dataset.samples import Lights
from thinsection.learning.examples.features import Features, read_together
from thinsection.learning.examples.joining import Joining, hide, joined
from thinsection.settings import FamilySettings


@dataclass(frozen=True)
class Examples:
    """The photos, and vectors of them for families that learn from vectors."""

    photos: Dataset
    features: Features | None = None


@dataclass(frozen=True)
class Vectors:
    """
    Samples and variants as feature vectors: first every sample, in order, then what else is learned from.

    Attributes
    ----------
    x : (n_rows, n_features) float32; where samples are seen in several lights, joined vectors
        (``joining.joined``) with NaN for lights that are missing
    labels : (n_rows,) int64, the place of each row's class in the classes' order
    parents : (n_rows,) int64, the sample that each row is, or is a variant of
    groups : (n_rows,) int64, the group of that sample
    n_parameters : of a network that made the vectors
    sizes : how many of the features are of each kind, where several are in a row
    lights : the slots of joined vectors; empty where each photo is a sample of its own
    greatest : as in ``Joining``
    """

    x: np.ndarray
    labels: np.ndarray
    parents: np.ndarray
    groups: np.ndarray
    n_parameters: int = 0
    sizes: tuple[int, ...] = ()
    lights: tuple[str, ...] = ()
    greatest: bool = False

    def train_rows(self, fold: Fold) -> np.ndarray:
        """Rows to learn from: the fold's training samples and their variants, no others."""
        return np.flatnonzero(np.isin(self.parents, fold.train))

    def held_out_rows(self, fold: Fold) -> np.ndarray:
        """Rows to be judged by: held-out samples as they are, never a variant."""
        return fold.held_out

    @property
    def n_parts(self) -> int:
        """Parts of a joined vector, before the flags."""
        return len(self.lights) * (1 + self.greatest)

    def fill(self, train: np.ndarray) -> Floats:
        """(n_features,) float32: what missing values are filled with, the mean of the training rows."""
        if not self.lights:
            return np.empty(0, np.float32)
        rows = self.x[train].astype(np.float64)
        known = ~np.isnan(rows)
        means = np.where(known, rows, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        filling: Floats = means.astype(np.float32)
        return filling

    def filled(self, train: np.ndarray) -> "Vectors":
        """The same with missing values filled from the training rows."""
        if not self.lights:
            return self
        return replace(self, x=np.where(np.isnan(self.x), self.fill(train), self.x))

    def joining(self, fill: Floats) -> Joining | None:
        """How a classifier's vectors are joined, given what missing values are filled with."""
        if not self.lights:
            return None
        n_flags = len(self.lights)
        width = (self.x.shape[1] - n_flags) // self.n_parts
        return Joining(width, n_flags, self.greatest, fill[: width * self.n_parts])

    def in_one_light(
        self, held_out: np.ndarray, fill: Floats, predict: Callable[[Floats], Floats]
    ) -> dict[str, Floats]:
        """
        What a classifier says of samples of which it is shown one light only (``FoldResult.one_light``).

        Parameters
        ----------
        held_out : (n,) rows of samples
        predict : (m, n_features) to probabilities (m, n_classes)
        """
        found: dict[str, Floats] = {}
        if len(self.lights) < 2:
            return found
        x = self.x[held_out]
        for slot, light in enumerate(self.lights):
            has = x[:, x.shape[1] - len(self.lights) + slot] == 0
            if not has.any():
                continue
            shown = hide(x[has], np.full(has.sum(), slot), self.n_parts, len(self.lights))
            chances = predict(np.where(np.isnan(shown), fill, shown))
            found[light] = np.full((len(x), chances.shape[1]), np.nan)
            found[light][has] = chances
        return found


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
    """
    The vectors of all samples and variants, each with the label and the group of its sample.

    Where samples are seen in several lights, every second variant is shown in one light only, so that
    a classifier learns to do without the others. Where there are no variants, each sample is added in
    each of its lights alone.
    """
    photos, features = examples.photos, examples.features
    assert features is not None, "a family that learns from vectors was given photos alone"
    if not photos.lights.together:
        x, parents, sizes = features.x, features.parents, features.sizes
        lights: tuple[str, ...] = ()
        greatest = False
    else:
        x, parents = _joined(features, photos.lights)
        lights, greatest = photos.lights.names, photos.lights.most_angles > 1
        each = features.sizes or (features.x.shape[1],)
        sizes = each * len(lights) * (1 + greatest)
        sizes = (*sizes[:-1], sizes[-1] + len(lights))  # the flags count with the last kind
    labels, groups = photos.labels[parents], groups_of(photos)[parents]
    return Vectors(
        x, labels, parents, groups, features.n_parameters, sizes, lights=lights, greatest=greatest
    )


def _joined(features: Features, lights: Lights) -> tuple[np.ndarray, np.ndarray]:
    """The joined vectors of samples and of what else is learned from, and the sample of each."""
    n_samples, n_slots = lights.present.shape
    # the first row of a photo is the photo itself, the k-th after it its k-th variant
    number = pd.Series(features.parents).groupby(features.parents).cumcount().to_numpy()
    sample, slot = lights.sample_of[features.parents], lights.slot_of[features.parents]
    n_rows = n_samples * (int(number.max()) + 1)
    places = (number * n_samples + sample) * n_slots + slot
    greatest = lights.most_angles > 1
    x = joined(features.x, places, n_rows * n_slots, n_slots, greatest)
    parents = np.arange(n_rows) % n_samples
    rows = np.arange(n_samples, n_rows)
    if len(rows):
        # which of its lights, goes by turns; the order of samples is by the photos' content
        alone = rows[(rows // n_samples) % 2 == 0]
        slots = _by_turns(lights, parents[alone], alone // n_samples // 2)
        x[alone] = hide(x[alone], slots, n_slots * (1 + greatest), n_slots)
        return x, parents
    several = np.flatnonzero(lights.present.sum(axis=1) > 1)
    sample, slot = (each.ravel() for each in np.nonzero(lights.present[several]))
    more = hide(x[several[sample]], slot, n_slots * (1 + greatest), n_slots)
    return np.concatenate([x, more]), np.concatenate([parents, several[sample]])


def _by_turns(lights: Lights, samples: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """(n,) one of the slots in which each sample is seen."""
    present = lights.present[samples]
    wanted = (samples + turns) % present.sum(axis=1)
    slots: np.ndarray = np.argmax(present.cumsum(axis=1) > wanted[:, None], axis=1)
    return slots


def groups_of(photos: Dataset) -> np.ndarray:
    """(n_samples,) int64, the group of each sample, numbered."""
    return np.unique(photos.table["group"].to_numpy(str), return_inverse=True)[1]
