"""The files of a data set: every file in a folder, by its path relative to the root."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from thinsection.base.errors import InputError

TABLE = "photos.csv"

# Files and folders that no owner of photos has made, in lower case. So has what begins with a dot.
OF_PROGRAMS = (
    "__macosx",
    "__pycache__",
    "icon\\r",  # of a Mac's folder, as ``table_name`` writes it
    "network trash folder",
    "temporary items",
    "$recycle.bin",
    "recycler",
    "system volume information",
    "desktop.ini",
    "thumbs.db",
    "ehthumbs.db",
    "lost+found",
    "@eadir",  # Synology
    "#recycle",
    "#snapshot",
    "@recycle",  # QNAP
    "@recently-snapshot",
)
ENDINGS_OF_PROGRAMS = (".partial", ".pyc")  # being written, or a cache; .dvcignore has them too
LEFT = "hidden: left by a file manager, a notebook or a system"


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

    A folder that is not looked into, for it is none of the owner's or may not be read, is listed as one.

    A link to a file inside the folder is that file. Any other link, anything that is not a plain file, and
    what file managers and the like leave behind (``left_by_programs``) is listed with its problem. No link to a
    folder is entered: DVC would not notice that it leads elsewhere now, and what it leads to inside the
    data set is listed at its own place.

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
    if not os.access(root, os.R_OK | os.X_OK):
        raise InputError(f"dataset.path: {root} can't be read. Change its permissions.")
    found: list[FoundFile] = []
    _walk(root, root.resolve(), "", found)
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


def left_by_programs(name: str) -> bool:
    """
    Whether a file is none of the owner's: left by a file manager, a notebook, a NAS or a system.

    Parameters
    ----------
    name : path below the data set's root, with ``/``; a folder's name counts for all that is in it
    """
    parts = name.casefold().split("/")
    return any(
        part in OF_PROGRAMS
        or part.endswith(ENDINGS_OF_PROGRAMS)
        or (part.startswith(".") and part not in (".", ".."))
        for part in parts
    )


def _walk(folder: Path, inside: Path, above: str, found: list[FoundFile]) -> None:
    for entry in os.scandir(folder):
        path = folder / entry.name
        name = table_name(above + entry.name)
        problem = problem_of_name(name)
        if not entry.is_dir(follow_symlinks=False):
            found.append(FoundFile(name, path, problem or _problem_of(path, inside)))
        elif problem or not os.access(path, os.R_OK | os.X_OK):
            found.append(FoundFile(name, path, problem or "unreadable: Permission denied"))
        else:
            _walk(path, inside, f"{above}{entry.name}/", found)


def problem_of_name(name: str) -> str:
    """Why a file of this name is not used; empty if it may be."""
    return LEFT if left_by_programs(name) else ""


def _problem_of(path: Path, inside: Path) -> str:
    """Why this is no file to read; empty if it is one."""
    if path.is_symlink():
        target = Path(os.path.realpath(path))
        if not target.exists():
            return "not an image: link to nothing"
        if not target.is_relative_to(inside):
            return "not an image: link that leads out of the data set"
        if target.is_dir():
            return "not an image: link to a folder, which is not followed"
    return "" if stat.S_ISREG(path.stat().st_mode) else "not an image: not a plain file"
