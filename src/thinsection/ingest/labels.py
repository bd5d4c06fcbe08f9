"""The labels of files, from class folders or from a photos.csv."""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from thinsection.base.errors import InputError
from thinsection.ingest.sources import TABLE, FoundFile, table_name

REQUIRED = ("file", "label")
OPTIONAL = ("specimen", "grain", "light")
LIGHTS = ("ppl", "xpl", "")


@dataclass(frozen=True)
class Candidate:
    """A file that should be a photo, and what the user says about it; unknown is empty."""

    photo_id: str
    path: Path
    label: str
    specimen: str
    grain: str
    light: str


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
    files: list[FoundFile], specimen_pattern: str | None, light_pattern: str | None
) -> tuple[list[Candidate], list[Rejected]]:
    """
    Each file of a data set, either as a candidate with its label or as rejected.

    If there is a photos.csv at the root, it gives the labels; otherwise the first folder of a
    file's path does.

    Parameters
    ----------
    files : all files, from ``list_folder`` or ``unpack_archive``
    specimen_pattern, light_pattern : regular expressions, searched in the path below the class
        folder, whose first group gives a value that is not known otherwise

    Raises
    ------
    InputError
        With every bad row of the photos.csv, or every light that is neither ppl nor xpl.
    """
    table = next((file for file in files if file.name == TABLE and not file.problem), None)
    if table is not None:
        others = [file for file in files if file is not table]
        candidates, rejected = _by_table(table.path, others)
    else:
        candidates, rejected = _by_folder(files)
    return _with_patterns(candidates, specimen_pattern, light_pattern), rejected


def _by_folder(files: list[FoundFile]) -> tuple[list[Candidate], list[Rejected]]:
    candidates, rejected = [], []
    for file in files:
        if file.problem:
            rejected.append(Rejected(file.name, file.problem))
        elif "/" not in file.name:
            rejected.append(Rejected(file.name, "no label: not in a class folder"))
        else:
            label = _plain(file.name.partition("/")[0])
            candidates.append(Candidate(file.name, file.path, label, "", "", ""))
    return candidates, rejected


def _by_table(path: Path, files: list[FoundFile]) -> tuple[list[Candidate], list[Rejected]]:
    by_name = {file.name: file for file in files}
    by_plain_name = {_plain(file.name): file for file in files}
    candidates: dict[str, Candidate] = {}
    rejected: dict[str, Rejected] = {}
    problems: list[str] = []
    first_row: dict[str, int] = {}
    for number, row in _rows(path):
        name = _portable(row["file"])
        file = by_name.get(table_name(name)) or by_plain_name.get(_plain(table_name(name)))
        light = row["light"].lower()
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
        if light not in LIGHTS:
            problems.append(
                f"row {number}: light is {row['light']!r}; allowed: ppl, xpl or empty. Correct it."
            )
        elif file.problem:
            rejected[file.name] = Rejected(file.name, file.problem)
        elif not row["label"]:
            rejected[file.name] = Rejected(file.name, f"no label: empty in {TABLE} row {number}")
        else:
            candidates[file.name] = Candidate(
                file.name, file.path, row["label"], row["specimen"], row["grain"], light
            )
    if problems:
        raise InputError.of_all(str(path), problems)
    for file in files:
        if file.name not in candidates and file.name not in rejected:
            reason = file.problem or f"no label: not listed in {TABLE}"
            rejected[file.name] = Rejected(file.name, reason)
    return list(candidates.values()), list(rejected.values())


def _rows(path: Path) -> Iterable[tuple[int, dict[str, str]]]:
    """Number and cells of each row; the header is row 1, unknown columns are ignored."""
    header, *rows = _cells(path)
    names = [name.strip().lower() for name in header]
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise InputError(
            f"{path}: missing the column {' and the column '.join(missing)}; found: "
            f"{', '.join(names) or 'none'}; allowed: {', '.join(REQUIRED)} and, where known, "
            f"{', '.join(OPTIONAL)}. Add the column to its first line."
        )
    repeated = [name for name, n in Counter(names).items() if n > 1 and name in REQUIRED + OPTIONAL]
    if repeated:
        raise InputError(f"{path}: the column {repeated[0]} occurs twice. Delete one.")
    for number, row in enumerate(rows, start=2):
        if any(cell.strip() for cell in row):
            cells = dict(zip(names, [*row, *[""] * len(names)], strict=False))
            file = cells.pop("file")
            known = {name: _plain(cells.get(name, "").strip()) for name in ("label", *OPTIONAL)}
            yield number, {"file": file, **known}


def _cells(path: Path) -> list[list[str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 (byte {error.start}). Save it as CSV UTF-8 from the spreadsheet."
        ) from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)  # in much of Europe spreadsheets write semicolons
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: not a CSV table ({error}). Save it as CSV UTF-8.") from None
    if not rows:
        raise InputError(f"{path} is empty. Its first line must be: file,label")
    return rows


def _portable(name: str) -> str:
    """A path as written on any system: ``.\\quartz\\a.jpg`` is ``quartz/a.jpg``."""
    parts = name.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def _plain(text: str) -> str:
    """Text in Unicode form NFC: a Mac writes é as two characters, most other systems as one."""
    return unicodedata.normalize("NFC", text)


def _with_patterns(
    candidates: list[Candidate], specimen_pattern: str | None, light_pattern: str | None
) -> list[Candidate]:
    complete, bad = [], []
    for photo in candidates:
        specimen = photo.specimen or _matched(specimen_pattern, photo)
        light = photo.light or _matched(light_pattern, photo).lower()
        if light not in LIGHTS:
            bad.append(
                f"{photo.photo_id}: dataset.light_pattern gives {light!r} as light; allowed: "
                "ppl, xpl. Correct the pattern or rename the file."
            )
        complete.append(
            Candidate(photo.photo_id, photo.path, photo.label, specimen, photo.grain, light)
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
