"""The distance of a photo to the training photos, and the most similar of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thinsection.base.arrays import Bytes, Floats, Texts
from thinsection.predict.description import describe
from thinsection.predict.membership import LEAST_SPREAD, PREFIX, Memberships

CHUNK = 256  # photos compared at a time


@dataclass(frozen=True)
class Neighbour:
    """
    A training photo that is similar to a new one.

    Attributes
    ----------
    distance : between the descriptions, in standard deviations of the training photos
    thumbnail : (h, w, 3) uint8
    """

    photo_id: str
    label: str
    distance: float
    thumbnail: Bytes


class Reference:
    """
    The training photos, as stored in ``reference.npz``.

    Attributes
    ----------
    vectors : (n, n_numbers) float32, standardised descriptions
    mean, spread : (n_numbers,) used for standardising
    photo_ids, labels : (n,) str
    memberships : how strongly a photo belongs to any class, if the classifier takes numbers that
        tell it (``membership.WEIGHTS``)
    """

    def __init__(
        self,
        mean: Floats,
        spread: Floats,
        vectors: Floats,
        photo_ids: Texts,
        labels: Texts,
        thumbnails: Bytes,
        *,
        memberships: Memberships | None = None,
    ) -> None:
        self.memberships = memberships
        self.mean, self.spread, self.vectors = mean, spread, vectors
        self.photo_ids, self.labels, self.thumbnails = photo_ids, labels, thumbnails
        self._squares = (vectors.astype(np.float64) ** 2).sum(axis=1)

    @classmethod
    def of(
        cls,
        descriptions: Floats,
        photo_ids: Texts,
        labels: Texts,
        thumbnails: Bytes,
        memberships: Memberships | None = None,
    ) -> "Reference":
        """The reference made from (n, n_numbers) descriptions, as returned by ``describe``."""
        mean, spread = standardisation(descriptions)
        vectors = ((descriptions - mean) / spread).astype(np.float32)
        return cls(mean, spread, vectors, photo_ids, labels, thumbnails, memberships=memberships)

    @classmethod
    def read(cls, path: Path) -> "Reference":
        """From ``reference.npz``; nothing in it is ever run as code."""
        with np.load(path, allow_pickle=False) as file:
            entries = {name: file[name] for name in file.files}
        own = {name: entry for name, entry in entries.items() if not name.startswith(PREFIX)}
        return cls(**own, memberships=Memberships.of_entries(entries))

    def write(self, path: Path) -> None:
        """Write ``reference.npz``; the same photos give the same bytes."""
        entries: dict[str, Any] = {
            "mean": self.mean,
            "spread": self.spread,
            "vectors": self.vectors,
            "photo_ids": self.photo_ids,
            "labels": self.labels,
            "thumbnails": self.thumbnails,
        }
        entries |= self.memberships.entries() if self.memberships else {}
        np.savez_compressed(path, **entries)

    def distances(self, photos: Bytes) -> Floats:
        """(n, n_reference) float64: of (n, H, W, 3) uint8 photos to every training photo."""
        vectors = (describe(photos) - self.mean) / self.spread
        return distances(vectors, self.vectors, self._squares)

    def nearest(self, photo: Bytes, k: int) -> list[Neighbour]:
        """The ``k`` training photos that one (H, W, 3) uint8 photo is most like, nearest first."""
        to_all = self.distances(photo[None])[0]
        return [
            Neighbour(
                str(self.photo_ids[row]),
                str(self.labels[row]),
                float(to_all[row]),
                self.thumbnails[row],
            )
            for row in np.argsort(to_all, kind="stable")[:k]
        ]


def standardisation(descriptions: Floats) -> tuple[Floats, Floats]:
    """Mean and spread of each number, (n_numbers,) float32 each."""
    spread = np.maximum(descriptions.std(axis=0), LEAST_SPREAD)
    return descriptions.mean(axis=0), spread


def distances(vectors: Floats, reference: Floats, squares: Floats | None = None) -> Floats:
    """(n, n_reference) float64 root mean square differences of standardised descriptions."""
    vectors = vectors.astype(np.float64)
    if squares is None:
        squares = (reference.astype(np.float64) ** 2).sum(axis=1)
    squared = (vectors**2).sum(axis=1)[:, None] + squares - 2 * vectors @ reference.T
    apart: Floats = np.sqrt(np.maximum(squared, 0) / vectors.shape[1])
    return apart


def strangeness(to_reference: Floats, neighbours: int) -> Floats:
    """
    (n,) float64: mean distance of each photo to its nearest training photos.

    Parameters
    ----------
    to_reference : (n, n_reference); inf excludes a training photo
    neighbours : how many to average over; all, if there are fewer
    """
    k = min(neighbours, to_reference.shape[1])
    nearest = np.partition(to_reference, k - 1, axis=1)[:, :k]
    mean: Floats = nearest.mean(axis=1)
    return mean
