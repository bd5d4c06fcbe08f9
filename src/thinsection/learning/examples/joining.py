"""What a classifier says of a sample, from what it says of each of its photos."""

import numpy as np

from thinsection.base.arrays import Bools, Floats, Ints
from thinsection.dataset.samples import Lights

LEAST = 1e-7  # of a probability: one photo alone must not rule a class out


def slot_weights(lights: Lights, samples: Ints, photos: Ints, shown: Bools | None = None) -> Floats:
    """
    (n_samples, n_slots, n_photos) float32: the share of each photo in a slot of a sample.

    The shares in a slot sum to 1, or are all 0 where the sample has no photo there.

    Parameters
    ----------
    samples : rows of a few samples; photos : rows of their photos
    shown : (n_photos,) of the ``photos`` those that count; None: all
    """
    weights = np.zeros((len(samples), len(lights.names), len(photos)), np.float32)
    place = {int(sample): row for row, sample in enumerate(samples)}
    for column, photo in enumerate(photos):
        if shown is not None and not shown[column]:
            continue
        weights[place[int(lights.sample_of[photo])], lights.slot_of[photo], column] = 1
    shares: Floats = weights / np.maximum(weights.sum(axis=2, keepdims=True), 1)
    return shares


def of_samples(chances: Floats, lights: Lights, photos: Ints, samples: Ints) -> Floats:
    """
    (n_samples, n_classes) probabilities of samples, from those of their photos.

    The geometric mean over the angles in each slot, then over the slots in which a sample is seen: two
    lights of one place are not independent, so their probabilities are averaged, not multiplied.

    Parameters
    ----------
    chances : (n_photos, n_classes) of the ``photos``
    samples : each with at least one of the photos; the mean is over these
    """
    logs = np.log(np.maximum(chances.astype(np.float64), LEAST))
    place = np.full(len(lights.present), -1)
    place[samples] = np.arange(len(samples))
    n_slots = len(lights.names)
    cell = place[lights.sample_of[photos]] * n_slots + lights.slot_of[photos]
    sums = np.zeros((len(samples) * n_slots, logs.shape[1]))
    np.add.at(sums, cell, logs)
    counts = np.bincount(cell, minlength=len(sums)).reshape(-1, n_slots)
    means = sums.reshape(len(samples), n_slots, -1) / np.maximum(counts, 1)[..., None]
    seen = counts > 0
    mean = (means * seen[..., None]).sum(axis=1) / seen.sum(axis=1, keepdims=True)
    raised = np.exp(mean - mean.max(axis=1, keepdims=True))
    found: Floats = raised / raised.sum(axis=1, keepdims=True)
    return found


def in_each_way(chances: Floats, lights: Lights, photos: Ints, samples: Ints) -> dict[str, Floats]:
    """
    The same from a part of the photos, for each of ``Lights.ways`` (``FoldResult.one_light``).

    NaN for samples that have no photo of the part.
    """
    found: dict[str, Floats] = {}
    for name, way in lights.ways.items():
        here, has = way[photos], lights.seen_in(way)[samples]
        found[name] = np.full((len(samples), chances.shape[1]), np.nan)
        if has.any():
            found[name][has] = of_samples(chances[here], lights, photos[here], samples[has])
    return found
