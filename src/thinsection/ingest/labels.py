"""The labels of files, from class folders or from a photos.csv."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from thinsection.base.errors import InputError
from thinsection.ingest.naming import ANGLES, degrees, expression, read_names
from thinsection.ingest.photo_table import (
    plain,
    portable,
    read_photo_table,
    same_form,
    table_of,
)
from thinsection.ingest.sources import TABLE, FoundFile, table_name

REQUIRED = ("file", "label")
OPTIONAL = ("specimen", "grain", "sample", "light", "angle")
LIGHTS = ("ppl", "xpl", "")


@dataclass(frozen=True)
class Candidate:
    """
    A file that should be a photo, and what the user says about it; unknown is empty.

    Attributes
    ----------
    sample : photos of one sample show one place on the stage
    angle : of the stage, degrees, in the form of ``degrees``
    place : what the file's name says of the place (``Named``), where light or angle are in it
    """

    photo_id: str
    path: Path
    label: str
    specimen: str = ""
    grain: str = ""
    light: str = ""
    sample: str = ""
    angle: str = ""
    place: str = ""


@dataclass(frozen=True)
class Rejected:
    """A file that is not used, and why: ``kind``, or ``kind: detail``."""

    file: str
    reason: str

    @property
    def kind(self) -> str:
        """The reason without its detail."""
        return self.reason.partition(":")[0]


def label_files(
    files: list[FoundFile],
    specimen_pattern: str | None,
    light_pattern: str | None,
    angle_pattern: str | None = None,
) -> tuple[list[Candidate], list[Rejected]]:
    """
    Each file of a data set, either as a candidate with its label or as rejected.

    If there is a photos.csv at the root, it gives the labels; otherwise the first folder of a
    file's path does.

    Parameters
    ----------
    files : all files, as ``list_folder`` or ``unpack_archive`` give them
    specimen_pattern, light_pattern, angle_pattern : ``{specimen}``, ``{light}`` and ``{angle}`` among text
        that stands for itself, or regular expressions whose first group is it; searched in the path
        below the class folder for what is not known otherwise. For light and angle also ``auto``
        (``read_names``)

    Raises
    ------
    InputError
        With every bad row of the photos.csv, or every light that is neither ppl nor xpl and every
        angle that is none.
    """
    table = table_of(files)
    if table is not None:
        others = [file for file in files if file is not table]
        candidates, rejected = _by_table(table.path, others)
    else:
        candidates, rejected = _by_folder(files)
    return with_patterns(candidates, specimen_pattern, light_pattern, angle_pattern), rejected


def _by_folder(files: list[FoundFile]) -> tuple[list[Candidate], list[Rejected]]:
    candidates, rejected = [], []
    for file in files:
        if file.problem:
            rejected.append(Rejected(file.name, file.problem))
        elif "/" not in file.name:
            rejected.append(Rejected(file.name, "no label: not in a class folder"))
        else:
            label = plain(file.name.partition("/")[0])
            candidates.append(Candidate(file.name, file.path, label))
    return candidates, rejected


def _by_table(path: Path, files: list[FoundFile]) -> tuple[list[Candidate], list[Rejected]]:
    by_name = {file.name: file for file in files}
    by_same_form = {same_form(file.name): file for file in files}
    candidates: dict[str, Candidate] = {}
    rejected: dict[str, Rejected] = {}
    problems: list[str] = []
    first_row: dict[str, int] = {}
    for number, row in read_photo_table(path, REQUIRED, OPTIONAL):
        name = table_name(portable(row["file"]))
        file = by_name.get(name) or by_same_form.get(same_form(name))
        if file is None:
            problems.append(
                f"row {number}: file {row['file']!r} does not exist. Correct the name or delete "
                "the row; paths are relative to the folder of photos.csv."
            )
            continue
        if file.name in first_row:
            problems.append(
                f"row {number}: file {row['file']!r} is already in row {first_row[file.name]}. "
                "Delete one of the two rows."
            )
            continue
        first_row[file.name] = number
        if wrong := _wrong_in(row):
            problems.append(f"row {number}: {wrong}. Correct it.")
        elif file.problem:
            rejected[file.name] = Rejected(file.name, file.problem)
        elif not row["label"]:
            rejected[file.name] = Rejected(file.name, f"no label: empty in {TABLE} row {number}")
        else:
            known = {name: row[name] for name in ("label", "specimen", "grain", "sample")}
            angle = degrees(row["angle"]) or ""
            candidates[file.name] = Candidate(
                file.name, file.path, light=row["light"].lower(), angle=angle, **known
            )
    if problems:
        raise InputError.of_all(str(path), problems)
    for file in files:
        if file.name not in candidates and file.name not in rejected:
            reason = file.problem or f"no label: not listed in {TABLE}"
            rejected[file.name] = Rejected(file.name, reason)
    return list(candidates.values()), list(rejected.values())


def _wrong_in(row: dict[str, str]) -> str:
    """What light or angle of a row are that they can't be; empty if nothing."""
    if row["light"].lower() not in LIGHTS:
        return f"light is {row['light']!r}; allowed: ppl, xpl or empty"
    if row["angle"] and degrees(row["angle"]) is None:
        return f"angle is {row['angle']!r}; allowed: {ANGLES}, or empty"
    return ""


def renamed(candidates: list[Candidate], labels: Mapping[str, str]) -> list[Candidate]:
    """
    The candidates under other labels.

    Parameters
    ----------
    labels : old label -> new one; each is renamed once

    Raises
    ------
    InputError
        If no photo has an old label, with those nearest to it.
    """
    found = sorted({photo.label for photo in candidates})
    new = {plain(old): plain(name) for old, name in labels.items()}
    problems = []
    for old in new:
        if old not in found:
            near = get_close_matches(old, found) or found
            problems.append(
                f"no photo is labelled {in_quotes(old)}; there are "
                f"{', '.join(map(in_quotes, near))}. Correct or remove it."
            )
    if problems:
        raise InputError.of_all("dataset.labels", problems)
    return [replace(photo, label=new.get(photo.label, photo.label)) for photo in candidates]


def in_quotes(name: str) -> str:
    r"""A name in double quotes, as YAML takes it; signs that can't be told by eye as ``\u200b``."""
    looks_like_another = any(
        unicodedata.category(sign) in ("Cf", "Mn", "Pd", "Zs") and sign not in " -" for sign in name
    )
    return json.dumps(name, ensure_ascii=looks_like_another)


def with_patterns(
    candidates: list[Candidate],
    specimen_pattern: str | None,
    light_pattern: str | None,
    angle_pattern: str | None = None,
) -> list[Candidate]:
    """
    The candidates with what the patterns take from their names, where it is not known otherwise.

    Raises
    ------
    InputError
        With every light that is neither ppl nor xpl, and every angle that is none.
    """
    names = read_names(
        [photo.photo_id for photo in candidates],
        light_pattern,
        angle_pattern,
        [photo.label for photo in candidates],
    )
    complete, bad = [], []
    specimen_pattern = expression(specimen_pattern)
    for photo, named in zip(candidates, names, strict=True):
        light = photo.light or named.light
        angle = photo.angle or (degrees(named.angle) if named.angle else "")
        if light not in LIGHTS:
            bad.append(
                f"{photo.photo_id}: dataset.light_pattern gives {light!r} as light; allowed: "
                "ppl, xpl. Correct the pattern or rename the file."
            )
        if angle is None:
            bad.append(
                f"{photo.photo_id}: dataset.angle_pattern gives {named.angle!r} as angle; allowed: "
                f"{ANGLES}. Correct the pattern or rename the file."
            )
        complete.append(
            replace(
                photo,
                specimen=photo.specimen or _matched(specimen_pattern, photo),
                light=light,
                angle=angle or "",
                place=named.place,
            )
        )
    if bad:
        raise InputError.of_all("dataset.path", bad)
    return complete


def _matched(pattern: str | None, photo: Candidate) -> str:
    if not pattern:
        return ""
    folder, _, rest = photo.photo_id.partition("/")
    found = re.search(pattern, rest or folder)
    return (found[1] or "") if found else ""
