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
from thinsection.render.field import Photo, take_photo
from thinsection.render.maps import write_mineral_map
from thinsection.render.minerals import check_minerals
from thinsection.render.specimen import Specimen, draw_specimen
from thinsection.settings import RenderSettings

Row = dict[str, str | int]

SHARE_TOLERANCE = 0.005  # a finer grid's share may lie that far from the photo's
SHOWN = 5  # files named in a warning
COLUMNS = ("file", "label", "specimen", "light", "rock", "share", "seed")


@dataclass(frozen=True)
class Shot:
    """One photo to take: field ``field`` of a specimen, in one light."""

    label: str
    specimen: int
    field: int
    light: str

    @property
    def file(self) -> str:
        """Path relative to the data set's folder, from label, specimen, field and light."""
        return f"{self.label}/{self.label}-{self.specimen:02d}-{self.field:02d}-{self.light}.jpg"


def plan(seed: int, settings: RenderSettings) -> list[Shot]:
    """
    Every photo of the data set, in the order of its table.

    Each field is photographed in one light, between crossed polarisers with probability
    ``settings.crossed``.
    """
    return [
        Shot(label, specimen, field, _light(seed, label, specimen, field, settings.crossed))
        for label in settings.minerals
        for specimen in range(settings.specimens)
        for field in range(settings.fields)
    ]


def _light(seed: int, label: str, specimen: int, field: int, crossed: float) -> str:
    chance = generator(seed, "render", "light", label, specimen, field).random()
    return "xpl" if chance < crossed else "ppl"


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
        with progress("rendering", len(shots)) as shown:
            written = _write_table(partial / "photos.csv", _counted(rows, shown))
    _tell_departures(written, settings)
    return len(shots)


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
        yield from map(_take, jobs)
        return
    with worker_processes(min(workers, len(shots))) as pool:
        yield from pool.map(_take, jobs, chunksize=4)


def _take(job: tuple[Shot, Path, int, RenderSettings, bool]) -> Row:
    shot, folder, seed, settings, mask = job
    specimen = specimen_of(seed, shot.label, shot.specimen, settings)
    with threadpool_limits(1):  # sums must not depend on the number of threads
        photo = photo_of(shot, specimen, settings)
    path = folder / shot.file
    path.write_bytes(jpeg(photo.pixels, specimen.camera.quality))
    if mask:
        write_mineral_map((folder / "masks" / shot.file).with_suffix(".png"), photo.minerals)
    return {
        "file": shot.file,
        "label": shot.label,
        "specimen": specimen.name,
        "light": shot.light,
        "rock": specimen.rock,
        "share": f"{photo.share:.4f}",
        "seed": seed,
        "smaller_grains": photo.radius_um < specimen.radius_um,
    }


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
    )


_drawn = lru_cache(maxsize=4)(
    draw_specimen
)  # the fields of a specimen are rendered one after the other


def photo_of(shot: Shot, specimen: Specimen, settings: RenderSettings) -> Photo:
    """The photo of a shot."""
    return take_photo(
        specimen,
        shot.field,
        width=settings.width,
        height=settings.height,
        share=(settings.share[0], settings.share[1]),
        light=shot.light,
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
