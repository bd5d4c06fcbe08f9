"""The demo data set: a folder of JPEGs with a table, from specimens, fields and lights."""

import csv
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from threadpoolctl import threadpool_limits

from thinsection.base.cores import n_cores
from thinsection.base.errors import InputError
from thinsection.base.files import writing_folder
from thinsection.base.seeds import generator
from thinsection.base.workers import worker_processes
from thinsection.console.progress import Progress, progress
from thinsection.render.camera import jpeg
from thinsection.render.field import Photo, View, take_photos
from thinsection.render.maps import write_mineral_map
from thinsection.render.minerals import check_minerals
from thinsection.render.specimen import Specimen, draw_specimen
from thinsection.settings import RenderSettings

Row = dict[str, str | int]

SHARE_TOLERANCE = 0.02  # a finer grid, and holes, may change the share by that much
SHOWN = 5  # files named in a warning
COLUMNS = ("file", "label", "specimen", "sample", "light", "angle", "rock", "share", "seed")


@dataclass(frozen=True)
class Shot:
    """Field ``field`` of a specimen, to be photographed in one view or in several: one sample."""

    label: str
    specimen: int
    field: int
    views: tuple[View, ...]

    @property
    def sample(self) -> str:
        """Name of the sample: what is left of its files' names without light and angle."""
        return f"{self.label}/{self.label}-{self.specimen:02d}-{self.field:02d}"

    def file(self, view: View) -> str:
        """Path of a photo, relative to the data set's folder."""
        angle = "" if view.angle_deg is None else f"_{_written(view.angle_deg):0>3}"
        return f"{self.sample}-{view.light}{angle}.jpg"


def plan(seed: int, settings: RenderSettings) -> list[Shot]:
    """
    Every field of the data set, in the order of its table, with the photos to take of it.

    With ``settings.lights`` together, each field is photographed in plane-polarised light and between
    crossed polarisers, there at each of ``settings.angles``. Otherwise it is photographed in one
    light, between crossed polarisers with probability ``settings.crossed``.
    """
    return [
        Shot(label, specimen, field, _views(seed, label, specimen, field, settings))
        for label in settings.minerals
        for specimen in range(settings.specimens)
        for field in range(settings.fields)
    ]


def _views(
    seed: int, label: str, specimen: int, field: int, settings: RenderSettings
) -> tuple[View, ...]:
    if settings.lights == "together":
        crossed = [View("xpl", angle) for angle in settings.angles] or [View("xpl")]
        return View("ppl"), *crossed
    chance = generator(seed, "render", "light", label, specimen, field).random()
    return (View("xpl" if chance < settings.crossed else "ppl"),)


def _written(angle_deg: float | None) -> str:
    return "" if angle_deg is None else f"{angle_deg:g}"


def write_dataset(
    folder: Path,
    seed: int,
    settings: RenderSettings,
    *,
    workers: int = 0,
    mask: bool = False,
) -> int:
    """
    Render the data set into ``folder``, which appears complete or not at all.

    Parameters
    ----------
    workers : processes; 0 for one per core. The bytes don't depend on it.
    mask : also write the mineral map of every photo, as a PNG in ``masks/``

    Returns
    -------
    n_photos : number of photos written

    Raises
    ------
    InputError
        If a mineral is unknown, or the folder can't be written.
    """
    check_minerals(settings.minerals, "render.minerals")
    shots = plan(seed, settings)
    with disk_errors(folder), writing_folder(folder) as partial:
        for label in settings.minerals:
            (partial / label).mkdir()
            if mask:
                (partial / "masks" / label).mkdir(parents=True)
        rows = _take_all(shots, partial, seed, settings, workers or n_cores(), mask)
        with progress("rendering", sum(len(shot.views) for shot in shots)) as shown:
            written = _write_table(partial / "photos.csv", _counted(rows, shown))
    _tell_departures(written, settings)
    return len(written)


def _tell_departures(rows: list[Row], settings: RenderSettings) -> None:
    """Say which photos are not as asked, where grains are too large for the share wanted."""
    least, greatest = settings.share
    asked = f"share {least:g} to {greatest:g} with grains of this size (grain_radius_um)"
    smaller = [str(row["file"]) for row in rows if row["smaller_grains"]]
    off = [
        f"{row['file']} ({row['share']})"
        for row in rows
        if not least - SHARE_TOLERANCE <= float(row["share"]) <= greatest + SHARE_TOLERANCE
    ]
    for files, what in ((smaller, "smaller grains"), (off, "the share that came nearest")):
        if files:
            shown = ", ".join(files[:SHOWN]) + ", ..." * (len(files) > SHOWN)
            print(f"WARNING: {len(files)} photos have {what}, for no field had {asked}: {shown}")


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn errors of the operating system while writing ``folder`` into an InputError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = "the disk is full. Free some space, or write elsewhere"
        else:
            reason = f"it can't be written ({error.strerror or error}). Write elsewhere"
        raise InputError(f"{folder}: {reason}; nothing was written.") from None


def _counted(rows: Iterator[Row], shown: Progress) -> Iterator[Row]:
    for row in rows:
        shown.advance(str(row["specimen"]))
        yield row


def _take_all(
    shots: list[Shot], folder: Path, seed: int, settings: RenderSettings, workers: int, mask: bool
) -> Iterator[Row]:
    jobs = [(shot, folder, seed, settings, mask) for shot in shots]
    if workers == 1 or len(shots) < 4:
        for job in jobs:
            yield from _take(job)
        return
    with worker_processes(min(workers, len(shots))) as pool:
        for rows in pool.map(_take, jobs, chunksize=4):
            yield from rows


def _take(job: tuple[Shot, Path, int, RenderSettings, bool]) -> list[Row]:
    shot, folder, seed, settings, mask = job
    specimen = specimen_of(seed, shot.label, shot.specimen, settings)
    with threadpool_limits(1):  # sums must not depend on the number of threads
        photos = photos_of(shot, specimen, settings)
    rows: list[Row] = []
    for view, photo in zip(shot.views, photos, strict=True):
        file = shot.file(view)
        (folder / file).write_bytes(jpeg(photo.pixels, specimen.camera.quality))
        if mask:
            write_mineral_map((folder / "masks" / file).with_suffix(".png"), photo.minerals)
        rows.append(
            {
                "file": file,
                "label": shot.label,
                "specimen": specimen.name,
                "sample": shot.sample,
                "light": view.light,
                "angle": _written(view.angle_deg),
                "rock": specimen.rock,
                "share": f"{photo.share:.4f}",
                "seed": seed,
                "smaller_grains": photo.radius_um < specimen.radius_um,
            }
        )
    return rows


def specimen_of(seed: int, label: str, number: int, settings: RenderSettings) -> Specimen:
    """Specimen ``number`` of a mineral under these settings."""
    return _drawn(
        seed,
        label,
        number,
        grain_radius_um=(settings.grain_radius_um[0], settings.grain_radius_um[1]),
        alteration=settings.alteration,
        automatic_exposure=settings.automatic_exposure,
        colour_cast=settings.colour_cast,
        flaws=tuple(settings.flaws),
    )


_drawn = lru_cache(maxsize=4)(
    draw_specimen
)  # the fields of a specimen are rendered one after the other


def photos_of(shot: Shot, specimen: Specimen, settings: RenderSettings) -> list[Photo]:
    """The photos of a shot, one for each view."""
    return take_photos(
        specimen,
        shot.field,
        shot.views,
        width=settings.width,
        height=settings.height,
        share=(settings.share[0], settings.share[1]),
        supersample=settings.supersample,
    )


def _write_table(path: Path, rows: Iterator[Row]) -> list[Row]:
    """Write the columns of the table as the rows come, and return the rows, whole."""
    written = []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            written.append(row)
    return written
