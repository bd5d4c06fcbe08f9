"""The store of corrections: a folder with a photos.csv that ingestion can read."""

import re
import threading
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from thinsection.base.errors import InputError
from thinsection.base.files import check_output, writing
from thinsection.ingest.naming import ANGLES, degrees
from thinsection.ingest.photo_table import plain, read_photo_table, write_photo_table
from thinsection.ingest.sources import TABLE

COLUMNS = ("file", "label", "specimen", "light", "said")
LATER = ("sample", "angle")  # columns that tables of earlier versions lack
LIGHTS = ("", "ppl", "xpl")
EXTENSIONS = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "WEBP": ".webp",
    "GIF": ".gif",
}
LONGEST_NAME = 200
_OURS = re.compile(r"photos/([0-9a-f]{64})\.(jpg|png|tif|bmp|webp|gif)")


@dataclass(frozen=True)
class Correction:
    """
    A photo and the label that the user gave it.

    Attributes
    ----------
    photo : SHA-256 of the file's bytes, 64 hexadecimal digits
    label : given by the user
    specimen : the thin section it was taken of; empty if unknown
    light : ppl, xpl or empty
    said : the class that the model predicted
    sample : photos of one sample show one place on the stage; empty if it was corrected alone
    angle : of the stage, degrees, as ``degrees`` gives it; empty if unknown
    """

    photo: str
    label: str
    specimen: str
    light: str
    said: str
    sample: str = ""
    angle: str = ""


class Corrections:
    """
    The corrections in one folder; safe to use from several threads of one program.

    Photos are stored in ``photos/`` under the hash of their bytes, so nothing that a browser sends
    becomes a path; labels and specimens are cells of ``photos.csv``. The table is read again
    each time, so rows and columns that the user adds are preserved.

    Raises
    ------
    InputError
        If the folder contains files but no table of corrections: adding a photos.csv to a folder
        of class folders would hide them from ingestion. If the folder can't be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        check_output(folder, "folder", "--corrections")
        check_output(folder / "photos", "folder", "--corrections")
        check_output(folder / TABLE, "file", "--corrections")
        self._rows()
        if folder.is_dir() and not (folder / TABLE).exists() and any(folder.iterdir()):
            raise InputError(
                f"--corrections: {folder} contains files but no {TABLE}. Allowed: a folder that "
                "does not exist yet, an empty one, or one with earlier corrections. Give another folder."
            )

    def all(self) -> list[Correction]:
        """All corrections, in the order in which they were made."""
        with self._lock:
            return [known for row in self._rows() if (known := _correction(row))]

    def find(self, photo: str) -> Correction | None:
        """The correction of the photo with this hash."""
        return next((known for known in self.all() if known.photo == photo), None)

    def labels(self) -> list[str]:
        """The labels given so far, sorted."""
        return sorted({known.label for known in self.all()})

    def add(  # noqa: PLR0917 - the columns of its row, in their order
        self,
        photo: bytes,
        format: str,
        label: str,
        said: str,
        specimen: str = "",
        light: str = "",
        classes: Collection[str] = (),
        sample: str = "",
        angle: str = "",
    ) -> Correction:
        """
        Save a photo's bytes with its label, replacing any earlier correction of the same photo.

        Parameters
        ----------
        photo : the bytes of the file
        format : JPEG, PNG, ..., determined from the content
        classes : names of the model's classes, which are taken as they are
        sample : the same for all photos of one place, which are corrected one by one

        Raises
        ------
        InputError
            If label, specimen or sample is not a valid name, light is neither ppl, xpl nor empty,
            or angle is none.
        """
        correction = Correction(
            photo=sha256(photo).hexdigest(),
            label=label if label in classes else _name("the label", label),
            specimen=_name("the specimen", specimen) if specimen.strip() else "",
            light=light,
            said=said,
            sample=_name("the sample", sample) if sample.strip() else "",
            angle=_angle(angle),
        )
        if light not in LIGHTS:
            raise InputError("the light is not known. Allowed: ppl, xpl or empty.")
        file = f"photos/{correction.photo}{EXTENSIONS[format]}"
        with self._lock:
            rows = self._rows()
            if not (self.folder / TABLE).exists():
                self._write(
                    rows
                )  # first, so that a killed server never leaves a folder without a table
            with writing(self.folder / file) as partial:
                partial.write_bytes(photo)
            row = {
                "file": file,
                "label": correction.label,
                "specimen": correction.specimen,
                "light": correction.light,
                "said": correction.said,
                "sample": correction.sample,
                "angle": correction.angle,
            }
            self._write([other for other in rows if other["file"] != file] + [row])
        return correction

    def remove(self, photo: str) -> bool:
        """Remove a photo's correction and our copy of the photo; returns whether there was one."""
        with self._lock:
            rows = self._rows()
            gone = [row for row in rows if _hash_of(row) == photo]
            if not gone:
                return False
            self._write([row for row in rows if row not in gone])
            for row in gone:
                (self.folder / row["file"]).unlink(missing_ok=True)
        return True

    def photo(self, photo: str) -> bytes | None:
        """The bytes of a corrected photo; None if there is none with this hash."""
        with self._lock:
            for row in self._rows():
                path = self.folder / row["file"]
                if _hash_of(row) == photo and path.is_file():
                    return path.read_bytes()
        return None

    def _rows(self) -> list[dict[str, str]]:
        path = self.folder / TABLE
        if not path.is_file():
            return []
        return [row for _, row in read_photo_table(path, COLUMNS, LATER)]

    def _write(self, rows: list[dict[str, str]]) -> None:
        columns = list(dict.fromkeys([*COLUMNS, *LATER, *(name for row in rows for name in row)]))
        with (
            writing(self.folder / TABLE) as partial,
            partial.open("w", encoding="utf-8", newline="") as file,
        ):
            cells = [[row.get(name, "") for name in columns] for row in rows]
            write_photo_table([columns, *cells], file)


def _hash_of(row: dict[str, str]) -> str | None:
    """The hash in the name of one of our files; None for a row that the user added."""
    found = _OURS.fullmatch(row["file"])
    return found[1] if found else None


def _correction(row: dict[str, str]) -> Correction | None:
    photo = _hash_of(row)
    known = (row["label"], row["specimen"], row["light"], row["said"], row["sample"], row["angle"])
    return Correction(photo, *known) if photo else None


def _angle(text: str) -> str:
    angle = degrees(text.strip()) if text.strip() else ""
    if angle is None:
        raise InputError(f"the angle is {text!r}. Allowed: {ANGLES}, or empty. Change it.")
    return angle


def _name(what: str, text: str) -> str:
    """The text as ingestion reads it from the table, if it can be a name there."""
    name = plain(text)
    bad = [sign for sign in name if unicodedata.category(sign) in ("Cc", "Cs")]
    if not 1 <= len(name) <= LONGEST_NAME or bad:
        raise InputError(
            f"{what} can't be used: {name[:60]!r}. Allowed: 1 to {LONGEST_NAME} signs, of any script, "
            "but no control characters. Change it."
        )
    return name
