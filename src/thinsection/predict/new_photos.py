"""Finding new photos: in files, folders, patterns and archives."""

import csv
import glob
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from thinsection.base.errors import InputError
from thinsection.ingest.archives import SUFFIXES, Limits, is_archive, unpack_archive
from thinsection.ingest.sources import TABLE, FoundFile, list_folder, table_name

LIMITS = Limits(files=200_000, total_bytes=50_000_000_000, ratio=200)  # of an archive
NOT_OURS = ("__MACOSX", ".")  # files that file managers leave behind


@dataclass(frozen=True)
class NewPhoto:
    """
    A file that should be a photo.

    Attributes
    ----------
    name : as displayed; path : where its bytes are
    specimen : from photos.csv, otherwise the folder that contains it
    problem : why it can't be opened; empty if it can
    """

    name: str
    path: Path
    specimen: str
    problem: str = ""


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
        yield found


def matches(name: str) -> list[Path]:
    """What a name on the command line stands for: a file or folder, or all that match a pattern."""
    path = Path(name)
    if path.exists():
        return [path]
    matches = sorted(glob.glob(name, recursive=True))
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
    """The photos among the files of a folder or archive; a photos.csv may give specimens."""
    told = {file.name: file.path for file in files}
    specimens = _specimens(told[TABLE]) if TABLE in told else {}
    return [
        NewPhoto(
            f"{table_name(root)}/{file.name}",
            file.path,
            specimens.get(file.name) or file.name.rpartition("/")[0] or own,
            file.problem,
        )
        for file in files
        if file.name != TABLE
        and not any(part.startswith(NOT_OURS) for part in file.name.split("/"))
    ]


def _specimens(table: Path) -> dict[str, str]:
    """The column ``specimen`` of a photos.csv, by file; empty if it can't be read."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error):
        return {}
    return {row.get("file") or "": row.get("specimen") or "" for row in rows}
