"""
How strongly a photo belongs to any class, from the numbers that its classifier takes.

Each class is 1 on its training photos and 0 on those of the others (and on photos of none of the
classes, where there are any). Kernel ridge regression, or regularised least squares classification
(Rifkin, Yeo and Poggio 2003, Advances in Learning Theory, 131-154), continues that to new photos. A
photo between two classes belongs half to each, and one far from all belongs to none, as the kernel
falls to 0: one number, 1 - the greatest membership, says both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from thinsection.base.arrays import Floats

WIDTH = 0.25  # the kernel falls by the factor e where the cosine of two photos is lower by this
# how much each kind of numbers counts: the embedding tells classes apart best, the other helps
WEIGHTS = {"embedding": 1.0, "colour_texture": 0.25}
LEAST_SPREAD = 1e-3  # so that a number that hardly varies does not outweigh all others
PREFIX = "membership."  # of entries of reference.npz


@dataclass(frozen=True)
class Frame:
    """
    What makes one vector of length 1 of several kinds of numbers.

    Attributes
    ----------
    means, spreads : kind -> (n_numbers,) float32, over the training photos
    weights : kind -> how much it counts in the cosine of two vectors
    """

    means: dict[str, Floats]
    spreads: dict[str, Floats]
    weights: dict[str, float]

    @classmethod
    def of(cls, features: Mapping[str, Floats]) -> "Frame":
        """The frame of training photos, from kind -> (n, n_numbers)."""
        return cls(
            {kind: rows.mean(axis=0).astype(np.float32) for kind, rows in features.items()},
            {
                kind: np.maximum(rows.std(axis=0), LEAST_SPREAD).astype(np.float32)
                for kind, rows in features.items()
            },
            {kind: WEIGHTS[kind] for kind in features},
        )

    def vectors(self, features: Mapping[str, Floats]) -> Floats:
        """(n, all numbers) float32 of length 1; the product of two is their weighted cosine."""
        whole = sum(self.weights.values())
        parts = []
        for kind, weight in self.weights.items():
            numbers = (features[kind] - self.means[kind]) / self.spreads[kind]
            length = np.linalg.norm(numbers, axis=1, keepdims=True)
            parts.append(np.sqrt(weight / whole) * numbers / np.maximum(length, 1e-12))
        return np.concatenate(parts, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Memberships:
    """
    The fitted regression.

    Attributes
    ----------
    vectors : (n, n_numbers) float16, of the training photos, and of others that belong to no class
    coefficients : (n, n_classes) float32
    """

    frame: Frame
    vectors: Floats
    coefficients: Floats
    width: float = WIDTH

    def strangeness(self, features: Mapping[str, Floats]) -> Floats:
        """
        (n,) float64: how little each photo belongs to the class that it belongs to most.

        About 0 for a photo like those of one class, and 1 for one that is like none.

        Parameters
        ----------
        features : kind -> (n, n_numbers), those of ``frame`` and perhaps others
        """
        near = kernel(self.frame.vectors(features), self.vectors, self.width)
        greatest: Floats = (near @ self.coefficients).max(axis=1).astype(np.float64)
        return 1 - greatest

    def entries(self) -> dict[str, np.ndarray[Any, Any]]:
        """What ``reference.npz`` holds of it."""
        frame, found = self.frame, dict[str, np.ndarray[Any, Any]]()
        for kind, mean in frame.means.items():
            found[f"mean.{kind}"], found[f"spread.{kind}"] = mean, frame.spreads[kind]
        found["kinds"] = np.array(list(frame.weights))
        found["weights"] = np.array(list(frame.weights.values()))
        found["width"] = np.array(self.width)
        found |= {"vectors": self.vectors, "coefficients": self.coefficients}
        return {f"{PREFIX}{name}": entry for name, entry in found.items()}

    @classmethod
    def of_entries(cls, entries: Mapping[str, Any]) -> "Memberships | None":
        """From ``reference.npz``; None if it has none, as in older folders."""
        if f"{PREFIX}kinds" not in entries:
            return None
        kinds = [str(kind) for kind in entries[f"{PREFIX}kinds"]]
        frame = Frame(
            {kind: entries[f"{PREFIX}mean.{kind}"] for kind in kinds},
            {kind: entries[f"{PREFIX}spread.{kind}"] for kind in kinds},
            dict(zip(kinds, map(float, entries[f"{PREFIX}weights"]), strict=True)),
        )
        vectors, coefficients = (entries[f"{PREFIX}{name}"] for name in ("vectors", "coefficients"))
        return cls(
            frame, vectors.astype(np.float32), coefficients, float(entries[f"{PREFIX}width"])
        )


def kernel(vectors: Floats, others: Floats, width: float = WIDTH) -> Floats:
    """(n, n_others): 1 for the same photo, falling with the angle between two."""
    near: Floats = np.exp(
        (vectors @ others.T.astype(vectors.dtype) - 1) / vectors.dtype.type(width)
    )
    return near
