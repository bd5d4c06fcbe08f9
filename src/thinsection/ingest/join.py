"""Joining several data sets into one, such as photos and corrections of them."""

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from thinsection.base.errors import InputError
from thinsection.base.files import check_output, hash_of, writing_folder
from thinsection.ingest.labels import OPTIONAL, REQUIRED, Candidate, label_files, renamed
from thinsection.ingest.naming import AUTO
from thinsection.ingest.photo_table import write_photo_table
from thinsection.ingest.samples import with_samples
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
    light_pattern: str | None = AUTO,
    angle_pattern: str | None = AUTO,
    labels: Mapping[str, str] | None = None,
) -> Joined:
    """
    Copy the labelled photos of all ``folders`` into one, with one photos.csv.

    A file that lies in several of them, byte for byte, is taken from the first, with the label of
    the folder named last: so a correction outweighs what it corrects, all copies of it in that
    folder, and the other photos of its sample. Of what a later folder doesn't know (specimen, grain,
    light, angle), the earlier one's word stays; of the sample it always does, since the other photos of it are
    there. Where one folder gives a file two labels, both stay, for ingestion to find. Specimens and
    grains of one name are one, whichever folder they come from: too much is tied together rather
    than too little. Samples of one name in two folders are two.

    Parameters
    ----------
    folders : data sets as ``dataset.path`` takes them, no archives
    into : folder to make; it must not exist, or be empty
    specimen_pattern, light_pattern, angle_pattern : as ``label_files`` takes them
    labels : other names for labels, as ``renamed`` takes them; one may be of some folders only

    Raises
    ------
    InputError
        If a data set is wrong, two folders have the same name, or ``into`` is not empty.
    """
    _check(folders, into)
    photos: list[tuple[str, Candidate]] = []  # name in the joined set, photo
    places: dict[str, list[int]] = {}  # of the photos of the folders before, by their bytes
    n_photos: Counter[str] = Counter()
    n_left_out, relabelled = {}, []
    of_folder = [
        label_files(list_folder(folder), specimen_pattern, light_pattern, angle_pattern)
        for folder in folders
    ]
    everything = renamed([photo for found, _ in of_folder for photo in found], labels or {})
    with_labels = iter(everything)
    for folder, (unnamed, rejected) in zip(folders, of_folder, strict=True):
        part = folder.resolve().name
        candidates, _, _ = with_samples(list(islice(with_labels, len(unnamed))))
        n_left_out[part] = len(rejected)
        found: dict[str, list[int]] = {}
        said: dict[str, str] = {}  # the label that this folder gives to a file of an earlier one
        corrected: dict[int, tuple[str, str]] = {}  # place of such a file -> old label, new one
        for each in candidates:
            photo = replace(each, sample=each.sample and f"{part}/{each.sample}")
            key = hash_of(photo.path)
            if key in places and said.setdefault(key, photo.label) == photo.label:
                for place in places[key]:
                    name, known = photos[place]
                    corrected[place] = known.label, photo.label
                    still = {key: getattr(photo, key) or getattr(known, key) for key in OPTIONAL}
                    still["sample"] = known.sample or photo.sample
                    photos[place] = name, replace(photo, **still)
            else:
                found.setdefault(key, []).append(len(photos))
                # a backslash parts folders where a photos.csv is read
                photos.append((f"{part}/{photo.photo_id}".replace("\\", "_"), photo))
                n_photos[part] += 1
        corrected |= _others_of_samples(corrected, photos)
        for place, (old, label) in sorted(corrected.items()):
            name, photo = photos[place]
            photos[place] = name, replace(photo, label=label)
            if old != label:
                relabelled.append((name, old, label))
        for key, new in found.items():
            places[key] = places.get(key, []) + new
    _check_names([name for name, _ in photos])
    with writing_folder(into) as partial:
        for name, photo in photos:
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(photo.path, partial / name)
        _write_table(photos, partial / TABLE)
    return Joined({part: n_photos[part] for part in n_left_out}, n_left_out, relabelled)


def _others_of_samples(
    corrected: dict[int, tuple[str, str]], photos: list[tuple[str, Candidate]]
) -> dict[int, tuple[str, str]]:
    """The labels, old and new, of photos whose sample was corrected by one label, in another photo."""
    labels: dict[str, set[str]] = {}
    for place, (_, new) in corrected.items():
        labels.setdefault(photos[place][1].sample, set()).add(new)
    agreed = {sample: new.pop() for sample, new in labels.items() if sample and len(new) == 1}
    return {
        place: (photo.label, agreed[photo.sample])
        for place, (_, photo) in enumerate(photos)
        if photo.sample in agreed and place not in corrected
    }


def _check(folders: list[Path], into: Path) -> None:
    names = Counter(folder.resolve().name for folder in folders)
    twice = [name for name, n in names.items() if n > 1]
    if len(folders) < 2 or twice:
        wrong = f"two folders are named {twice[0]!r}" if twice else "only one folder was given"
        raise InputError(
            f"{wrong}. Allowed: two folders or more with different names, which become the names "
            "of subfolders. Rename one, or give another."
        )
    check_output(into, "whole folder", "--into")
    if into.is_dir() and any(into.iterdir()):
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
        rows = [
            [name, photo.label, *(getattr(photo, each) for each in OPTIONAL)]
            for name, photo in photos
        ]
        write_photo_table([[*REQUIRED, *OPTIONAL], *rows], file)
