"""
A .zip or .tar archive as a list of files, unpacked safely.

No name from the archive ever becomes a path: members are written to numbered files in a temporary
folder, and their names are stored in a list. So ``../../.bashrc``, absolute paths, links,
devices, two names that differ only in case, and names too long for the disk do no harm.
"""

import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from thinsection.base.errors import InputError
from thinsection.ingest.sources import (
    TABLE,
    FoundFile,
    left_by_programs,
    problem_of_name,
    table_name,
)

BLOCK = 1 << 20
SMALL = 1 << 20  # bytes up to which any compression ratio of a member is allowed
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
ENCRYPTED = 0x1  # bit of a member's flags in a .zip
DRIVE = re.compile(r"[A-Za-z]:/")
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)
DAMAGED_MEMBER = (*DAMAGED, NotImplementedError, KeyError, ValueError)


@dataclass(frozen=True)
class Limits:
    """Limits of an archive: number of files, total bytes, and ratio to the packed size."""

    files: int
    total_bytes: int
    ratio: float


class _Refused(Exception):
    """The reason why a member is not unpacked."""


def is_archive(path: Path) -> bool:
    """Whether a path is an archive, judged by its name."""
    return path.name.lower().endswith(SUFFIXES)


def unpack_archive(path: Path, into: Path, limits: Limits) -> list[FoundFile]:
    """
    The files of an archive, sorted by name, each unpacked to a numbered file in ``into``.

    A single folder that contains everything else is left out of the names, so zipping
    ``photos/quartz/...`` and zipping ``quartz/...`` give the same result.

    Raises
    ------
    InputError
        If it can't be read, contains no file, or exceeds the limits.
    """
    try:
        members = _zip_members(path) if path.suffix.lower() == ".zip" else _tar_members(path)
        found = list(_unpacked(path, members, into, limits))
    except FileNotFoundError:
        raise InputError(f"dataset.path: {path} does not exist. Correct dataset.path.") from None
    except DAMAGED as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise InputError(
            f"dataset.path: {path} can't be read as an archive ({error}). Allowed: "
            f"{', '.join(SUFFIXES)}. Download or pack it again."
        ) from None
    if not found:
        raise InputError(f"dataset.path: {path} contains no file. Pack the photos again.")
    return sorted(_without_top_folder(found), key=lambda file: file.name)


@dataclass(frozen=True)
class _Member:
    name: str
    problem: str
    packed_bytes: int  # 0 if the format does not give it
    open: Callable[[], IO[bytes] | None]


def _zip_members(path: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            link = (info.external_attr >> 16) & 0o170000 == 0o120000
            problem = "link in an archive" if link else ""
            if info.flag_bits & ENCRYPTED:
                problem = "encrypted; unpack it with its password"
            yield _Member(info.filename, problem, info.compress_size, partial(archive.open, info))


def _tar_members(path: Path) -> Iterator[_Member]:
    with tarfile.open(path) as archive:
        for info in archive:
            if info.isdir():
                continue
            # extractfile follows links, but only to another member
            plain = info.isfile() or info.islnk() or info.issym()
            problem = "" if plain else "not a plain file"
            yield _Member(info.name, problem, 0, partial(archive.extractfile, info))


def _unpacked(
    path: Path, members: Iterator[_Member], into: Path, limits: Limits
) -> Iterator[FoundFile]:
    total = 0
    names: set[str] = set()
    packed = path.stat().st_size
    for number, member in enumerate(members):
        if number >= limits.files:
            raise InputError(
                f"dataset.path: {path} contains more than {limits.files} files "
                "(ingest.max_archive_files). Raise the limit if you trust it."
            )
        name = table_name(member.name.replace("\\", "/").removeprefix("./"))
        target = into / f"{number:07}"
        problem = problem_of_name(name) or member.problem or _wrong_name(name, names)
        names.add(name)
        if not problem:
            allowed = limits.total_bytes - total
            by_ratio = max(SMALL, int(limits.ratio * (member.packed_bytes or packed)))
            try:
                total += _copied(member, target, min(allowed, by_ratio))
            except _Refused as error:
                if by_ratio > allowed:
                    raise InputError(
                        f"dataset.path: {path} unpacks to more than "
                        f"{limits.total_bytes / 1e9:g} GB (ingest.max_archive_gigabytes). "
                        "Raise the limit if you trust it."
                    ) from None
                problem = str(error)
            except DAMAGED_MEMBER as error:
                if isinstance(error, OSError) and error.errno:
                    raise
                problem = f"truncated: damaged in the archive ({error})"
        yield FoundFile(
            name, target, problem if ":" in problem or not problem else f"unreadable: {problem}"
        )


def _wrong_name(name: str, names: set[str]) -> str:
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or DRIVE.match(name):
        return "path leads out of the archive"
    return "this name occurs twice in the archive" if name in names else ""


def _copied(member: _Member, target: Path, at_most: int) -> int:
    """Copy a member to a file; returns the number of bytes."""
    source = member.open()
    if source is None:
        raise _Refused("not a plain file")
    written = 0
    with source, target.open("wb") as file:
        while block := source.read(BLOCK):
            written += len(block)
            if written > at_most:
                file.truncate(0)
                raise _Refused("too large: unpacks to too many times its packed size")
            file.write(block)
    return written


def _without_top_folder(found: list[FoundFile]) -> list[FoundFile]:
    real = [file for file in found if not left_by_programs(file.name)]
    tops = {file.name.partition("/")[0] for file in real}
    deep = any(file.name.count("/") >= 2 or file.name.endswith(f"/{TABLE}") for file in real)
    if len(tops) != 1 or not deep or not all("/" in file.name for file in real):
        return found
    top = f"{tops.pop()}/"
    return [FoundFile(file.name.removeprefix(top), file.path, file.problem) for file in found]
