"""What a network on photos is shown: fresh variants to learn from, photos as they are to judge."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from thinsection.base.arrays import Bools, Bytes, Floats, Ints
from thinsection.dataset.samples import Lights
from thinsection.learning.examples.augment import as_batch, draw_variants
from thinsection.learning.examples.joining import slot_weights
from thinsection.settings import OperatorSettings

Given = tuple[Tensor, ...]  # what a network takes: photos, and for samples their weights


class DevicePhotos:
    """
    The photos as uint8 on the training GPU, if they fit into half of its free memory.

    Otherwise, and on the CPU, they stay where they are, memory-mapped or in memory, and each batch
    is sent to the device as uint8.

    Parameters
    ----------
    pixels : (n_photos, height, width, 3) uint8
    """

    def __init__(self, pixels: Bytes, device: torch.device) -> None:
        self.pixels, self.device = pixels, device
        self._there: Tensor | None = None
        if device.type == "cuda" and pixels.nbytes <= torch.cuda.mem_get_info(device)[0] // 2:
            self._there = torch.from_numpy(np.array(pixels)).to(device)

    def batch(self, rows: Ints) -> Tensor:
        """The photos of ``rows``, (B, 3, height, width) float32, 0..1, on the device."""
        if self._there is None:
            return as_batch(self.pixels[rows], self.device)
        return as_batch(self._there[torch.from_numpy(rows).to(self.device)])


class ShownPhotos:
    """
    Each photo as a sample.

    Attributes
    ----------
    slots : as in ``Classifier.lights``
    alone : the ways in which samples are judged by a part of their photos, too (``Lights.ways``)
    """

    slots: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()

    def __init__(self, photos: DevicePhotos) -> None:
        self.photos = photos

    def n_samples(self, _train: Ints, n_photos: int) -> int:
        """How many samples show ``n_photos`` photos in a training step."""
        return n_photos

    def variants(
        self, samples: Ints, operators: OperatorSettings, rng: torch.Generator
    ) -> tuple[Given, Ints]:
        """What the network takes in a step, fresh variants, and which sample each output is of."""
        return (draw_variants(self.photos.batch(samples), operators, rng),), samples

    def as_they_are(self, samples: Ints, n: int) -> Iterator[Given]:
        """The photos of some samples, about ``n`` at a time, not augmented."""
        for rows in torch.from_numpy(samples).split(n):
            yield (self.photos.batch(rows.numpy()),)

    def in_each_way(self, samples: Ints, n: int) -> Iterator[Given]:
        """The same; each batch once with all photos, and then in each way of ``alone``."""
        return self.as_they_are(samples, n)

    def first_photos(self, samples: Ints) -> Ints:
        """(n_samples,) the place of each sample's first photo among those of ``as_they_are``."""
        return np.arange(len(samples))


class ShownSamples:
    """Samples by their photos in several lights, or at several angles; as ``ShownPhotos``."""

    def __init__(self, photos: DevicePhotos, lights: Lights) -> None:
        self.photos, self.lights = photos, lights
        self.slots = lights.names
        self.alone = tuple(lights.ways)

    def n_samples(self, train: Ints, n_photos: int) -> int:
        """How many samples show ``n_photos`` photos, one in each light; at least two."""
        shown = self.lights.present[train]
        return max(2, n_photos * len(shown) // int(shown.sum()))

    def variants(
        self, samples: Ints, operators: OperatorSettings, rng: torch.Generator
    ) -> tuple[Given, Ints]:
        """
        What the network takes in a step, fresh variants, and which sample each output is of.

        All photos of a sample are moved alike. The first outputs are of the samples in all lights,
        in order; the others of a part of them, so that the network learns to do without the rest.
        """
        rows = drawn_photos(self.lights, samples, rng)
        places = torch.from_numpy(np.unique(self.lights.sample_of[rows], return_inverse=True)[1])
        variants = draw_variants(self.photos.batch(rows), operators, rng, places)
        weights = weights_in_each_way(self.lights, samples, rows, self._learned)
        seen = weights.any(axis=(1, 2))
        of = np.tile(samples, len(weights) // len(samples))
        return (variants, torch.from_numpy(weights[seen]).to(self.photos.device)), of[seen]

    def as_they_are(self, samples: Ints, n: int) -> Iterator[Given]:
        """All photos of some samples, about ``n`` at a time, not augmented."""
        for part, rows in self._parts(samples, n):
            weights = torch.from_numpy(slot_weights(self.lights, part, rows))
            yield self.photos.batch(rows), weights.to(self.photos.device)

    def in_each_way(self, samples: Ints, n: int) -> Iterator[Given]:
        """The same; each batch once with all photos, and then in each way of ``alone``."""
        ways = list(self.lights.ways.values())
        for part, rows in self._parts(samples, n):
            weights = torch.from_numpy(weights_in_each_way(self.lights, part, rows, ways))
            yield self.photos.batch(rows), weights.to(self.photos.device)

    def first_photos(self, samples: Ints) -> Ints:
        """(n_samples,) the place of each sample's first photo among those of ``as_they_are``."""
        of_photos = self.lights.sample_of[self.lights.photos_of(samples)]
        return np.flatnonzero(np.diff(of_photos, prepend=-1))

    @cached_property
    def _learned(self) -> list[Bools]:
        """The parts of a sample's photos that it is learned from, besides all."""
        lights = self.lights
        if len(lights.names) == 1:
            return []
        parts = [lights.slot_of == slot for slot in range(len(lights.names))]
        # what was made from several angles is not there where a sample is seen at one
        return [*parts, ~lights.of_angles] if lights.of_angles.any() else parts

    def _parts(self, samples: Ints, n: int) -> Iterator[tuple[Ints, Ints]]:
        """Some samples after the other, with their photos, about ``n``."""
        n_samples = max(1, n * len(samples) // len(self.lights.photos_of(samples)))
        for part in torch.from_numpy(samples).split(n_samples):
            yield part.numpy(), self.lights.photos_of(part.numpy())


def drawn_photos(lights: Lights, samples: Ints, rng: torch.Generator) -> Ints:
    """
    The photos that show some samples in one training step: one for each light, at any angle.

    Parameters
    ----------
    samples : rows of samples

    Returns
    -------
    photos : rows of photos
    """
    rows = lights.photos_of(samples)
    rows = rows[torch.randperm(len(rows), generator=rng).numpy()]
    places = lights.sample_of[rows] * len(lights.names) + lights.slot_of[rows]
    one_each: Ints = rows[np.unique(places, return_index=True)[1]]
    return one_each


def weights_in_each_way(
    lights: Lights, samples: Ints, photos: Ints, ways: Sequence[Bools]
) -> Floats:
    """
    (n_ways * n_samples, n_slots, n_photos): the samples by all photos, then by each part of them.

    One call of a network judges them all, and looks at each photo once.

    Parameters
    ----------
    photos : rows of photos of the ``samples``
    ways : (n_photos of the data set,) bool, those of each part
    """
    together = slot_weights(lights, samples, photos)
    parts = [slot_weights(lights, samples, photos, way[photos]) for way in ways]
    return np.concatenate([together, *parts])
