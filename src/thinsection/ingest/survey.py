"""The whole ingestion: from the path of a data set to tables, counts and packed pixels."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from thinsection.base.errors import InputError
from thinsection.base.tables import PHOTOS, REJECTED, WARNINGS
from thinsection.dataset.samples import samples_of
from thinsection.decode.photo import FORMATS
from thinsection.ingest.archives import Limits, is_archive, unpack_archive
from thinsection.ingest.cheating import Cheat, find_cheats, import_meanwhile
from thinsection.ingest.copies import NearCopy, near_copies
from thinsection.ingest.deep_scales import scales_of
from thinsection.ingest.doubts import (
    Doubt,
    doubts_of_cheats,
    doubts_of_classes,
    doubts_of_names,
    doubts_of_photos,
)
from thinsection.ingest.groups import group_photos
from thinsection.ingest.labels import OPTIONAL, Candidate, Rejected, label_files, renamed
from thinsection.ingest.naming import same_place
from thinsection.ingest.pack import Packed, PackSettings, Scratch, pack_photos
from thinsection.ingest.photo_table import tables_named_otherwise
from thinsection.ingest.samples import doubts_of_samples, samples_told, with_samples
from thinsection.ingest.sources import TABLE, FoundFile, list_folder
from thinsection.ingest.turned_stage import TurnedStage, turned_stage
from thinsection.settings import DatasetSettings, IngestSettings


@dataclass(frozen=True)
class Survey:
    """
    The content of a data set.

    Attributes
    ----------
    photos : rows of photos.csv for the files, ordered by ``sha256``, so that the order is independent of names
    rejected : rows of rejected.csv
    warnings : rows of warnings.csv
    rows : (n_photos,) each photo's row in the scratch files
    near : pairs of rows of ``photos`` that are near copies
    cheats : how well each fact predicts the classes without the mineral
    counts : nested dict of numbers, for metrics/ingest.json
    told : how many samples there are and in which lights, in lines for people
    deep_ranges : kind -> lowest and highest value of all deep photos, where they share one scale
    turned : photos that are in no file, made of those at several angles
    """

    photos: pd.DataFrame
    rejected: pd.DataFrame
    warnings: pd.DataFrame
    rows: list[int]
    near: list[NearCopy]
    cheats: list[Cheat]
    counts: dict[str, object]
    told: list[str]
    deep_ranges: dict[str, tuple[float, float]]
    turned: TurnedStage

    @property
    def table(self) -> pd.DataFrame:
        """The rows of photos.csv: ``photos``, and those that were made of them."""
        return pd.concat([self.photos, self.turned.photos], ignore_index=True)


Pair = tuple[Candidate, Packed]


def survey(
    dataset: DatasetSettings,
    ingest: IngestSettings,
    scratch: Scratch,
    workers: int = 0,
) -> Survey:
    """
    Read a data set; the resized photos are written to ``scratch`` for ``write_pixels``.

    Raises
    ------
    InputError
        If no comparison is possible: the data set is empty, has only one class, a wrong
        photos.csv, or a photo under two labels.
    """
    with _files_of(dataset, ingest, scratch.pixels.parent) as files:
        candidates, rejected = label_files(
            files, dataset.specimen_pattern, dataset.light_pattern, dataset.angle_pattern
        )
        candidates, torn, doubts_of_places = with_samples(
            renamed(candidates, dataset.labels), ingest.on_conflict
        )
        rejected += torn
        ignored = tables_named_otherwise(files)
        _check_labels(dataset.path, [photo.label for photo in candidates], rejected, ignored)
        import_meanwhile()
        scales = scales_of(
            [photo.path for photo in candidates],
            [photo.specimen for photo in candidates],
            ingest.deep_photos,
            ingest.max_megapixels,
            workers,
        )
        packed = pack_photos(candidates, pack_settings(ingest), scratch, workers, scales)
    pairs = list(zip(candidates, packed, strict=True))
    decoded = [(photo, entry) for photo, entry in pairs if not entry.reason]
    rejected += [Rejected(photo.photo_id, entry.reason) for photo, entry in pairs if entry.reason]
    kept, copies = _without_copies(decoded, ingest.on_conflict)
    rejected += copies
    _check_labels(dataset.path, [photo.label for photo, _ in kept], rejected, ignored)
    kept.sort(key=lambda pair: (pair[1].sha256, pair[0].photo_id))
    rows = [entry.row for _, entry in kept]
    near = near_copies(scratch.read_thumbnails(rows), workers)
    photos = _photos_table(kept, _groups(kept, decoded, near), ingest.lights)
    places = [photo.sample or photo.photo_id for photo, _ in kept]
    # two lights of one place are bound to be alike
    near = [pair for pair in near if places[pair.first] != places[pair.second]]
    samples, lights = samples_of(photos)
    details = photos.join(_details(kept))
    cheats = find_cheats(details, photos["label"].to_numpy(str), photos["group"].to_numpy(str))
    doubts = [
        *(Doubt("table not read", "", f"{table}; or move it elsewhere") for table in ignored),
        *doubts_of_classes(samples, "samples" if lights.together else "photos"),
        *doubts_of_names(photos),
        *_doubts_of_lost_classes(candidates, kept),
        *doubts_of_places,
        *doubts_of_samples(photos),
        *doubts_of_cheats(cheats),
        *_doubts_of_copies(near, photos),
        *doubts_of_photos(details, ingest.height, ingest.width),
    ]
    stage = turned_stage(photos, scratch, rows, pack_settings(ingest), ingest.registration)
    doubts += stage.doubts
    return Survey(
        photos=photos,
        rejected=_table(sorted(rejected, key=lambda file: file.file), list(REJECTED.columns)),
        warnings=_table(sorted(set(doubts), key=_in_order), list(WARNINGS.columns)),
        rows=rows,
        near=near,
        cheats=cheats,
        counts=_counts(files, photos, samples, rejected, doubts, near, cheats),
        told=samples_told(photos, len(set(places))) + stage.told,
        deep_ranges=dict(scales[0].ranges) if ingest.deep_photos == "dataset" else {},
        turned=stage,
    )


def pack_settings(ingest: IngestSettings) -> PackSettings:
    """The fields of the ingest section that packing needs."""
    return PackSettings(ingest.height, ingest.width, ingest.fit, ingest.max_megapixels)


@contextmanager
def _files_of(
    dataset: DatasetSettings, ingest: IngestSettings, workspace: Path
) -> Iterator[list[FoundFile]]:
    """All files of a folder, or of an archive for the duration of the block."""
    path = Path(dataset.path)
    if not path.is_dir() and is_archive(path):
        limits = Limits(
            ingest.max_archive_files,
            int(ingest.max_archive_gigabytes * 1e9),
            ingest.max_archive_ratio,
        )
        with TemporaryDirectory(dir=workspace) as folder:
            yield unpack_archive(path, Path(folder), limits)
    else:
        yield list_folder(path)


def _groups(kept: list[Pair], decoded: list[Pair], near: list[NearCopy]) -> list[str]:
    """
    (n_kept,) the group of every photo used.

    Rejected copies still connect groups, because a copy may have another specimen than the photo
    used. They come after the photos used and never name a group.
    """
    kept_ids = {photo.photo_id for photo, _ in kept}
    everything = kept + [pair for pair in decoded if pair[0].photo_id not in kept_ids]
    named = group_photos(
        [photo.photo_id for photo, _ in everything],
        [
            [photo.specimen for photo, _ in everything],
            [photo.grain for photo, _ in everything],
            [photo.sample for photo, _ in everything],
            [same_place(photo.place) for photo, _ in everything],
            [entry.sha256 for _, entry in everything],
        ],
        [(pair.first, pair.second) for pair in near],
    )[: len(kept)]
    smallest: dict[str, str] = {}
    for group, (photo, _) in zip(named, kept, strict=True):
        smallest[group] = min(smallest.get(group, photo.photo_id), photo.photo_id)
    return [smallest[group] for group in named]


def _without_copies(decoded: list[Pair], on_conflict: str) -> tuple[list[Pair], list[Rejected]]:
    """Each photo once, under its first photo_id in sorted order; the others as rejected."""
    same: dict[str, list[Pair]] = defaultdict(list)
    for pair in sorted(decoded, key=lambda pair: pair[0].photo_id):
        same[pair[1].sha256].append(pair)
    kept: list[Pair] = []
    rejected: list[Rejected] = []
    conflicts: list[str] = []
    for pairs in same.values():
        labels = sorted({photo.label for photo, _ in pairs})
        if len(labels) > 1:
            conflicts.append(" = ".join(f"{p.photo_id} ({p.label})" for p, _ in pairs))
            reason = f"conflict: the same photo under the labels {', '.join(labels)}"
            rejected += [Rejected(photo.photo_id, reason) for photo, _ in pairs]
            continue
        kept.append((_completed([photo for photo, _ in pairs]), pairs[0][1]))
        reason = f"copy: the same pixels as {pairs[0][0].photo_id}"
        rejected += [Rejected(photo.photo_id, reason) for photo, _ in pairs[1:]]
    if conflicts and on_conflict == "error":
        raise InputError.of_all(
            "the same photo under two labels. Delete the wrong ones, or set "
            "ingest.on_conflict to reject, which uses none of them",
            conflicts,
        )
    return kept, rejected


def _completed(copies: list[Candidate]) -> Candidate:
    """The first of some copies, with values that only the others have, if they agree."""
    known: dict[str, Any] = {}
    for name in OPTIONAL:
        values = {getattr(photo, name) for photo in copies} - {""}
        known[name] = getattr(copies[0], name) or (values.pop() if len(values) == 1 else "")
    return replace(copies[0], **known)


def _check_labels(
    path: str, labels: list[str], rejected: list[Rejected], ignored_tables: list[str]
) -> None:
    found = sorted(set(labels))
    if len(found) >= 2:
        return
    kinds = Counter(file.kind for file in rejected)
    why = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())) or "none"
    hint = f" A table is there, but {ignored_tables[0]}." if ignored_tables else ""
    what = f"only one class ({found[0]})" if found else "no usable photo"
    raise InputError(
        f"dataset.path: {path} contains {what}; files not used: {why}. Allowed: two classes or "
        f"more, one folder for each, or a photos.csv (file, label). Add photos of another class.{hint}"
    )


def _photos_table(kept: list[Pair], groups: list[str], lights: str) -> pd.DataFrame:
    rows = [
        {
            "photo_id": photo.photo_id,
            "file": photo.photo_id,
            "label": photo.label,
            "specimen": photo.specimen,
            "grain": photo.grain,
            "sample": (lights == "together" and photo.sample) or photo.photo_id,
            "light": photo.light,
            "angle": float(photo.angle or "nan"),
            "group": group,
            "width": entry.width,
            "height": entry.height,
            "sha256": entry.sha256,
        }
        for (photo, entry), group in zip(kept, groups, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(PHOTOS.columns))


def _details(kept: list[Pair]) -> pd.DataFrame:
    """Measurements of each photo, in addition to the columns of photos.csv."""
    rows = []
    for _, entry in kept:
        assert entry.facts is not None
        rows.append(
            {
                **asdict(entry.facts),
                "area": entry.width * entry.height,
                "aspect": entry.width / entry.height,
                "format_code": FORMATS.index(entry.format),
                "format": entry.format,
                "jpeg_quality": entry.jpeg_quality,
                "notes": entry.notes,
            }
        )
    return pd.DataFrame(rows)


def _doubts_of_copies(near: list[NearCopy], photos: pd.DataFrame) -> list[Doubt]:
    doubts = []
    for pair in near:
        first, second = (photos.iloc[row] for row in (pair.first, pair.second))
        one, other = sorted([first, second], key=lambda photo: str(photo["photo_id"]))
        detail = f"of {other['photo_id']} (similarity {pair.similarity:.2f})"
        kind = "near copy"
        if one["label"] != other["label"]:
            kind = "near copy, two labels"
            detail += f": {one['label']} and {other['label']}; one label must be wrong"
        doubts.append(Doubt(kind, str(one["photo_id"]), detail))
    return doubts


def _doubts_of_lost_classes(candidates: list[Candidate], kept: list[Pair]) -> list[Doubt]:
    lost = {photo.label for photo in candidates} - {photo.label for photo, _ in kept}
    return [
        Doubt("class lost", "", f"class {label}: none of its files can be used; see rejected.csv")
        for label in lost
    ]


def _in_order(doubt: Doubt) -> tuple[bool, str, str, str]:
    return bool(doubt.file), doubt.kind, doubt.file, doubt.detail


def _table(rows: list[Rejected] | list[Doubt], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame([asdict(row) for row in rows], columns=columns)


def _in_lights(samples: pd.DataFrame) -> dict[str, int]:
    """How many samples are seen in each light, or in all of several."""
    names = samples["light"].replace("", "unknown").str.replace("+", "_and_")
    return {f"in_{name}": int(n) for name, n in names.value_counts().sort_index().items()}


def _counts(  # noqa: PLR0917 - what is counted
    files: list[FoundFile],
    photos: pd.DataFrame,
    samples: pd.DataFrame,
    rejected: list[Rejected],
    doubts: list[Doubt],
    near: list[NearCopy],
    cheats: list[Cheat],
) -> dict[str, object]:
    def by_kind(kinds: list[str]) -> dict[str, int]:
        return dict(Counter(kind.replace(",", "").replace(" ", "_") for kind in kinds))

    return {
        "files": sum(file.name != TABLE for file in files),
        "photos": len(photos),
        "samples": {"total": len(samples), **_in_lights(samples)},
        "classes": {str(label): int(n) for label, n in samples["label"].value_counts().items()},
        "groups": int(photos["group"].nunique()),
        "largest_group": int(photos["group"].value_counts().max()),
        "near_copies": len(near),
        "rejected": {"total": len(rejected), **by_kind([file.kind for file in rejected])},
        "warnings": {"total": len(doubts), **by_kind([doubt.kind for doubt in doubts])},
        "told_without_the_mineral": {
            cheat.fact.replace(" ", "_"): round(cheat.accuracy, 4) for cheat in cheats
        },
    }
