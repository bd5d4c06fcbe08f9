"""Files and folders that appear whole or not at all, and what tells one file from another."""

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
    A temporary path beside ``path``, renamed to it when the block ends well.

    Whoever reads ``path`` sees the old file or the new one, never half of one. When the
    block fails, the temporary file is removed and ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(content: Any, path: Path) -> None:
    """Write ``content`` as JSON, whole or not at all, the same bytes for the same values."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
    with writing(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8", newline="\n")


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """
    A temporary folder beside ``path`` that replaces it when the block ends well.

    When the block fails, the temporary folder is removed and ``path`` is as it was. A process that
    is killed leaves the old folder or the new one, whole: at ``path`` or, in the moment between two
    renames, beside it, from where the next start puts it back.
    """
    path = path.resolve()  # of a link, the folder that it leads to is replaced, not the link
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    aside = path.with_name(f".{path.name}.aside.partial")
    shutil.rmtree(partial, ignore_errors=True)
    _tidy(path, partial, aside)
    partial.mkdir()
    try:
        yield partial
        if path.is_dir():  # no folder that holds something can be replaced at one stroke
            path.replace(aside)
        partial.replace(path)
    finally:
        _tidy(path, partial, aside)


def _tidy(path: Path, partial: Path, aside: Path) -> None:
    """Remove what lies beside ``path``; what was renamed to ``aside`` goes back if nothing came."""
    if aside.is_dir():  # never removed under this name, so what bears it is whole
        aside.replace(partial if path.exists() else path)
    shutil.rmtree(partial, ignore_errors=True)


def hash_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
