"""Several data sets as one: photos and the corrections of a later look at them."""

import csv
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from thinsection.base.errors import InputError
from thinsection.base.files import check_output, hash_of, writing_folder
from thinsection.ingest.labels import OPTIONAL, REQUIRED, Candidate, label_files
from thinsection.ingest.sources import TABLE, list_folder


@dataclass(frozen=True)
class Joined:
    """
    What became of the photos of several data sets.

    Attributes
    ----------
    n_photos : of each set, by its folder, in the joined one
    n_left_out : of each set, files without a label
    relabelled : photos of an earlier set that a later one names otherwise: file, label, new label
    """

    n_photos: dict[str, int]
    n_left_out: dict[str, int]
    relabelled: list[tuple[str, str, str]]


def join(
    folders: list[Path],
    into: Path,
    specimen_pattern: str | None = None,
    light_pattern: str | None = None,
) -> Joined:
    """
    Copy the labelled photos of all ``folders`` into one, with one photos.csv.

    A file that lies in several of them, byte for byte, is taken once, with the label of the folder
    named last: so a correction outweighs what it corrects. Of what a later folder doesn't know
    (specimen, grain, light), the earlier one's word stays. Specimens and grains of one name are one,
    whichever folder they come from: too much is tied together rather than too little.

    Parameters
    ----------
    folders : data sets as ``dataset.path`` takes them, no archives
    into : folder to make; it must not exist, or be empty
    specimen_pattern, light_pattern : as ``label_files`` takes them

    Raises
    ------
    InputError
        For a wrong data set, two folders of one name, or an ``into`` that holds something.
    """
    _check(folders, into)
    photos: list[tuple[str, Candidate]] = []  # name in the joined set, photo
    places: dict[str, int] = {}  # of the photos of the folders before this one, by their bytes
    n_photos: Counter[str] = Counter()
    n_left_out, relabelled = {}, []
    for folder in folders:
        part = folder.resolve().name
        candidates, rejected = label_files(list_folder(folder), specimen_pattern, light_pattern)
        n_left_out[part] = len(rejected)
        found = {}
        for photo in candidates:
            key = hash_of(photo.path)
            if key in places:
                name, known = photos[places[key]]
                if known.label != photo.label:
                    relabelled.append((name, known.label, photo.label))
                still = {each: getattr(photo, each) or getattr(known, each) for each in OPTIONAL}
                photos[places[key]] = name, replace(photo, **still)
            else:
                found[key] = len(photos)
                # a backslash parts folders where a photos.csv is read
                photos.append((f"{part}/{photo.photo_id}".replace("\\", "_"), photo))
                n_photos[part] += 1
        places |= found
    _check_names([name for name, _ in photos])
    with writing_folder(into) as partial:
        for name, photo in photos:
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(photo.path, partial / name)
        _write_table(photos, partial / TABLE)
    return Joined({part: n_photos[part] for part in n_left_out}, n_left_out, relabelled)


def _check(folders: list[Path], into: Path) -> None:
    names = Counter(folder.resolve().name for folder in folders)
    twice = [name for name, n in names.items() if n > 1]
    if len(folders) < 2 or twice:
        wrong = f"two folders are named {twice[0]!r}" if twice else "one folder is nothing to join"
        raise InputError(
            f"{wrong}. Allowed: two folders or more, each of another name, which becomes that of "
            "its part. Rename one, or name another."
        )
    check_output(into, "whole folder", "--into")
    if into.is_dir() and any(into.iterdir()):
        raise InputError(
            f"--into: {into} is there already. Allowed: a folder that does not exist, or an empty "
            "one. Name another."
        )
    for folder in folders:
        if into.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"--into: {into} lies in {folder}, which it is made of. Name another.")


def _check_names(names: list[str]) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise InputError(f"two files would be named {twice[0]!r}. Rename one of them.")


def _write_table(photos: list[tuple[str, Candidate]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*REQUIRED, *OPTIONAL])
        for name, photo in photos:
            writer.writerow([name, photo.label, *(getattr(photo, each) for each in OPTIONAL)])
