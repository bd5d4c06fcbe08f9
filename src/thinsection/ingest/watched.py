"""What DVC makes of a data set: where it stops, and what it would not notice a change of."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from thinsection.base.errors import InputError
from thinsection.ingest.sources import left_by_programs, table_name

ALWAYS_IGNORED = (".git", ".hg", ".dvc")  # by DVC, whatever .dvcignore says


def check_watched(path: Path) -> None:
    """
    Stop where a result could be stale: something would be read that DVC doesn't watch.

    Raises
    ------
    InputError
        With everything that ``problems_for_dvc`` finds.
    """
    if problems := problems_for_dvc(path):
        raise InputError.of_all(f"dataset.path: {path}", problems)


def problems_for_dvc(path: Path, project: Path | None = None) -> list[str]:
    """
    Why ``dvc repro`` would stop at a data set, or would call a result up to date that is not.

    DVC hashes every file of the folder, a link to a file by what it leads to, and enters no link
    to a folder (as ``list_folder``). Of what lies in the project it leaves out what .dvcignore
    says, and any folder that is a DVC project of its own.

    Parameters
    ----------
    path : folder or archive
    project : folder of dvc.yaml; the working directory where it is not given
    """
    project = Path.cwd() if project is None else project
    if "${" in str(path):
        return ["DVC would put a parameter where its name says ${. Rename it."]
    ignored = _ignored(project)
    # not resolved: DVC, too, takes a link by the place where it lies
    inside = Path(os.path.abspath(path)).is_relative_to(project)
    if inside and ignored.match_file(_below(project, os.path.abspath(path)) + "/"):
        return [f"DVC ignores this place (.dvcignore), {_STALE} Move the photos to another folder."]
    return sorted(_problems(path, project, ignored, inside)) if path.is_dir() else []


_STALE = "so it would call a result up to date that is not."


def _problems(path: Path, project: Path, ignored: GitIgnoreSpec, inside: bool) -> Iterator[str]:
    unreadable: list[OSError] = []
    for folder, folders, files in os.walk(path, onerror=unreadable.append):
        if inside and ".dvc" in folders:
            name = _below(path, os.path.join(folder, ".dvc"))
            yield f"{name} makes its folder a DVC project of its own, {_STALE} Remove {name}."
        for name in files:
            place = os.path.join(folder, name)
            shown = _below(path, place)
            if wrong := _not_taken(name, place, inside):
                yield f"'{shown}' {wrong}"
            elif (
                inside
                and not left_by_programs(shown)
                and ignored.match_file(_below(project, os.path.abspath(place)))
            ):
                yield f"'{shown}' is ignored by DVC (.dvcignore), {_STALE} Rename it."
        for name in folders:
            if not _is_utf8(name):
                yield f"'{_below(path, os.path.join(folder, name))}' {_NOT_UTF8}"
    for error in unreadable:
        shown = _below(path, os.fspath(error.filename))
        yield f"'{shown}' can't be read ({error.strerror}). Change its permissions."


_NOT_UTF8 = "has a name that is not UTF-8, at which DVC stops. Rename it."


def _not_taken(name: str, place: str, inside: bool) -> str:
    """Why DVC stops at a file; empty if it does not."""
    if not _is_utf8(name):
        return _NOT_UTF8
    if not os.path.exists(place):
        return "is a link to nothing, at which DVC stops. Remove it."
    if not stat.S_ISREG(os.stat(place).st_mode):
        return "is a pipe or a device, at which DVC waits for ever. Remove it."
    if not os.access(place, os.R_OK):
        return "can't be read (Permission denied). Change its permissions."
    if name == ".dvcignore" or (inside and (name == "dvc.yaml" or name.endswith(".dvc"))):
        return "is a file of DVC's own, at which it stops inside a data set. Remove it."
    return ""


def _ignored(project: Path) -> GitIgnoreSpec:
    try:
        lines = (project / ".dvcignore").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    return GitIgnoreSpec.from_lines([*ALWAYS_IGNORED, *lines])


def _below(root: Path, place: str) -> str:
    return table_name(Path(os.path.relpath(place, root)).as_posix())


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
