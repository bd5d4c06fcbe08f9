"""A count that someone goes through by hand: which point is next, what it was called, and what follows."""

import csv
import threading
from contextlib import ExitStack
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from thinsection.base.arrays import Bytes
from thinsection.base.errors import InputError
from thinsection.base.files import read_json
from thinsection.base.seeds import generator
from thinsection.counting.count import Counted, Named, shares_of, with_unlike
from thinsection.counting.errors import read_errors
from thinsection.counting.naming import window_size
from thinsection.counting.points import Points
from thinsection.counting.section import fields_of_view
from thinsection.counting.shares import Shares, strata_of, wanted_by_hand
from thinsection.counting.tables import (
    MODES_FILE,
    POINTS,
    POINTS_FILE,
    SETTINGS_FILE,
    modes_of,
    write_modes,
    write_points,
)
from thinsection.predict.folder import read_card

CONTEXT = 3  # what is shown of a point is that many times as wide as what the model saw
SHOWN_PX = 480  # of the longer side


class Session:
    """
    The folder that ``thinsection count`` wrote, open for names by hand.

    Every answer is written before the next is asked for. Points come by strata, more where the model is unsure, at
    random inside each (``shares.wanted_by_hand``), so the shares are right wherever one stops.

    Attributes
    ----------
    counted : the section, its points, the model's names and those by hand
    """

    counted: Counted

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock, self._stack = threading.Lock(), ExitStack()

    def __enter__(self) -> "Session":
        said = _settings(self.folder)
        model = Path(said["model"])
        self.card = read_card(model)
        self._errors, self._seed = read_errors(model, self.card), int(said["seed"])
        fields, _ = self._stack.enter_context(
            fields_of_view(said["given"], self.card, said["um_per_pixel"], said["light"])
        )
        if len(fields) != len(said["fields"]):
            raise InputError(
                f"--count: {self.folder} was made of {len(said['fields'])} fields of view, and now there are {len(fields)} in "
                f"{', '.join(said['given'])}. Put them back, or count again."
            )
        # as they were called when they were counted, from wherever they are read now
        pairs = zip(fields, said["fields"], strict=True)
        fields = [replace(field, name=name) for field, name in pairs]
        self._is_scan = fields[0].is_scan
        rows = _points_of(self.folder / POINTS_FILE)
        place = {field.name: k for k, field in enumerate(fields)}
        classes = {name: k for k, name in enumerate(self.card.classes)}
        try:
            named = Named(
                self.card.classes,
                Points(
                    np.array([place[row["field"]] for row in rows]),
                    np.array([int(row["x"]) for row in rows]),
                    np.array([int(row["y"]) for row in rows]),
                ),
                np.array([classes[row["name"]] for row in rows]),
                np.array([float(row["probability"]) for row in rows]),
                [tuple(row["set"].split("|")) for row in rows],
                np.array([row["unlike_anything"] == "1" for row in rows]),
            )
            seen = np.array([classes[row["by_hand"]] if row["by_hand"] else -1 for row in rows])
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{self.folder / POINTS_FILE}: not the points of this section and model ({error}). Count it again."
            ) from None
        self.counted = Counted(
            title=said["title"], model=self.card.title, ca=self.card.ca, how=said["how"], fields=fields,
            named=named, seen=seen, shares=self._shares(named, seen), warnings=[],
        )  # fmt: skip
        # the same order whenever it is opened, so that one goes on where one stopped
        self._order = wanted_by_hand(
            strata_of(with_unlike(named), named.probability),
            np.where(named.unlike, 0.5, named.probability),
            len(named),
            generator(self._seed, "count", "by hand"),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _shares(self, named: Named, seen: np.ndarray) -> Shares:
        return shares_of(
            named, self._errors, as_fields=not self._is_scan, seed=self._seed, seen=seen
        )

    @property
    def n_named(self) -> int:
        """How many points were named by hand."""
        return int((self.counted.seen >= 0).sum())

    def next_point(self) -> int | None:
        """The point to ask about; None if all were named."""
        left = [int(point) for point in self._order if self.counted.seen[point] < 0]
        return left[0] if left else None

    def last_point(self) -> int | None:
        """The point that was named last, in the order of asking; None if none was."""
        done = [int(point) for point in self._order if self.counted.seen[point] >= 0]
        return done[-1] if done else None

    def suggestions(self, point: int) -> tuple[str, ...]:
        """The model's name, then the others of its prediction set."""
        named = self.counted.named
        first = named.classes[named.label[point]]
        return (first, *(name for name in named.sets[point] if name != first))

    def name(self, point: int, label: str | None) -> None:
        """
        Take a name, or take it back with None, and write the tables.

        Raises
        ------
        InputError
            If there is no such point or class.
        """
        classes = self.card.classes
        if not 0 <= point < len(self.counted.named) or (label is not None and label not in classes):
            raise InputError(f"no such point or name. Allowed names: {', '.join(classes)}.")
        with self._lock:
            seen = self.counted.seen.copy()
            seen[point] = -1 if label is None else classes.index(label)
            shares = self._shares(self.counted.named, seen)
            self.counted = replace(self.counted, seen=seen, shares=shares)
            write_points(self.folder / POINTS_FILE, self.counted)
            write_modes(self.folder / MODES_FILE, modes_of(shares))

    def views(self, point: int, context: int = CONTEXT) -> dict[str, Bytes]:
        """Light -> (h, w, 3) uint8 about a point, ``context`` times as wide as the model's window."""
        points = self.counted.named.points
        field = self.counted.fields[int(points.field[point])]
        size = window_size(self.card, field.um_per_pixel)
        height, width = context * size.height, context * size.width
        top, left = int(points.y[point]) - height // 2, int(points.x[point]) - width // 2
        with field.pictures(self.card.max_megapixels) as pictures:
            return {
                light: picture.window(top, left, height, width)
                for light, picture in pictures.items()
            }


def model_of(folder: Path) -> Path:
    """The model that named the points of a count."""
    return Path(_settings(folder)["model"])


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / SETTINGS_FILE
    if not path.is_file():
        raise InputError(
            f"--count: {folder} has no {SETTINGS_FILE}. Give the folder that `thinsection count` wrote."
        )
    said: dict[str, Any] = read_json(path)
    return said


def enlarged(pixels: Bytes) -> bytes:
    """A JPEG, its longer side ``SHOWN_PX``."""
    height, width = pixels.shape[:2]
    scale = SHOWN_PX / max(height, width)
    picture = Image.fromarray(pixels).resize(
        (max(round(width * scale), 1), max(round(height * scale), 1)), Image.Resampling.BICUBIC
    )
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def as_png(pixels: Bytes) -> bytes:
    """A PNG, pixel by pixel."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _points_of(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}). Count it again.") from None
    if not rows or not set(POINTS) <= set(rows[0]):
        raise InputError(f"{path}: no points of a count. Count it again.")
    return rows
