"""One answer for a specimen, from all of its photos."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thinsection.predict.predictor import Answer

LEAST = 1e-6  # of a probability: one photo alone must not rule a class out


@dataclass(frozen=True)
class SpecimenAnswer:
    """
    What all photos of a specimen say together.

    Attributes
    ----------
    label : the most probable class; empty where no photo could be used
    probabilities : geometric mean of those of its photos, scaled to sum to 1: the photos of one
        specimen err together, so they are averaged and not multiplied
    n_photos : that could be used; n_unlike_anything of them were flagged; n_problems could not
    """

    specimen: str
    label: str
    probabilities: dict[str, float]
    n_photos: int
    n_unlike_anything: int
    n_problems: int


class Specimens:
    """Answers summed up by specimen as they come; it grows with the specimens, not the photos."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.classes = classes
        self._sums: dict[str, np.ndarray] = {}
        self._counts: dict[str, list[int]] = {}

    def add(self, specimen: str, answer: Answer | None) -> None:
        """One photo of a specimen; None for one that could not be used."""
        counts = self._counts.setdefault(specimen, [0, 0, 0])
        total = self._sums.setdefault(specimen, np.zeros(len(self.classes)))
        if answer is None:
            counts[2] += 1
            return
        chances = np.array([answer.probabilities[label] for label in self.classes])
        total += np.log(np.maximum(chances, LEAST))
        counts[0] += 1
        counts[1] += answer.unlike_anything

    def answers(self) -> Iterator[SpecimenAnswer]:
        """Of every specimen, in the order in which they came."""
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
            )
