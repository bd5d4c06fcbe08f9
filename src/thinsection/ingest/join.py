"""Joining several data sets into one, such as photos and corrections of them."""

import csv
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from thinsection.base.errors import InputError
from thinsection.base.files import hash_of, writing_folder
from thinsection.ingest.labels import OPTIONAL, REQUIRED, Candidate, label_files
from thinsection.ingest.sources import TABLE, list_folder


@dataclass(frozen=True)
class Joined:
    """
    The result of joining several data sets.

    Attributes
    ----------
    n_photos : photos taken from each set, by its folder
    n_left_out : files without a label in each set
    relabelled : photos to which a later set gives another label: file, label, new label
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

    A file with the same bytes in several folders is copied once, with the label from the last of
    them, so that a correction overrides the original label. Where the last has no specimen, grain
    or light, the earlier value stays. Specimens and grains with the same name are the same in all
    folders: it is safer to group too many photos than too few.

    Parameters
    ----------
    folders : data sets as for ``dataset.path``, but no archives
    into : folder to create; must not exist or must be empty
    specimen_pattern, light_pattern : as for ``label_files``

    Raises
    ------
    InputError
        If a data set is wrong, two folders have the same name, or ``into`` is not empty.
    """
    _check(folders, into)
    photos: list[tuple[str, Candidate]] = []  # name in the joined set, photo
    places: dict[str, int] = {}  # of the photos from earlier folders, by hash
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
                # photos.csv takes a backslash for a separator
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
        wrong = f"two folders are named {twice[0]!r}" if twice else "only one folder was given"
        raise InputError(
            f"{wrong}. Allowed: two folders or more with different names, which become the names "
            "of subfolders. Rename one, or give another."
        )
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise InputError(
            f"--into: {into} exists and is not an empty folder. Allowed: a folder that does not "
            "exist, or an empty one. Give another name."
        )
    for folder in folders:
        if into.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"--into: {into} is inside {folder}, one of its inputs. Give another name."
            )


def _check_names(names: list[str]) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise InputError(f"two files would get the name {twice[0]!r}. Rename one of them.")


def _write_table(photos: list[tuple[str, Candidate]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*REQUIRED, *OPTIONAL])
        for name, photo in photos:
            writer.writerow([name, photo.label, *(getattr(photo, each) for each in OPTIONAL)])
