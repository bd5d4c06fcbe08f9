"""What a count writes as tables, and what a paper says of it."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thinsection.base.files import writing
from thinsection.counting.count import Counted, Named
from thinsection.counting.shares import Shares

CONFIDENCE = 0.95
POINTS_FILE, MODES_FILE, SETTINGS_FILE = "points.csv", "modes.csv", "count.json"
POINTS = ("field", "x", "y", "name", "probability", "set", "unlike_anything", "by_hand")


@dataclass(frozen=True)
class Mode:
    """A mineral's share of the minerals of a section, with its interval; raw: by the model's names alone."""

    mineral: str
    share: float
    low: float
    high: float
    raw: float


@dataclass(frozen=True)
class SetAside:
    """Points that are no mineral: how many, and their share of all points."""

    what: str
    n: int
    share: float


def modes_of(shares: Shares) -> list[Mode]:
    """The shares by size, the largest first."""
    low, high = shares.interval(CONFIDENCE)
    rows = zip(shares.classes, shares.share, low, high, shares.raw, strict=True)
    found = [Mode(name, *map(float, values)) for name, *values in rows]
    return sorted(found, key=lambda mode: -mode.share)


def set_aside(found: Named) -> list[SetAside]:
    """Holes, each of their classes, and points unlike anything that the model was trained on."""
    n = max(len(found), 1)
    rows = []
    for k in np.flatnonzero(~found.of_minerals):
        many = int(((found.label == k) & ~found.unlike).sum())
        rows.append(SetAside(found.classes[k], many, many / n))
    many = int(found.unlike.sum())
    return [*rows, SetAside("unlike anything that the model was trained on", many, many / n)]


def write_points(path: Path, counted: Counted) -> None:
    """One row for each point."""
    found, seen = counted.named, counted.seen
    with writing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(POINTS)
        for k in range(len(found)):
            place = int(found.points.field[k])
            rows.writerow(
                [
                    counted.fields[place].name,
                    int(found.points.x[k]),
                    int(found.points.y[k]),
                    found.classes[found.label[k]],
                    f"{found.probability[k]:.4f}",
                    "|".join(found.sets[k]),
                    int(found.unlike[k]),
                    found.classes[seen[k]] if seen[k] >= 0 else "",
                ]
            )


def write_modes(path: Path, modes: list[Mode]) -> None:
    """One row for each mineral, the largest share first."""
    with writing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["mineral", "share", "low", "high", "raw"])
        for mode in modes:
            numbers = (mode.share, mode.low, mode.high, mode.raw)
            rows.writerow([mode.mineral, *(f"{number:.4f}" for number in numbers)])


def methods_text(counted: Counted) -> str:
    """The count as a paper tells it."""
    fields, shares, spacing_um = counted.fields, counted.shares, counted.spacing_um
    places = (
        "a scan of the section" if fields[0].is_scan else _counted(len(fields), "field of view")
    )
    spacing = f", {spacing_um:.0f} µm apart on average" if spacing_um else ""
    where = "stratified random points" if counted.how == "random" else "points of a square grid"
    named = f"Modal composition from {len(counted.named)} {where}{spacing} on {places}, named by {counted.model} (thinsection)"
    if shares.n_by_hand:
        corrected = (
            f"{shares.n_by_hand} of them, drawn at random within strata of the model's names, were named by hand, and the "
            "shares are estimated from both (prediction-powered inference)"
        )
    else:
        corrected = (
            "corrected for the model's errors on specimens that it had not seen, on the assumption that its errors on this "
            "section are like those on one of them"
        )
    listed = ", ".join(
        f"{mode.mineral} {percent(mode.share)} ({percent(mode.low)} to {percent(mode.high)})"
        for mode in modes_of(shares)
    )
    aside = set_aside(counted.named)
    ignored = ", ".join(f"{row.n} {row.what}" for row in aside if row.n)
    rest = f" Not counted as minerals: {ignored}." if ignored else ""
    return f"{named}, {corrected}: {listed} % (95 % intervals).{rest}"


def percent(share: float) -> str:
    """A share in percent, with one decimal."""
    return f"{100 * share:.1f}"


def _counted(n: int, what: str) -> str:
    first, _, rest = what.partition(" ")
    return f"{n} {what}" if n == 1 else f"{n} {first}s {rest}".strip()
