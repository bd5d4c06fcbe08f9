"""Files and folders that appear complete or not at all, and hashes of files."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Any, Literal

from thinsection.base.errors import InputError

Output = Literal["file", "folder", "whole folder"]


def check_output(path: Path, kind: Output, option: str = "") -> None:
    """
    Check before any work that an output can be written when the work is done.

    Parameters
    ----------
    kind : ``file``; ``folder`` that files are added to; ``whole folder`` that is replaced
    option : the option with which the user named it, e.g. ``--csv``

    Raises
    ------
    InputError
        If ``path`` exists but is something else (a folder instead of a file, a device, ...), is
        below a file, may not be written, has too long a name, or is a folder that can't be replaced.
    """
    try:
        wrong = _obstacle(path, kind)
    except OSError as error:  # not even looked at
        wrong = f"can't be written ({error.strerror})"
    if wrong:
        allowed = "a file" if kind == "file" else "a folder"
        raise InputError(
            f"{option}{': ' if option else ''}{path} {wrong}. Allowed: {allowed} to make, in a place "
            "that you may write to. Name another."
        )


def _obstacle(path: Path, kind: Output) -> str:  # noqa: C901 - a list, read from top to bottom
    """Why an output can't be written at ``path``; empty if it can."""
    if kind == "file":
        if path.is_dir():
            return "is a folder"
        if path.exists() and not path.is_file():
            return "is a device, pipe or socket"
    elif path.exists() and not path.is_dir():
        return "is a file" if path.is_file() else "is a device, pipe or socket"
    elif path.is_symlink() and not path.exists() and kind == "folder":
        return "is a link to nothing"
    place = Path(os.path.realpath(path)) if kind == "whole folder" else path
    if kind == "whole folder" and (place == Path.cwd() or place in Path.cwd().parents):
        return "is the folder that you are in, or contains it"
    if kind != "folder":
        place.with_name(f".{place.name}.aside.partial").exists()  # may its name be so long?
        place = place.parent
    while not os.path.lexists(place):
        place.exists()
        place = place.parent
    if not place.is_dir():
        return (
            f"can't be written: {place} is {'no folder' if place.exists() else 'a link to nothing'}"
        )
    if not os.access(place, os.W_OK | os.X_OK):
        return f"can't be written: you may not write to the folder {place}"
    return ""


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """
    A temporary path next to ``path``, renamed to it when the block succeeds.

    A reader of ``path`` sees the old file or the new one, never an incomplete one. If the
    block fails, the temporary file is removed and ``path`` is unchanged.

    Raises
    ------
    InputError
        As ``check_output`` does.
    """
    check_output(path, "file")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """
    The content of a JSON file that a stage wrote.

    Raises
    ------
    InputError
        If it is missing or not whole.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file. Run `dvc repro` to make it.") from None
    except ValueError as error:
        raise InputError(
            f"{path}: not whole ({error}). Run `dvc repro` to make it again."
        ) from None


def write_json(content: Any, path: Path) -> None:
    """Write ``content`` as JSON, completely or not at all; the same values give the same bytes."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
    with writing(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8", newline="\n")


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """
    A temporary folder next to ``path`` that replaces it when the block succeeds.

    If the block fails, the temporary folder is removed and ``path`` is unchanged. A process that
    is killed leaves the complete old folder or the complete new one: at ``path`` or, if it was
    killed between the two renames, next to it, from where the next call restores it.

    Raises
    ------
    InputError
        As ``check_output`` does.
    """
    check_output(path, "whole folder")
    path = path.resolve()  # of a link, the target is replaced, not the link
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    aside = path.with_name(f".{path.name}.aside.partial")
    shutil.rmtree(partial, ignore_errors=True)
    _tidy(path, partial, aside)
    partial.mkdir()
    try:
        yield partial
        if path.is_dir():  # a folder that is not empty can't be replaced in one step
            path.replace(aside)
        partial.replace(path)
    finally:
        _tidy(path, partial, aside)


def _tidy(path: Path, partial: Path, aside: Path) -> None:
    """Remove the temporary folders; if ``path`` is missing, restore it from ``aside`` first."""
    if aside.is_dir():  # it is never deleted under this name, so it is complete
        aside.replace(partial if path.exists() else path)
    shutil.rmtree(partial, ignore_errors=True)


def hash_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
