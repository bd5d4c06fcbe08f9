"""Vectors of a sample from those of its photos: a part for each light, missing ones filled."""

from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Floats, Ints
from thinsection.dataset.samples import Lights


@dataclass(frozen=True)
class Joining:
    """
    How the vectors of a sample's photos become one vector.

    Each slot (light) has a part of the joined vector: the mean over the photos in the slot, which
    differ in the angle of the stage. If ``greatest``, the parts of the greatest values follow them.
    A part without a photo is filled, and ``flags`` at the end tell which slots were: 1 if filled.

    Attributes
    ----------
    n_values : of a photo's vector
    n_slots : lights
    greatest : whether the greatest values over the angles are joined too
    fill : (n_parts * n_values,) float32, the mean of each value over the training samples that have
        a photo there; ``n_parts`` is ``n_slots``, or twice as many with ``greatest``
    """

    n_values: int
    n_slots: int
    greatest: bool
    fill: Floats

    @property
    def n_features(self) -> int:
        """Length of what a classifier takes: the parts, and a flag for each slot."""
        return len(self.fill) + self.n_slots


def slot_weights(lights: Lights, samples: Ints, photos: Ints) -> Floats:
    """
    (n_samples, n_slots, n_photos) float32: the share of each photo in a slot of a sample.

    The shares in a slot sum to 1, or are all 0 where the sample has no photo there.

    Parameters
    ----------
    samples : rows of a few samples; photos : rows of their photos
    """
    weights = np.zeros((len(samples), len(lights.names), len(photos)), np.float32)
    place = {int(sample): row for row, sample in enumerate(samples)}
    for column, photo in enumerate(photos):
        weights[place[int(lights.sample_of[photo])], lights.slot_of[photo], column] = 1
    shares: Floats = weights / np.maximum(weights.sum(axis=2, keepdims=True), 1)
    return shares


def joined(vectors: Floats, places: Ints, n_places: int, n_slots: int, greatest: bool) -> Floats:
    """
    (n_rows, n_features) float32: the parts of each joined vector, NaN where missing, and the flags.

    Parameters
    ----------
    vectors : (n, n_values) of photos
    places : (n,) the row of the joined vector that each belongs to, times ``n_slots``, plus its slot
    n_places : rows times ``n_slots``
    """
    order = np.argsort(places, kind="stable")
    found, starts, counts = np.unique(places[order], return_index=True, return_counts=True)
    ordered = vectors[order]
    parts = []
    for number in range(1 + greatest):
        part = np.full((n_places, vectors.shape[1]), np.nan, np.float32)
        if number == 0:
            part[found] = np.add.reduceat(ordered, starts) / counts[:, None].astype(np.float32)
        else:
            part[found] = np.maximum.reduceat(ordered, starts)
        parts.append(part.reshape(n_places // n_slots, -1))
    flags = np.ones(n_places, np.float32)
    flags[found] = 0
    return np.concatenate([*parts, flags.reshape(-1, n_slots)], axis=1)


def hide(x: Floats, slots: Ints, joining_parts: int, n_slots: int) -> Floats:
    """
    Joined vectors with the photos of all but one slot hidden in each row.

    Parameters
    ----------
    x : (n, n_features), see ``joined``
    slots : (n,) the slot that is shown
    joining_parts : parts before the flags
    """
    hidden = x.copy()
    width = (x.shape[1] - n_slots) // joining_parts
    for slot in range(n_slots):
        rows = np.flatnonzero(slots != slot)
        for part in range(slot, joining_parts, n_slots):
            hidden[rows, part * width : (part + 1) * width] = np.nan
        hidden[rows, x.shape[1] - n_slots + slot] = 1
    return hidden
