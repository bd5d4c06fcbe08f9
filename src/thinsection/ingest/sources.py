"""What lies in a data set: every file of a folder, each by its path below the root."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from thinsection.base.errors import InputError

TABLE = "photos.csv"


@dataclass(frozen=True)
class FoundFile:
    """
    A file of the data set.

    Attributes
    ----------
    name : path below the data set's root, with ``/``, as it is shown and stored
    path : where its bytes are
    problem : why it can't be opened as a photo; empty if it can
    """

    name: str
    path: Path
    problem: str = ""


def list_folder(root: Path) -> list[FoundFile]:
    """
    Every file below a folder, sorted by name whatever order the file system lists them in.

    A folder that may not be read is listed with its problem, as one entry.
    Links are followed where they stay inside the folder; a link out, a broken one and anything
    that is not a plain file is listed with its problem.

    Raises
    ------
    InputError
        If the folder is missing, may not be read or holds no file.
    """
    if not root.is_dir():
        raise InputError(
            f"dataset.path: {root} is no folder. Allowed: a folder of class folders, a folder "
            "that holds a photos.csv, or a .zip or .tar archive of either. Correct dataset.path."
        )
    inside = root.resolve()
    found: list[FoundFile] = []
    try:
        _walk(root, inside, (), found)
    except OSError as error:
        raise InputError(
            f"dataset.path: {root} can't be read ({error.strerror}). Allow it, or copy the photos "
            "to where they may be read."
        ) from None
    if not found:
        raise InputError(
            f"dataset.path: {root} is empty. Put photos into it: one folder for each class, or "
            "any folders with a photos.csv (file, label)."
        )
    return sorted(found, key=lambda file: file.name)


def table_name(name: str) -> str:
    r"""
    A file's name as tables hold it: always valid UTF-8, never parted by a carriage return.

    A byte that is no UTF-8 becomes ``\xff``, a carriage return ``\r``; all else stays.
    """
    return (
        name.encode("utf-8", "surrogateescape")
        .decode("utf-8", "backslashreplace")
        .replace("\r", r"\r")
    )


def _walk(folder: Path, inside: Path, above: tuple[Path, ...], found: list[FoundFile]) -> None:
    here = folder.resolve()
    for entry in os.scandir(folder):
        path = folder / entry.name
        name = table_name("/".join((*_below(above, folder), entry.name)))
        problem = _problem_of(entry, path, inside, (*above, here))
        if problem is None:
            try:
                _walk(path, inside, (*above, here), found)
                continue
            except OSError as error:  # those below it say so themselves, so it is this folder
                problem = f"unreadable: {error.strerror}"
        found.append(FoundFile(name, path, problem))


def _below(above: tuple[Path, ...], folder: Path) -> tuple[str, ...]:
    return folder.parts[len(folder.parts) - len(above) :] if above else ()


def _problem_of(
    entry: "os.DirEntry[str]", path: Path, inside: Path, above: tuple[Path, ...]
) -> str | None:
    """Why this is no file to read; empty if it is one, None if it is a folder to enter."""
    if entry.is_symlink():
        target = Path(os.path.realpath(path))
        if not target.exists():
            return "not an image: link to nothing"
        if not target.is_relative_to(inside):
            return "not an image: link that leads out of the data set"
        if target in above:
            return "not an image: link to a folder that it lies in"
    if entry.is_dir():
        return None
    return "" if stat.S_ISREG(entry.stat().st_mode) else "not an image: not a plain file"
