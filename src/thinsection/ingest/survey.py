"""The whole of ingestion: from the path of a data set to tables, counts and packed pixels."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from thinsection.errors import InputError
from thinsection.ingest.groups import group_photos
from thinsection.ingest.labels import Candidate, Rejected, label_files
from thinsection.ingest.pack import Packed, PackSettings, pack_photos
from thinsection.ingest.sources import list_folder
from thinsection.params import DatasetSettings, IngestSettings
from thinsection.tables import PHOTOS, REJECTED


@dataclass(frozen=True)
class Survey:
    """
    What a data set holds.

    Attributes
    ----------
    photos : rows of photos.csv, in the order of ``sha256``, so that no name decides the order
    rejected : rows of rejected.csv
    rows : (n_photos,) each photo's row in the scratch file
    counts : nested dict of numbers, for metrics/ingest.json
    """

    photos: pd.DataFrame
    rejected: pd.DataFrame
    rows: list[int]
    counts: dict[str, object]


def survey(
    dataset: DatasetSettings, ingest: IngestSettings, scratch: Path, workers: int = 0
) -> Survey:
    """
    Read a data set; its resized photos are left in ``scratch`` for ``write_pixels``.

    Raises
    ------
    InputError
        For a data set that can't be compared on at all: empty, of one class only, with a wrong
        photos.csv, or with one picture under two labels.
    """
    files = list_folder(Path(dataset.path))
    candidates, rejected = label_files(files, dataset.specimen_pattern, dataset.light_pattern)
    packed = pack_photos(candidates, pack_settings(ingest), scratch, workers)
    rejected += [
        Rejected(photo.photo_id, entry.reason)
        for photo, entry in zip(candidates, packed, strict=True)
        if entry.reason
    ]
    pairs = [(photo, entry) for photo, entry in zip(candidates, packed, strict=True)]
    decoded = [(photo, entry) for photo, entry in pairs if not entry.reason]
    groups = dict(zip([p.photo_id for p, _ in decoded], _groups(decoded), strict=True))
    kept, copies = _without_copies(decoded, ingest.on_conflict)
    rejected += copies
    _check_classes(dataset.path, kept, rejected)
    kept.sort(key=lambda pair: pair[1].sha256)
    return Survey(
        photos=_photos_table(kept, groups),
        rejected=_rejected_table(rejected),
        rows=[entry.row for _, entry in kept],
        counts=_counts(kept, groups, rejected),
    )


def pack_settings(ingest: IngestSettings) -> PackSettings:
    """The fields of the ingest section that packing needs."""
    return PackSettings(ingest.height, ingest.width, ingest.fit, ingest.max_megapixels)


Pair = tuple[Candidate, Packed]


def _groups(decoded: list[Pair]) -> list[str]:
    """The group of every decoded photo, copies that will be dropped among them."""
    photos = [photo for photo, _ in decoded]
    return group_photos(
        [photo.photo_id for photo in photos],
        [
            [photo.specimen for photo in photos],
            [photo.grain for photo in photos],
            [entry.sha256 for _, entry in decoded],
        ],
    )


def _without_copies(decoded: list[Pair], on_conflict: str) -> tuple[list[Pair], list[Rejected]]:
    """Each picture once, under its smallest photo_id; the others as rejected."""
    same: dict[str, list[Pair]] = defaultdict(list)
    for pair in sorted(decoded, key=lambda pair: pair[0].photo_id):
        same[pair[1].sha256].append(pair)
    kept: list[Pair] = []
    rejected: list[Rejected] = []
    conflicts: list[str] = []
    for pairs in same.values():
        labels = sorted({photo.label for photo, _ in pairs})
        if len(labels) > 1:
            conflicts.append(" = ".join(photo.photo_id for photo, _ in pairs))
            reason = f"conflict: the same picture under the labels {', '.join(labels)}"
            rejected += [Rejected(photo.photo_id, reason) for photo, _ in pairs]
            continue
        kept.append(pairs[0])
        reason = f"copy: the same pixels as {pairs[0][0].photo_id}"
        rejected += [Rejected(photo.photo_id, reason) for photo, _ in pairs[1:]]
    if conflicts and on_conflict == "error":
        raise InputError.of_all(
            "the same picture under two labels. Delete the wrong one of each, or set "
            "ingest.on_conflict to reject, which uses neither",
            conflicts,
        )
    return kept, rejected


def _check_classes(path: str, kept: list[Pair], rejected: list[Rejected]) -> None:
    labels = sorted({photo.label for photo, _ in kept})
    if len(labels) >= 2:
        return
    kinds = Counter(file.kind for file in rejected)
    why = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())) or "none"
    found = f"one class only ({labels[0]})" if labels else "no photo that can be used"
    raise InputError(
        f"dataset.path: {path} holds {found}; files not used: {why}. Allowed: two classes or "
        "more, one folder for each, or a photos.csv (file, label). Add the photos of another class."
    )


def _photos_table(kept: list[Pair], groups: dict[str, str]) -> pd.DataFrame:
    rows = [
        {
            "photo_id": photo.photo_id,
            "file": photo.photo_id,
            "label": photo.label,
            "specimen": photo.specimen,
            "grain": photo.grain,
            "light": photo.light,
            "group": groups[photo.photo_id],
            "width": entry.width,
            "height": entry.height,
            "sha256": entry.sha256,
        }
        for photo, entry in kept
    ]
    return pd.DataFrame(rows, columns=list(PHOTOS.columns))


def _rejected_table(rejected: list[Rejected]) -> pd.DataFrame:
    rows = sorted((file.file, file.reason) for file in rejected)
    return pd.DataFrame(rows, columns=list(REJECTED.columns))


def _counts(
    kept: list[Pair], groups: dict[str, str], rejected: list[Rejected]
) -> dict[str, object]:
    return {
        "photos": len(kept),
        "classes": dict(Counter(photo.label for photo, _ in kept)),
        "groups": len({groups[photo.photo_id] for photo, _ in kept}),
        "rejected": {
            "total": len(rejected),
            **Counter(file.kind.replace(" ", "_") for file in rejected),
        },
    }
