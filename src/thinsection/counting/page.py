"""The page of a count: one file that needs no network."""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import jinja2
import numpy as np
from PIL import Image

from thinsection.base.arrays import Bytes
from thinsection.counting.count import Counted, Named
from thinsection.counting.drawing import UNLIKE, colour_of
from thinsection.counting.section import FieldOfView
from thinsection.counting.tables import methods_text, modes_of, percent, set_aside

HERE = Path(__file__).parent


@dataclass(frozen=True)
class ShownPoint:
    """A point in the pixels of the picture that is shown."""

    x: float
    y: float
    colour: str
    sure: bool
    title: str


@dataclass(frozen=True)
class ShownField:
    """A field of view as the page shows it: a JPEG in base64 with its points."""

    name: str
    image: str
    width: int
    height: int
    radius: float
    points: list[ShownPoint]


def shown_field(field: FieldOfView, overview: Bytes, found: Named, rows: np.ndarray) -> ShownField:
    """A field for the page."""
    height, width = overview.shape[:2]
    scale = width / field.width
    buffer = BytesIO()
    Image.fromarray(overview).convert("RGB").save(buffer, "JPEG", quality=85)
    return ShownField(
        field.name,
        b64encode(buffer.getvalue()).decode(),
        width,
        height,
        max(2.5, width / 280),
        [_point(found, int(row), scale) for row in rows],
    )


def _point(found: Named, row: int, scale: float) -> ShownPoint:
    name = found.classes[found.label[row]]
    unlike = bool(found.unlike[row])
    title = f"{name} {found.probability[row]:.2f}; one of: {', '.join(found.sets[row])}"
    return ShownPoint(
        x=round(found.points.x[row] * scale, 1),
        y=round(found.points.y[row] * scale, 1),
        colour=UNLIKE if unlike else colour_of(int(found.label[row])),
        sure=len(found.sets[row]) == 1 and not unlike,
        title="unlike anything that the model was trained on" if unlike else title,
    )


def write_page(
    path: Path, counted: Counted, pictures: list[ShownField], triangles: list[tuple[str, bytes]]
) -> None:
    """Write ``count.html``."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    found = counted.named
    page = environment.get_template("page.html.j2").render(
        title=counted.title,
        facts=_facts(counted),
        warnings=counted.warnings,
        modes=modes_of(counted.shares),
        aside=[row for row in set_aside(found) if row.n],
        assumption=_assumption(counted),
        triangles=[(name, b64encode(image).decode()) for name, image in triangles],
        pictures=pictures,
        n_hidden=len(counted.fields) - len(pictures),
        text=methods_text(counted),
        colours={name: colour_of(k) for k, name in enumerate(found.classes)},
        percent=percent,
    )
    path.write_text(page, encoding="utf-8")


def _facts(counted: Counted) -> str:
    n = len(counted.fields)
    what = "scan" if counted.fields[0].is_scan else "field of view" if n == 1 else "fields of view"
    by_hand = f"; {counted.shares.n_by_hand} points named by hand" * bool(counted.shares.n_by_hand)
    return (
        f"{len(counted.named)} points on {n} {what}, named by {counted.model}, whose names are right for {percent(counted.ca)} % "
        f"of photos of new specimens{by_hand}."
    )


def _assumption(counted: Counted) -> str:
    if counted.shares.n_by_hand:
        return "The points named by hand make the shares right whatever the model does."
    return "The model's errors on this section are taken to be like those on one of its training specimens."
