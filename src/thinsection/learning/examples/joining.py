"""Vectors of a sample from those of its photos: one part for each light, missing ones filled."""

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
    samples : rows of samples; photos : rows of their photos
    """
    weights = np.zeros((len(samples), len(lights.names), len(photos)), np.float32)
    place = {int(sample): row for row, sample in enumerate(samples)}
    for column, photo in enumerate(photos):
        weights[place[int(lights.sample_of[photo])], lights.slot_of[photo], column] = 1
    shares: Floats = weights / np.maximum(weights.sum(axis=2, keepdims=True), 1)
    return shares


def joined(vectors: Floats, weights: Floats, greatest: bool) -> Floats:
    """
    (n_samples, n_parts * n_values) float32: the parts of each sample, NaN where it has no photo.

    Parameters
    ----------
    vectors : (n_photos, n_values)
    weights : (n_samples, n_slots, n_photos), see ``slot_weights``
    """
    n_samples, n_slots, _ = weights.shape
    means = weights @ vectors
    means[weights.sum(axis=2) == 0] = np.nan
    parts = [means.reshape(n_samples, -1)]
    if greatest:
        tops = np.full_like(means, np.nan)
        for sample, slot in zip(*np.nonzero(weights.sum(axis=2)), strict=True):
            tops[sample, slot] = vectors[weights[sample, slot] > 0].max(axis=0)
        parts.append(tops.reshape(n_samples, n_slots * vectors.shape[1]))
    return np.concatenate(parts, axis=1).astype(np.float32)


def filled(parts: Floats, joining: Joining) -> Floats:
    """(n_samples, n_features): the parts of ``joined``, missing ones filled, and the flags."""
    missing = np.isnan(parts)
    flags = missing[:, :: joining.n_values][:, : joining.n_slots]
    whole = np.where(missing, joining.fill, parts)
    return np.concatenate([whole, flags], axis=1).astype(np.float32)
