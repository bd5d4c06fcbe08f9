"""Files and folders that appear complete or not at all, and hashes of files."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Any


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """
    A temporary path next to ``path``, renamed to it when the block succeeds.

    A reader of ``path`` sees the old file or the new one, never an incomplete one. If the
    block fails, the temporary file is removed and ``path`` is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


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
    """
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
