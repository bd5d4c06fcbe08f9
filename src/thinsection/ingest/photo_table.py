"""
The table of the photos, as ingestion, prediction and the page's corrections read and write it.

Whatever the common spreadsheet programs save as text is read: commas, semicolons or tabs; UTF-8 with
or without a byte-order mark, or UTF-16; any line ends, also in quoted cells. What opens the
table is often a spreadsheet again, which runs a cell that begins with = + - or @ as a formula. Such a
cell is written with an apostrophe before it, as people type it, and read without.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from thinsection.base.errors import InputError
from thinsection.ingest.sources import TABLE, FoundFile

Row = tuple[int, dict[str, str]]  # number in the spreadsheet, from 1; cells by column

DELIMITERS = ",;\t"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
SPREADSHEETS = (".xlsx", ".xls", ".ods", ".numbers")
TEXTS = (".csv", ".tsv", ".tab", ".txt")
MOST_BYTES = 10_000_000  # of a text file that is looked into for being a table under another name
_FORMULA = re.compile(r"'*[=+\-@\t＝＋－＠]")
_DELIMITER_LINE = re.compile(r'"?sep=(.)"?\r?\n?')


def read_photo_table(
    path: Path, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> list[Row]:
    """
    The rows of a table that hold something.

    Parameters
    ----------
    required, optional : the columns that are known, whose names may be written in any case. Missing
        optional ones are empty. The table's other columns follow them.

    Returns
    -------
    Number and cells of each row. Cells of known columns, but for ``file``, are in one Unicode form,
    and blanks and line breaks in them are single blanks.

    Raises
    ------
    InputError
        If this is no such table, with every row that can't be what its owner meant.
    """
    (_, header), *rows = _cells(path)
    known = (*required, *optional)
    names = [name.strip() for name in header]
    names = [name.lower() if name.lower() in known else name for name in names]
    missing = [name for name in required if name not in names]
    if missing:
        raise InputError(
            f"{path}: missing the column {' and the column '.join(missing)}; found: "
            f"{', '.join(filter(None, names)) or 'none'}; allowed: {', '.join(required)} and, where "
            f"known, {', '.join(optional)}. Add the column to its first line."
        )
    repeated = [name for name, n in Counter(names).items() if n > 1 and name]
    if repeated:
        raise InputError(f"{path}: the column {repeated[0]} occurs twice. Keep one.")
    found, problems = [], []
    for number, row in rows:
        if any(cell.strip() for cell in row[len(names) :]):
            problems.append(
                f"row {number}: has {len(row)} cells, the first line {len(names)}. Put a cell with "
                "a comma or semicolon of its own into double quotes."
            )
        cells = dict.fromkeys(known, "") | {
            name: plain(cell) if name in known and name != "file" else cell
            for name, cell in zip(names, [*row, *[""] * len(names)], strict=False)
            if name
        }
        problems += [
            f"row {number}: {name} holds the sign {sign!r}. Delete it."
            for name in known
            for sign in cells[name]
            if name != "file" and unicodedata.category(sign) == "Cc"
        ]
        found.append((number, cells))
    if problems:
        raise InputError.of_all(str(path), problems)
    return found


def table_of(files: list[FoundFile]) -> FoundFile | None:
    """
    The photos.csv among the files of a data set.

    Raises
    ------
    InputError
        If one is there that can't be read, such as a link that leads out of the data set.
    """
    table = next((file for file in files if file.name == TABLE), None)
    if table is not None and table.problem:
        problem = table.problem.removeprefix("not an image: ")
        raise InputError(f"{table.path}: {problem}. Put the table itself in its place.")
    return table


def write_photo_table(rows: Iterable[Iterable[str]], file: TextIO) -> None:
    """Write rows, the header first; ``read_photo_table`` reads the same text again."""
    csv.writer(file, lineterminator="\n").writerows(map(as_cells, rows))


def as_cells(row: Iterable[str]) -> list[str]:
    """Cells as they are written: none is a formula, and all line ends in them are the same."""
    cells = (cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row)
    return [f"'{cell}" if _FORMULA.match(cell) else cell for cell in cells]


def tables_named_otherwise(
    files: list[FoundFile], columns: tuple[str, ...] = ("file", "label")
) -> list[str]:
    """
    What looks like the table of the photos but is not read as it, each with the reason.

    Parameters
    ----------
    files : of a data set
    columns : that a text table must have to be taken for one

    Returns
    -------
    Nothing where there is a photos.csv.
    """
    if any(file.name == TABLE for file in files):
        return []
    found = []
    for file in files:
        stem, dot, ending = file.name.casefold().rpartition(".")
        if file.problem or "/" in file.name or dot + ending not in SPREADSHEETS + TEXTS:
            continue
        if dot + ending in SPREADSHEETS:
            wrong = "is a spreadsheet's own file; save it as CSV UTF-8, named photos.csv"
        elif stem == "photos" or _has_columns(file.path, columns):
            wrong = f"is not named {TABLE}; rename it"
        else:
            continue
        found.append(f"{file.name} {wrong}")
    return found


def _has_columns(path: Path, columns: tuple[str, ...]) -> bool:
    try:
        if path.stat().st_size > MOST_BYTES:
            return False
        names = {name.strip().lower() for name in _cells(path)[0][1]}
    except (InputError, OSError):
        return False
    return set(columns) <= names


def _cells(path: Path) -> list[tuple[int, list[str]]]:
    """Number and cells of each row that holds something, the header first."""
    text = _text(path)
    first_line = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    told = _DELIMITER_LINE.match(text)  # as Excel takes it
    delimiter = told[1] if told else max(DELIMITERS, key=first_line.count)
    lines = io.StringIO(text, newline="")
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: not a CSV table ({error}). Save it as CSV UTF-8.") from None
    numbered = [
        (number, [_without_apostrophe(cell) for cell in row])
        for number, row in enumerate(rows, start=1)
        if any(cell.strip() for cell in row)
    ][bool(told) :]
    if not numbered:
        raise InputError(f"{path}: is empty. Its first line must be: file,label")
    return numbered


def _text(path: Path) -> str:
    content = path.read_bytes()
    mark = next((mark for mark in BYTE_ORDER_MARKS if content.startswith(mark)), b"")
    encoding = BYTE_ORDER_MARKS.get(mark, "utf-8")
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InputError(
            f"{path}: a spreadsheet's own file under the name of a CSV table. Save it as CSV UTF-8."
        )
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        if mark and encoding != "utf-8":
            raise InputError(f"{path}: damaged UTF-16. Save it as CSV UTF-8.") from None
        row = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}: not UTF-8 (byte {error.start}, line {row}), but perhaps Windows-1252 or another "
            "8-bit code, of which a file does not say which. Save it as CSV UTF-8 from the spreadsheet."
        ) from None
    if "\0" in text:
        raise InputError(
            f"{path}: holds zero bytes, as UTF-16 without a byte-order mark. Save it as CSV UTF-8."
        )
    return text


def _without_apostrophe(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def portable(name: str) -> str:
    """A path as written on any system: ``.\\quartz\\a.jpg`` is ``quartz/a.jpg``."""
    parts = name.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def same_form(name: str) -> str:
    """A name in one Unicode form: a Mac writes é as two characters, most else as one."""
    return unicodedata.normalize("NFC", name)


def plain(text: str) -> str:
    """Text in one Unicode form, for a Mac writes é as two characters; blanks as single ones."""
    return " ".join(same_form(text).split())
