"""Finding new photos: in files, folders, patterns and archives."""

import glob
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from thinsection.base.errors import InputError
from thinsection.ingest.archives import SUFFIXES, Limits, is_archive, unpack_archive
from thinsection.ingest.naming import degrees, read_names, same_place
from thinsection.ingest.photo_table import (
    portable,
    read_photo_table,
    same_form,
    table_of,
    tables_named_otherwise,
)
from thinsection.ingest.sources import TABLE, FoundFile, left_by_programs, list_folder, table_name

LIGHTS = ("ppl", "xpl")
LIMITS = Limits(files=200_000, total_bytes=50_000_000_000, ratio=200)  # of an archive


@dataclass(frozen=True)
class NewPhoto:
    """
    A file that should be a photo.

    Attributes
    ----------
    name : as displayed; path : where its bytes are
    specimen : from photos.csv, otherwise the folder that contains it
    sample : photos of one sample show one place; from photos.csv, otherwise from its name; empty:
        it is a sample of its own
    light : ppl | xpl, or empty if neither photos.csv nor its name says it
    angle_deg : of the stage; NaN if neither says it
    problem : why it can't be opened; empty if it can
    """

    name: str
    path: Path
    specimen: str
    problem: str = ""
    sample: str = ""
    light: str = ""
    angle_deg: float = math.nan


@contextmanager
def new_photos(given: list[str]) -> Iterator[list[NewPhoto]]:
    """
    The photos given on the command line, for the duration of the block.

    Parameters
    ----------
    given : files, folders with everything below them, patterns (``*``, ``**``), archives

    Raises
    ------
    InputError
        If something doesn't exist, there is no file at all, or an archive is damaged.
    """
    with TemporaryDirectory() as unpacked:
        found: list[NewPhoto] = []
        for number, name in enumerate(given):
            place = Path(unpacked) / str(number)
            for path in matches(name):
                found += _photos_of(path, place)
        if not found:
            raise InputError(
                f"{', '.join(given)}: contains no file. Give photos, or folders with photos."
            )
        yield _with_samples(found)


def _with_samples(photos: list[NewPhoto]) -> list[NewPhoto]:
    """The photos with what their names say of light and sample, as ingestion reads them."""
    named = read_names([photo.name for photo in photos])
    return [
        replace(
            photo,
            light=photo.light or (name.light if name.light in LIGHTS else ""),
            sample=photo.sample or same_place(name.place),
            angle_deg=_angle(name.angle) if math.isnan(photo.angle_deg) else photo.angle_deg,
        )
        for photo, name in zip(photos, named, strict=True)
    ]


def _angle(text: str) -> float:
    """The angle that a text says; NaN if it says none."""
    return float(degrees(text) or math.nan)


def matches(name: str) -> list[Path]:
    """What a name on the command line stands for: a file or folder, or all that match a pattern."""
    path = Path(name)
    if path.exists():
        return [path]
    matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - may be absolute
    if not matches:
        raise InputError(
            f"{name}: no such file or folder, and nothing matches it as a pattern. "
            f"Allowed: photos, folders, patterns like 'photos/*.jpg', archives ({', '.join(SUFFIXES)})."
        )
    return [Path(match) for match in matches]


def _photos_of(path: Path, place: Path) -> list[NewPhoto]:
    if path.is_dir():
        return _of_folder(list_folder(path), path.as_posix(), path.resolve().name)
    if is_archive(path):
        place.mkdir(exist_ok=True)
        folder = Path(place) / str(len(list(place.iterdir())))
        folder.mkdir()
        return _of_folder(unpack_archive(path, folder, LIMITS), path.as_posix(), path.name)
    problem = "" if path.is_file() else "not an image: not a plain file"
    return [NewPhoto(table_name(path.as_posix()), path, path.resolve().parent.name, problem)]


def _of_folder(files: list[FoundFile], root: str, own: str) -> list[NewPhoto]:
    """The photos among the files of a folder or archive; a photos.csv may tell more of them."""
    told = _told(files, root)
    return [
        NewPhoto(
            f"{table_name(root)}/{file.name}",
            file.path,
            told.get(file.name, {}).get("specimen") or file.name.rpartition("/")[0] or own,
            file.problem,
            sample=f"{root}: {sample}" if (sample := told.get(file.name, {}).get("sample")) else "",
            light=told.get(file.name, {}).get("light", "").lower(),
            angle_deg=_angle(told.get(file.name, {}).get("angle", "")),
        )
        for file in files
        if file.name != TABLE and not left_by_programs(file.name)
    ]


def _told(files: list[FoundFile], root: str) -> dict[str, dict[str, str]]:
    """
    What a photos.csv gives as specimen, sample, light and angle, by file.

    Raises
    ------
    InputError
        If it can't be read, or names no file that is there.
    """
    table = table_of(files)
    if table is None:
        ignored = tables_named_otherwise(files, ("file", "specimen"))
        for each in ignored:
            print(f"{root}: the table {each}")
        return {}
    rows = read_photo_table(table.path, ("file",), ("specimen", "sample", "light", "angle"))
    told = {table_name(portable(row["file"])): row for _, row in rows}
    by_form = {same_form(name): row for name, row in told.items()}
    found = {
        file.name: by_form[form] for file in files if (form := same_form(file.name)) in by_form
    }
    if told and not found:
        raise InputError(
            f"{root}/{TABLE}: none of the files that it names is there, such as {next(iter(told))!r}. "
            "Names are paths below its folder. Correct or remove it."
        )
    return found
