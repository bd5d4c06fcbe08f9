"""One answer for a specimen, from all of its photos."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thinsection.predict.predictor import Answer

LEAST = 1e-6  # of a probability: one photo alone must not rule a class out


@dataclass(frozen=True)
class SpecimenAnswer:
    """
    One answer from all photos of a specimen.

    Attributes
    ----------
    label : the most probable class; empty if no photo could be used
    probabilities : geometric mean over its photos, scaled to sum to 1. Errors are correlated
        within a specimen, so probabilities are averaged, not multiplied
    n_photos, n_problems : how many photos could and could not be used
    n_unlike_anything : how many of n_photos were flagged
    notes : those of decoding, each with the number of photos that it is on
    """

    specimen: str
    label: str
    probabilities: dict[str, float]
    n_photos: int
    n_unlike_anything: int
    n_problems: int
    notes: tuple[str, ...]


class Specimens:
    """Answers accumulated by specimen; memory grows with the specimens, not with the photos."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.classes = classes
        self._sums: dict[str, np.ndarray] = {}
        self._counts: dict[str, list[int]] = {}
        self._notes: dict[str, Counter[str]] = {}

    def add(self, specimen: str, answer: Answer | None, notes: tuple[str, ...] = ()) -> None:
        """Add the answer for a photo of a specimen, or None if the photo could not be used."""
        counts = self._counts.setdefault(specimen, [0, 0, 0])
        self._notes.setdefault(specimen, Counter()).update(notes)
        total = self._sums.setdefault(specimen, np.zeros(len(self.classes)))
        if answer is None:
            counts[2] += 1
            return
        chances = np.array([answer.probabilities[label] for label in self.classes])
        total += np.log(np.maximum(chances, LEAST))
        counts[0] += 1
        counts[1] += answer.unlike_anything

    def answers(self) -> Iterator[SpecimenAnswer]:
        """The answer for every specimen, in the order in which they were first added."""
        for specimen, (n, unlike, problems) in self._counts.items():
            chances = np.exp(self._sums[specimen] / max(n, 1))
            chances /= chances.sum()
            yield SpecimenAnswer(
                specimen,
                self.classes[int(chances.argmax())] if n else "",
                dict(zip(self.classes, map(float, chances), strict=True)),
                n,
                unlike,
                problems,
                tuple(f"{note} ({n})" for note, n in self._notes[specimen].items()),
            )
