"""``thinsection count``: how much of each mineral is in a section."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thinsection.base.arrays import Ints
from thinsection.base.errors import InputError
from thinsection.base.files import check_output, write_json
from thinsection.counting import drawing
from thinsection.counting.count import FEWEST_BY_HAND, Counted, Named, name_points, shares_of
from thinsection.counting.errors import read_errors
from thinsection.counting.naming import window_size
from thinsection.counting.page import shown_field, write_page
from thinsection.counting.points import Spread
from thinsection.counting.section import FieldOfView, fields_of_view
from thinsection.counting.shares import FEWEST_FIELDS
from thinsection.counting.tables import (
    CONFIDENCE,
    MODES_FILE,
    POINTS_FILE,
    SETTINGS_FILE,
    Mode,
    methods_text,
    modes_of,
    percent,
    set_aside,
    write_modes,
    write_points,
)
from thinsection.predict.folder import ModelCard
from thinsection.predict.new_photos import matches
from thinsection.predict.predictor import Predictor

SHOWN_FIELDS = 24
ONE_PX, MANY_PX = 1800, 640  # longer side of the picture on the page, of one field or of several
MANY_UNLIKE = 0.2  # of the points: more, and something is wrong with the section or the model
UNEQUAL = 0.03  # of the points: no wider gap between asked and counted goes without a word


@dataclass(frozen=True)
class Options:
    """
    How to count.

    Attributes
    ----------
    points : how many
    how : random | grid
    um_per_pixel : of the section; None: what a scan says
    light : of files of which nothing else says it
    by_hand : a points.csv whose column ``by_hand`` names some of the points; None: none are
    seed : of the places of the points
    """

    points: int
    how: Spread = "random"
    um_per_pixel: float | None = None
    light: str = ""
    by_hand: Path | None = None
    seed: int = 2021


def count(given: list[str], model: Path, into: Path, options: Options) -> list[Mode]:
    """
    Count a section; print the shares, and write points.csv, modes.csv, map.png and count.html.

    Returns
    -------
    The shares of the minerals, the largest first.

    Raises
    ------
    InputError
        If model or section can't be used, or the folder can't be written.
    """
    check_output(into, "folder", "--into")
    _check_no_names_lost(into / POINTS_FILE, options.by_hand)
    predictor = Predictor.load(model)
    card, errors = predictor.card, read_errors(model, predictor.card)
    with fields_of_view(given, card, options.um_per_pixel, options.light) as (fields, problems):
        named = name_points(predictor, fields, options.points, options.how, options.seed)
        if not named.is_mineral.any():
            raise InputError(
                f"{', '.join(given)}: none of the {len(named)} points shows a mineral that the model knows "
                f"({', '.join(card.classes)}); {int(named.unlike.sum())} are unlike anything that it was trained on. Check light and "
                "--um-per-pixel, or train a model on photos of this kind."
            )
        seen = _seen(options.by_hand, named, fields)
        as_fields = not fields[0].is_scan
        shares = shares_of(named, errors, as_fields=as_fields, seed=options.seed, seen=seen)
        counted = Counted(
            title=" + ".join(Path(name).name for name in given),
            model=card.title,
            ca=card.ca,
            how=options.how,
            fields=fields,
            named=named,
            seen=seen,
            shares=shares,
            warnings=[*problems, *_warnings(card, fields, named, seen, options)],
        )
        into.mkdir(parents=True, exist_ok=True)
        write_points(into / POINTS_FILE, counted)
        write_modes(into / MODES_FILE, modes_of(shares))
        write_json(_settings(given, model, counted, options), into / SETTINGS_FILE)
        (into / "text.txt").write_text(methods_text(counted) + "\n", encoding="utf-8")
        _write_pictures(into, counted, card.max_megapixels)
    _print(counted, into)
    return modes_of(shares)


def _check_no_names_lost(points: Path, by_hand: Path | None) -> None:
    """Stop if a table with names by hand would be replaced by one without."""
    if not points.is_file() or (by_hand is not None and by_hand.samefile(points)):
        return
    with points.open(encoding="utf-8", newline="") as file:
        n = sum(bool((row.get("by_hand") or "").strip()) for row in csv.DictReader(file))
    if n:
        raise InputError(
            f"--into: {points} has {n} points named by hand, which would be lost. Take them in with `--by-hand {points}`, "
            "or give another folder."
        )


def _settings(
    given: list[str], model: Path, counted: Counted, options: Options
) -> dict[str, object]:
    """What going on with a count by hand needs to know (session.py)."""
    return {
        "given": [str(path.resolve()) for name in given for path in matches(name)],
        "model": str(model.resolve()),
        "title": counted.title,
        "fields": [field.name for field in counted.fields],
        "how": options.how,
        "um_per_pixel": options.um_per_pixel,
        "light": options.light,
        "seed": options.seed,
    }


def _seen(path: Path | None, found: Named, fields: list[FieldOfView]) -> Ints:
    """(n,) place of the class that was named by hand, -1 where none was."""
    seen = np.full(len(found), -1)
    if path is None:
        return seen
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"--by-hand: {path} can't be read ({error.strerror}).") from None
    if not rows or not {"field", "x", "y", "by_hand"} <= set(rows[0]):
        raise InputError(
            f"--by-hand: {path} has no columns field, x, y, by_hand. Give the points.csv of an earlier count, with names "
            "in its column by_hand."
        )
    names = {name.casefold(): k for k, name in enumerate(found.classes)}
    where = {
        (fields[int(found.points.field[k])].name, str(found.points.x[k]), str(found.points.y[k])): k
        for k in range(len(found))
    }
    problems = []
    for number, row in enumerate(rows, start=2):
        name = (row["by_hand"] or "").strip().casefold()
        if not name:
            continue
        place = where.get((row["field"], row["x"], row["y"]))
        if place is None:
            problems.append(
                f"row {number}: no point of this count is at {row['field']} {row['x']}, {row['y']}"
            )
        elif name not in names:
            problems.append(
                f"row {number}: by_hand is {row['by_hand']!r}; allowed: {', '.join(found.classes)}"
            )
        else:
            seen[place] = names[name]
    if problems:
        raise InputError.of_all(f"--by-hand: {path}", problems)
    return seen


def _warnings(
    card: ModelCard, fields: list[FieldOfView], found: Named, seen: Ints, options: Options
) -> list[str]:
    said = []
    sizes = [window_size(card, field.um_per_pixel) for field in fields]
    unlike = float(found.unlike.mean())
    if card.label_of != "centre":
        said.append(
            "This model was trained on photos that a mineral mostly fills, not on windows whose centre shows it, so near "
            "grain boundaries it may name the larger neighbour: docs/how-much.md says how to train one for counting."
        )
    if not all(size.scaled for size in sizes):
        whose = "the model's photos" if card.um_per_pixel is None else "this section"
        said.append(
            f"The scale of {whose} is unknown, so windows have the training photos' number of pixels, not their size in "
            "micrometres. "
            + (
                "Train with final.um_per_pixel."
                if card.um_per_pixel is None
                else "Give --um-per-pixel."
            )
        )
    elif any(not 0.5 <= size.height / card.photo_px[0] <= 2 for size in sizes):
        said.append(
            "The magnification differs from that of the training photos by more than a factor of 2."
        )
    if unlike > MANY_UNLIKE:
        said.append(
            f"{percent(unlike)} % of the points are unlike anything that the model was trained on: other minerals, "
            "another light or another magnification. The shares are those of the rest."
        )
    if options.how == "random" and len(found) < (1 - UNEQUAL) * options.points:
        said.append(
            f"{len(found)} points instead of {options.points}: the photos are too small for more."
        )
    n_seen = int((seen >= 0).sum())
    if 0 < n_seen < FEWEST_BY_HAND:
        said.append(
            f"{n_seen} points named by hand are too few to say more than the model's errors do; from {FEWEST_BY_HAND} on they count."
        )
    if not fields[0].is_scan and n_seen >= FEWEST_BY_HAND:
        said.append(
            "With points named by hand the intervals are for these fields of view, not for others of the section."
        )
    elif not fields[0].is_scan and len(fields) < FEWEST_FIELDS:
        said.append(
            f"{len(fields)} field{'s' * (len(fields) > 1)} of view can't say how much fields of this section differ: the "
            f"intervals are for {'these fields' if len(fields) > 1 else 'this field'}. From {FEWEST_FIELDS} on they are for the section."
        )
    return said


def _write_pictures(into: Path, counted: Counted, max_megapixels: float) -> None:
    fields, found = counted.fields, counted.named
    shown, drawn = [], []
    longest = ONE_PX if len(fields) == 1 else MANY_PX
    for place, field in enumerate(fields[:SHOWN_FIELDS]):
        # the last light: between crossed polarisers there is more to see
        with field.pictures(max_megapixels) as pictures:
            overview = list(pictures.values())[-1].overview(longest)
        rows = np.flatnonzero(found.points.field == place)
        shown.append(shown_field(field, overview, found, rows))
        drawn.append(drawing.with_points(overview, field.width, found, rows))
    legend = [(name, drawing.colour_of(k)) for k, name in enumerate(found.classes)]
    legend.append(("unlike anything", drawing.UNLIKE))
    drawing.montage(drawn, legend, across=4).save(into / "map.png")
    known = [
        (name, drawing.triangle(counted.shares, name, CONFIDENCE)) for name in drawing.TRIANGLES
    ]
    triangles = [(name, image) for name, image in known if image is not None]
    for name, image in triangles:
        (into / f"{name}.png").write_bytes(image)
    write_page(into / "count.html", counted, shown, triangles)


def _print(counted: Counted, into: Path) -> None:
    modes = modes_of(counted.shares)
    width = max((len(mode.mineral) for mode in modes), default=0)
    for mode in modes:
        print(
            f"{mode.mineral:<{width}}  {percent(mode.share):>5} %  ({percent(mode.low)} to {percent(mode.high)}; by names "
            f"alone {percent(mode.raw)})"
        )
    ignored = "; ".join(f"{row.n} {row.what}" for row in set_aside(counted.named) if row.n)
    print(f"{len(counted.named)} points" + (f", and no mineral: {ignored}" if ignored else ""))
    for each in counted.warnings:
        print(f"WARNING: {each}")
    print(f"The page: {into / 'count.html'}")
