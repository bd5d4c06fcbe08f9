"""Finding new photos: in files, folders, patterns and archives."""

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from thinsection.base.errors import InputError
from thinsection.ingest.archives import SUFFIXES, Limits, is_archive, unpack_archive
from thinsection.ingest.photo_table import (
    portable,
    read_photo_table,
    same_form,
    table_of,
    tables_named_otherwise,
)
from thinsection.ingest.sources import TABLE, FoundFile, left_by_programs, list_folder, table_name

LIMITS = Limits(files=200_000, total_bytes=50_000_000_000, ratio=200)  # of an archive


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
            for path in _matches(name):
                found += _photos_of(path, place)
        if not found:
            raise InputError(
                f"{', '.join(given)}: contains no file. Give photos, or folders with photos."
            )
        yield found


def _matches(name: str) -> list[Path]:
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
    return [NewPhoto(table_name(path.as_posix()), path, path.resolve().parent.name)]


def _of_folder(files: list[FoundFile], root: str, own: str) -> list[NewPhoto]:
    """The photos among the files of a folder or archive; a photos.csv may give specimens."""
    specimens = _specimens(files, root)
    return [
        NewPhoto(
            f"{table_name(root)}/{file.name}",
            file.path,
            specimens.get(file.name) or file.name.rpartition("/")[0] or own,
            file.problem,
        )
        for file in files
        if file.name != TABLE and not left_by_programs(file.name)
    ]


def _specimens(files: list[FoundFile], root: str) -> dict[str, str]:
    """
    What a photos.csv gives as specimen, by file.

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
    rows = read_photo_table(table.path, ("file",), ("specimen",))
    told = {table_name(portable(row["file"])): row["specimen"] for _, row in rows}
    by_form = {same_form(name): specimen for name, specimen in told.items()}
    found = {
        file.name: by_form[form] for file in files if (form := same_form(file.name)) in by_form
    }
    if told and not found:
        raise InputError(
            f"{root}/{TABLE}: none of the files that it names is there, such as {next(iter(told))!r}. "
            "Names are paths below its folder. Correct or remove it."
        )
    return found
