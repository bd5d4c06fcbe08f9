"""The files of a data set: every file in a folder, by its path relative to the root."""

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
    name : path relative to the data set's root, with ``/``, as displayed and stored
    path : where its bytes are
    problem : why it can't be opened as a photo; empty if it can
    """

    name: str
    path: Path
    problem: str = ""


def list_folder(root: Path) -> list[FoundFile]:
    """
    Every file below a folder, sorted by name, whatever the order of the file system.

    Links that stay inside the folder are followed; other links, broken links and anything
    that is not a plain file are listed with their problem.

    Raises
    ------
    InputError
        If the folder is missing or contains no file.
    """
    if not root.is_dir():
        raise InputError(
            f"dataset.path: {root} is not a folder. Allowed: a folder of class folders, a folder "
            "with a photos.csv, or a .zip or .tar archive of either. Correct dataset.path."
        )
    inside = root.resolve()
    found: list[FoundFile] = []
    _walk(root, inside, (), found)
    if not found:
        raise InputError(
            f"dataset.path: {root} is empty. Put photos into it: one folder for each class, or "
            "any folders with a photos.csv (file, label)."
        )
    return sorted(found, key=lambda file: file.name)


def table_name(name: str) -> str:
    r"""
    A file's name for use in tables: always valid UTF-8, without carriage returns.

    A byte that is not UTF-8 becomes ``\xff``, a carriage return ``\r``; the rest is unchanged.
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
            _walk(path, inside, (*above, here), found)
        else:
            found.append(FoundFile(name, path, problem))


def _below(above: tuple[Path, ...], folder: Path) -> tuple[str, ...]:
    return folder.parts[len(folder.parts) - len(above) :] if above else ()


def _problem_of(
    entry: "os.DirEntry[str]", path: Path, inside: Path, above: tuple[Path, ...]
) -> str | None:
    """Why this is not a readable file; empty if it is one, None if it is a folder to enter."""
    if entry.is_symlink():
        target = Path(os.path.realpath(path))
        if not target.exists():
            return "not an image: link to nothing"
        if not target.is_relative_to(inside):
            return "not an image: link to a place outside the data set"
        if target in above:
            return "not an image: link to a folder that contains it"
    if entry.is_dir():
        return None
    return "" if stat.S_ISREG(entry.stat().st_mode) else "not an image: not a plain file"
