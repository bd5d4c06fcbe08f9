"""Samples: places on the stage, each seen in one photo or in several, in other lights or angles."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from thinsection.base.arrays import Bools, Ints
from thinsection.dataset.extinction import BRIGHTEST, ONE_ANGLE

# in the order in which slots are shown; the last is an unknown light
LIGHTS = ("ppl", "xpl", BRIGHTEST, "")
OF_SAMPLES = ("sample", "label", "specimen", "grain", "light", "group")
ANY_LIGHT = ("",)  # the only slot where each sample is a single photo


@dataclass(frozen=True)
class Lights:
    """
    Which photo shows which sample, and in which light.

    A *slot* is a light in which a sample may be seen. Photos of one sample in one slot differ in
    the angle of the stage.

    Attributes
    ----------
    names : the slots; ``ANY_LIGHT`` where no sample has more than one photo
    sample_of : (n_photos,) int64, the row of each photo's sample in the table of samples
    slot_of : (n_photos,) int64, the place of each photo's light in ``names``
    """

    names: tuple[str, ...]
    sample_of: Ints
    slot_of: Ints

    @property
    def together(self) -> bool:
        """Whether a sample is seen in more than one light, or at more than one angle."""
        return len(self.sample_of) > len(self.present)

    @cached_property
    def present(self) -> Bools:
        """(n_samples, n_slots), whether there is a photo of the sample in the slot."""
        seen = np.zeros((int(self.sample_of.max(initial=-1)) + 1, len(self.names)), bool)
        seen[self.sample_of, self.slot_of] = True
        return seen

    @cached_property
    def ways(self) -> dict[str, Bools]:
        """
        How a sample may be shown by a part of its photos: name -> (n_photos,) those of the part.

        In each light alone, where there are several; and in all lights at one angle of the stage, where
        there are several: by its first photo in each.
        """
        found = {}
        if len(self.names) > 1:
            found = {name: self.slot_of == slot for slot, name in enumerate(self.names)}
        if self.most_angles > 1:
            cells = self.sample_of * len(self.names) + self.slot_of
            found[ONE_ANGLE] = np.zeros(len(cells), bool)
            found[ONE_ANGLE][np.unique(cells, return_index=True)[1]] = True
            found[ONE_ANGLE] &= ~self.of_angles
        return found

    @cached_property
    def of_angles(self) -> Bools:
        """(n_photos,) whether a photo was made from photos at several angles."""
        made: Bools = np.array(self.names)[self.slot_of] == BRIGHTEST
        return made

    def seen_in(self, way: Bools) -> Bools:
        """(n_samples,) whether a sample has any of some photos, (n_photos,) bool."""
        seen = np.zeros(len(self.present), bool)
        seen[self.sample_of[way]] = True
        return seen

    @cached_property
    def most_angles(self) -> int:
        """The most photos that a sample has in one slot."""
        counts = np.unique(np.stack([self.sample_of, self.slot_of]), axis=1, return_counts=True)[1]
        return int(counts.max(initial=1))

    def photos_of(self, samples: Ints) -> Ints:
        """The rows of the photos of some samples, those of one sample in a row."""
        order = np.argsort(self.sample_of, kind="stable")
        ends = np.cumsum(np.bincount(self.sample_of, minlength=len(self.present)))
        starts = np.concatenate([[0], ends[:-1]])
        parts = [order[starts[sample] : ends[sample]] for sample in samples]
        return np.concatenate([np.empty(0, np.int64), *parts])


def samples_of(photos: pd.DataFrame) -> tuple[pd.DataFrame, Lights]:
    """
    The table of the samples of some photos, and which photo shows which.

    Parameters
    ----------
    photos : rows of photos.csv (tables.PHOTOS)

    Returns
    -------
    table : one row per sample, in the order of the first photo of each, with the columns
        ``OF_SAMPLES``; ``light`` holds all lights of the sample, joined by ``+``
    lights : see ``Lights``

    Examples
    --------
    >>> photos = pd.DataFrame(
    ...     {
    ...         "sample": ["a", "b", "a"],
    ...         "label": ["augite", "biotite", "augite"],
    ...         "specimen": ["A", "B", "A"],
    ...         "grain": ["", "", ""],
    ...         "light": ["xpl", "ppl", "ppl"],
    ...         "group": ["g", "h", "g"],
    ...     }
    ... )
    >>> table, lights = samples_of(photos)
    >>> table["light"].tolist(), lights.names, lights.sample_of.tolist(), lights.slot_of.tolist()
    (['ppl+xpl', 'ppl'], ('ppl', 'xpl'), [0, 1, 0], [1, 0, 0])
    """
    sample_of, names = pd.factorize(photos["sample"])
    light = photos["light"].to_numpy(str)
    first = ~photos["sample"].duplicated().to_numpy()
    table = photos.loc[first, [name for name in OF_SAMPLES if name != "light"]].reset_index(
        drop=True
    )
    if len(names) == len(photos):
        slots: tuple[str, ...] = ANY_LIGHT
        slot_of = np.zeros(len(photos), np.int64)
    else:
        slots = tuple(each for each in LIGHTS if (light == each).any())
        slot_of = np.array([slots.index(each) for each in light], np.int64)
    lights = Lights(slots, sample_of.astype(np.int64), slot_of)
    if slots == ANY_LIGHT:
        table["light"] = light[first]
    else:
        seen = ["+".join(name for name, here in zip(slots, row, strict=True) if here and name)
                for row in lights.present]  # fmt: skip
        table["light"] = seen
    return table[list(OF_SAMPLES)], lights
