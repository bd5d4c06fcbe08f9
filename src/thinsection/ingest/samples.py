"""Which photos show one sample: a place on the stage, in several lights and at several angles."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from thinsection.base.errors import InputError
from thinsection.dataset.samples import Lights, samples_of
from thinsection.ingest.doubts import Doubt
from thinsection.ingest.labels import Candidate, Rejected
from thinsection.ingest.naming import same_place
from thinsection.ingest.sources import TABLE

SHOWN = 5  # names in a sentence
NAME_THEM = f"give each place a name of its own in the column sample of {TABLE}"


def with_samples(
    candidates: list[Candidate], on_conflict: str = "error"
) -> tuple[list[Candidate], list[Rejected], list[Doubt]]:
    """
    The candidates with the sample of each that shares it with another, or whose table names it.

    A sample that the table doesn't name is the photos of one place (``Candidate.place``), of one
    label and one specimen, so far as it is known. Where labels or specimens of one place differ,
    each photo stays a sample of its own. What the table says of specimen and grain of one photo
    holds for its whole sample.

    Returns
    -------
    candidates : photos of which ``sample`` is empty are samples of their own. Of those, ``place`` is
        left where it should tie photos in one group: where their labels differ, one of which may
        be wrong
    rejected : photos of samples that the table names and gives two labels or two specimens
    doubts : the places that are no samples

    Raises
    ------
    InputError
        With every sample of two labels or two specimens, if ``on_conflict`` is ``error``.
    """
    named: dict[str, list[Candidate]] = defaultdict(list)
    places: dict[str, list[Candidate]] = defaultdict(list)
    by_table = {photo.sample for photo in candidates}
    for photo in sorted(candidates, key=lambda photo: photo.photo_id):
        # a sample may be named after one of its photos, in whose row nothing need be said
        sample = photo.sample or (photo.photo_id if photo.photo_id in by_table else "")
        if sample:
            named[sample].append(replace(photo, sample=sample))
        elif photo.place:
            places[same_place(photo.place)].append(photo)
    rejected, conflicts = _conflicts(named)
    if conflicts and on_conflict == "error":
        raise InputError.of_all(
            f"photos of one sample with two labels or specimens. Correct {TABLE}, or "
            f"{NAME_THEM}; or set ingest.on_conflict to reject, which uses none of them",
            conflicts,
        )
    tied: set[str] = set()
    doubts = []
    taken = {photo.photo_id for photo in candidates} | set(named)
    for photos in places.values():
        if doubt := _doubt_of_place(photos):
            doubts.append(doubt)
            if len(_specimens(photos)) <= 1:
                tied |= {photo.photo_id for photo in photos}
        elif len(photos) > 1:
            free = photos[0].place not in taken
            name = photos[0].place if free else photos[0].photo_id
            named[name] = [replace(photo, sample=name) for photo in photos]
    known = {photo.photo_id: photo for photos in named.values() for photo in _completed(photos)}
    gone = {file.file for file in rejected}
    kept = [
        replace(known.get(photo.photo_id, photo), place=photo.place * (photo.photo_id in tied))
        for photo in candidates
        if photo.photo_id not in gone
    ]
    return kept, rejected, doubts


def _conflicts(named: dict[str, list[Candidate]]) -> tuple[list[Rejected], list[str]]:
    rejected, conflicts = [], []
    for sample, photos in named.items():
        for what, values in (("label", _labels(photos)), ("specimen", _specimens(photos))):
            if len(values) > 1:
                reason = f"conflict: sample {sample} has the {what}s {', '.join(values)}"
                rejected += [Rejected(photo.photo_id, reason) for photo in photos]
                shown = [f"{photo.photo_id} ({getattr(photo, what)})" for photo in photos]
                conflicts.append(f"{sample}: {_some(shown)}")
                break
    return rejected, conflicts


def _doubt_of_place(photos: list[Candidate]) -> Doubt | None:
    """Why the photos of one place, by their names, are no sample; None if they may be."""
    for what, values in (("specimen", _specimens(photos)), ("label", _labels(photos))):
        if len(values) > 1:
            names = _some([f"{photo.photo_id} ({getattr(photo, what)})" for photo in photos])
            return Doubt(
                f"one place, two {what}s",
                photos[0].photo_id,
                f"{names}: by their names they show one place, but their {what}s differ, so each is "
                f"a sample of its own. Correct the {what}, or rename the files, or {NAME_THEM}",
            )
    return None


def _completed(photos: list[Candidate]) -> list[Candidate]:
    """The photos of a sample, each with the specimen and the grain that any of them has."""
    known: dict[str, Any] = {}
    for name in ("specimen", "grain"):
        values = {getattr(photo, name) for photo in photos} - {""}
        known[name] = values.pop() if len(values) == 1 else ""
    return [
        replace(photo, **{name: getattr(photo, name) or known[name] for name in known})
        for photo in photos
    ]


def doubts_of_samples(photos: pd.DataFrame) -> list[Doubt]:
    """
    Warnings of samples with two photos of one light and angle, or with photos of several sizes.

    Parameters
    ----------
    photos : rows of photos.csv
    """
    doubts = []
    several = photos[photos["sample"].duplicated(keep=False)].sort_values("photo_id")
    for _, members in several.groupby("sample", sort=True):
        names = members["photo_id"].tolist()
        seen: dict[str, list[str]] = defaultdict(list)
        for name, light, angle in zip(names, members["light"], members["angle"], strict=True):
            turned = "angle unknown" if np.isnan(angle) else f"at {angle:g} degrees"
            seen[f"{light or 'light unknown'}, {turned}"].append(name)
        doubts += [
            Doubt(
                "same light twice",
                alike[0],
                f"{_some(alike)} are one sample, {how}: all are used, as if the stage had been "
                f"turned. Remove all but one, or say light and angle, or {NAME_THEM}",
            )
            for how, alike in seen.items()
            if len(alike) > 1
        ]
        sizes = [
            f"{width} x {height}"
            for width, height in zip(members["width"], members["height"], strict=True)
        ]
        if len(set(sizes)) > 1:
            shown = [f"{name} ({size})" for name, size in zip(names, sizes, strict=True)]
            doubts.append(
                Doubt(
                    "lights of two sizes",
                    names[0],
                    f"{_some(shown)} are one sample: each is resized by itself, so they may not show "
                    "the same section. Save the same section of all, at one size",
                )
            )
    return doubts


def samples_told(photos: pd.DataFrame, n_places: int) -> list[str]:
    """
    How many samples there are, in which lights and at how many angles, in lines for people.

    Parameters
    ----------
    photos : rows of photos.csv
    n_places : samples that there are with ``ingest.lights: together``
    """
    samples, lights = samples_of(photos)
    if n_places < len(samples):
        return [
            f"{len(photos)} photos of {n_places} places, each a sample of its own (ingest.lights: "
            "apart). Photos of one place stay in one group."
        ]
    if not lights.together:
        told = f"Each of the {len(photos)} photos is a sample of its own."
        if len(set(photos["light"]) - {""}) > 1:
            told += (
                " Photos of one place in several lights are one sample if their names differ in the "
                f"light alone, or {TABLE} gives them the same sample."
            )
        return [told]
    known = [slot for slot, name in enumerate(lights.names) if name]
    names = " and ".join(lights.names[slot] for slot in known) or "an unknown light"
    seen = lights.present[:, known]  # (n_samples, n_known)
    n_whole = int((seen.all(axis=1) & seen.any(axis=1)).sum())
    if n_whole == len(samples) or not known:
        lines = [f"{len(samples)} samples, each in {names}."]
    else:
        lines = [f"{len(samples)} samples of {len(photos)} photos, {n_whole} of them in {names}."]
        lacking = {f"without {lights.names[slot]}": seen.any(axis=1) & ~lights.present[:, slot]
                   for slot in known}  # fmt: skip
        for how, those in (lacking | {"in an unknown light": ~seen.any(axis=1)}).items():
            if those.any():
                some = _some(sorted(samples["sample"].to_numpy(str)[those]))
                lines.append(f"{int(those.sum())} {how}: {some}.")
    lines += _angles_told(photos, lights)
    return lines


def _angles_told(photos: pd.DataFrame, lights: Lights) -> list[str]:
    """For each light of which a sample has several photos, how many, and at what angles."""
    lines = []
    for slot, name in enumerate(lights.names):
        here = lights.slot_of == slot
        counts = np.bincount(lights.sample_of[here])
        counts = counts[counts > 0]
        if counts.max(initial=0) < 2:
            continue
        least, most = int(counts.min()), int(counts.max())
        angles = np.unique(photos.loc[here, "angle"].dropna())
        known = f": {_some([f'{angle:g}' for angle in angles])} degrees" if len(angles) else ""
        lines.append(
            f"{name or 'unknown light'}: {least if least == most else f'{least} to {most}'} angles "
            f"a sample{known}."
        )
    return lines


def _labels(photos: list[Candidate]) -> list[str]:
    return sorted({photo.label for photo in photos})


def _specimens(photos: list[Candidate]) -> list[str]:
    return sorted({photo.specimen for photo in photos} - {""})


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
