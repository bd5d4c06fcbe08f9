"""Warnings about a data set that the user should know before a comparison: warnings.csv."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from thinsection.ingest.cheating import Cheat
from thinsection.ingest.copies import MIN_CONTRAST
from thinsection.ingest.labels import in_quotes

FEW_PHOTOS = 10  # least number in a class without a warning
IMBALANCE = 3.0  # times the smallest class
MOST = 0.5  # largest share of a class that may be of one specimen
BLURRED = 4.0  # times less sharp than the median for its class and light ...
SPREADS = 4.0  # ... and by this many robust standard deviations
ENOUGH = 8  # photos of one class and light needed for a median
ENLARGED = 2.0  # largest factor by which a photo may be enlarged
EXTENSIONS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
}


@dataclass(frozen=True)
class Doubt:
    """A row of warnings.csv; ``file`` is empty if it concerns the whole data set."""

    kind: str
    file: str
    detail: str


def doubts_of_classes(samples: pd.DataFrame, noun: str = "photos") -> list[Doubt]:
    """
    Warnings from the table of samples alone: few samples, imbalance, specimens.

    Parameters
    ----------
    samples : a table with label and specimen of each (``samples_of``)
    noun : what they are called
    """
    sizes = samples["label"].value_counts().sort_index()
    doubts = [
        Doubt(
            f"few {noun}", "", f"class {label}: {n} {noun}; at least {FEW_PHOTOS} are recommended"
        )
        for label, n in sizes.items()
        if n < FEW_PHOTOS
    ]
    if sizes.max() >= IMBALANCE * sizes.min():
        doubts.append(
            Doubt(
                "imbalance",
                "",
                f"class {sizes.idxmax()} has {sizes.max()} {noun}, {sizes.idxmin()} "
                f"{sizes.min()}: look at the indexes of each class, not only at accuracy; "
                "training.class_weight can make every class count alike",
            )
        )
    for label, members in samples.groupby("label"):
        known = Counter(members.loc[members["specimen"] != "", "specimen"])
        specimen, n = min(known.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
        if n > MOST * len(members):
            share = f"{n} of {len(members)} {noun} of class {label} are of specimen {specimen}"
            doubts.append(
                Doubt("one specimen", "", f"{share}: models may learn that specimen instead")
            )
    unknown = int((samples["specimen"] == "").sum())
    if unknown:
        doubts.append(
            Doubt(
                "specimen unknown",
                "",
                f"for {unknown} of {len(samples)} {noun}: a split may separate two {noun} of one "
                "specimen, which inflates every accuracy; see dataset.specimen_pattern",
            )
        )
    return doubts


def doubts_of_names(photos: pd.DataFrame) -> list[Doubt]:
    """Labels, and specimens, that are probably one written in several ways."""
    doubts = []
    for column, plural in (("label", "classes"), ("specimen", "specimens")):
        for names in _nearly_the_same(photos[column]):
            kept, *others = names
            detail = f"{plural} {' and '.join(map(in_quotes, names))} differ in writing only"
            if column == "label":
                renaming = ", ".join(f"{in_quotes(other)}: {in_quotes(kept)}" for other in others)
                detail += f"; if they are one, set dataset.labels to {{{renaming}}}"
            else:
                detail += "; if they are one, write them alike, or a split may part it"
            doubts.append(Doubt(f"nearly the same {column}", "", detail))
    return doubts


def _nearly_the_same(names: "pd.Series[str]") -> list[list[str]]:
    """Names that are one but for case, blanks, dashes and the like; first the likeliest to be meant."""
    times = Counter(names)
    spellings: dict[str, list[str]] = defaultdict(list)
    for name in sorted(times, key=lambda name: (-times[name], not name.isascii(), name.swapcase())):
        spellings[_key(name)].append(name)
    return [alike for key, alike in spellings.items() if key and len(alike) > 1]


def _key(name: str) -> str:
    """The name in lower case, any run of blanks, dashes and underscores as one dash."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    visible = "".join(sign for sign in folded if unicodedata.category(sign) != "Cf")
    return re.sub(r"[\s_\-\u2010-\u2015\u2212]+", "-", visible).strip("-")


def doubts_of_cheats(cheats: list[Cheat]) -> list[Doubt]:
    """A warning for each fact that gives the classes away."""
    return [
        Doubt(
            "cheating",
            "",
            f"{cheat.fact}: with this alone a small tree classifies {cheat.accuracy:.0%} of the "
            f"photos correctly (largest class: {cheat.majority:.0%}), {cheat.easiest} best",
        )
        for cheat in cheats
        if cheat.warns
    ]


def doubts_of_photos(photos: pd.DataFrame, height: int, width: int) -> list[Doubt]:
    """
    Blank, blurred, small and wrongly named photos, and notes from decoding.

    Parameters
    ----------
    photos : rows of photos.csv with additional columns format, notes, contrast and sharpness
    height, width : of the packed photos
    """
    blank = photos["contrast"] < MIN_CONTRAST
    blurred = _blurred(photos[~blank])
    doubts = []
    for row, photo in enumerate(photos.to_dict("records")):
        found = _doubts_of_photo(photo, height, width)
        if row in blurred:
            found.append(("out of focus", f"{blurred[row]:.1f} times less sharp than usual"))
        doubts += [Doubt(kind, photo["photo_id"], detail) for kind, detail in found]
    return doubts


def _doubts_of_photo(photo: dict[Hashable, Any], height: int, width: int) -> list[tuple[str, str]]:
    """Kind and detail of each warning about a single photo."""
    found = [("note", note) for note in photo["notes"]]
    if photo["contrast"] < MIN_CONTRAST:
        found.append(("blank", f"grey levels vary only by {photo['contrast']:.1f}"))
    size = f"{photo['width']} x {photo['height']}"
    if height > ENLARGED * photo["height"] or width > ENLARGED * photo["width"]:
        found.append(("small", f"{size} enlarged to {width} x {height}"))
    if not photo["photo_id"].lower().endswith(EXTENSIONS[photo["format"]]):
        found.append(("wrong extension", f"its content is {photo['format']}"))
    return found


def _blurred(photos: pd.DataFrame) -> dict[int, float]:
    """Photos much less sharp than others of their class and light: row -> how many times."""
    found = {}
    for _, alike in photos.groupby(["label", "light"]):
        if len(alike) < ENOUGH:
            continue
        level = np.log(np.maximum(alike["sharpness"].to_numpy(float), 1e-6))
        below = np.median(level) - level
        spread = 1.4826 * np.median(np.abs(below))
        for row, less in zip(alike.index, below, strict=True):
            if less > np.log(BLURRED) and less > SPREADS * spread:
                found[row] = float(np.exp(less))
    return found
