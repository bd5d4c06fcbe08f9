"""Counting a section: from its files to the shares of minerals."""

from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Bools, Floats, Ints
from thinsection.base.seeds import generator
from thinsection.counting.naming import named
from thinsection.counting.points import Points, Spread, spread
from thinsection.counting.section import FieldOfView
from thinsection.counting.shares import Shares, by_hand, by_model, strata_of
from thinsection.predict.predictor import Predictor

# points named by hand that count: of ten, intervals held the truth in 0.90 (docs/how-much.md)
FEWEST_BY_HAND = 30
NO_MINERALS = ("hole", "holes", "glue", "resin", "epoxy", "pore", "pores", "boundary")


@dataclass(frozen=True)
class Named:
    """
    The points of a section with the model's names.

    Attributes
    ----------
    points : where they are
    label : (n,) place of the name in ``classes``
    probability : (n,) calibrated, of that name
    sets : (n,) classes that contain the true one for the share of points that the model's card says
    unlike : (n,) bool, unlike anything that the model was trained on
    """

    classes: tuple[str, ...]
    points: Points
    label: Ints
    probability: Floats
    sets: list[tuple[str, ...]]
    unlike: Bools

    def __len__(self) -> int:
        return len(self.label)

    @property
    def is_mineral(self) -> Bools:
        """(n,) bool: neither a hole nor unlike anything."""
        return ~self.unlike & self.of_minerals[self.label]

    @property
    def of_minerals(self) -> Bools:
        """(n_classes,) bool: whether a class is a mineral (or a rock), not a hole."""
        return np.array([name.casefold() not in NO_MINERALS for name in self.classes])


def name_points(
    predictor: Predictor, fields: list[FieldOfView], n: int, how: Spread, seed: int
) -> Named:
    """Spread points over the fields, and let the model name them."""
    sizes = [(field.width, field.height) for field in fields]
    points = spread(sizes, n, how, generator(seed, "count", "points"))
    label, probability = np.zeros(len(points), int), np.zeros(len(points))
    unlike = np.zeros(len(points), bool)
    sets: list[tuple[str, ...]] = [()] * len(points)
    place = {name: k for k, name in enumerate(predictor.card.classes)}
    for row, answer in named(predictor, fields, points):
        label[row] = place[answer.label]
        probability[row] = answer.probabilities[answer.label]
        sets[row], unlike[row] = answer.prediction_set, answer.unlike_anything
    return Named(predictor.card.classes, points, label, probability, sets, unlike)


def shares_of(
    found: Named, errors: Floats, *, as_fields: bool, seed: int, seen: Ints | None = None
) -> Shares:
    """
    The shares of minerals in what is mineral, from the points that are like what the model knows.

    Parameters
    ----------
    errors : (n_specimens, n_classes, n_classes), ``read_errors``
    as_fields : whether the fields are a sample of the section, not the whole of it
    seen : (n,) place of the true class named by hand, -1 where nobody looked; fewer than ``FEWEST_BY_HAND``
        are not taken in
    """
    rng = generator(seed, "count", "shares")
    if seen is not None and (seen >= 0).sum() >= FEWEST_BY_HAND:
        named = with_unlike(found)
        strata = strata_of(named, found.probability)
        shares = by_hand(found.classes, named, strata, seen, rng)
    else:
        used = ~found.unlike
        fields = found.points.field[used] if as_fields else np.zeros(int(used.sum()), int)
        shares = by_model(found.classes, found.label[used], fields, errors, rng)
    return of_classes(shares, found.of_minerals)


def with_unlike(found: Named) -> Ints:
    """(n,) place of each name; points unlike anything are one more name, and those who look say what they are."""
    named: Ints = np.where(found.unlike, len(found.classes), found.label)
    return named


def of_classes(shares: Shares, chosen: Bools) -> Shares:
    """The shares of some classes among themselves."""

    def among(values: Floats) -> Floats:
        part = values[..., chosen]
        scaled: Floats = part / np.maximum(part.sum(axis=-1, keepdims=True), 1e-12)
        return scaled

    return Shares(
        tuple(name for name, kept in zip(shares.classes, chosen, strict=True) if kept),
        among(shares.share), among(shares.draws), among(shares.raw),
        shares.n_points, shares.n_by_hand,
    )  # fmt: skip


@dataclass(frozen=True)
class Counted:
    """
    A section that was counted.

    Attributes
    ----------
    title : how it is called; model : that of the model; ca : its expected accuracy
    seen : (n_points,) place of the true class named by hand, -1 where nobody looked
    how : random | grid
    warnings : what its reader has to know
    """

    title: str
    model: str
    ca: float
    how: Spread
    fields: list[FieldOfView]
    named: Named
    seen: Ints
    shares: Shares
    warnings: list[str]

    @property
    def spacing_um(self) -> float | None:
        """Mean distance of the points, micrometres; None if a scale is unknown."""
        known = [f.width * f.height * f.um_per_pixel**2 for f in self.fields if f.um_per_pixel]
        if len(known) < len(self.fields) or not len(self.named):
            return None
        return float(np.sqrt(sum(known) / len(self.named)))
