"""The folder of a model: the files it must contain, and whether they are unchanged."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from thinsection.base.errors import InputError
from thinsection.base.files import hash_of
from thinsection.decode.deep import DeepPhotos
from thinsection.decode.photo import Fit

FORMAT = 1  # version of the folder's format; increased when older programs can't read it
# an older program would scale deep photos otherwise than in training, or give a graph with two
# inputs one of them, or does not know the memberships in reference.npz
FORMAT_2 = 2
FORMAT_3 = 3  # an older program does not know samples in several lights
FORMATS = (FORMAT, FORMAT_2, FORMAT_3)
DESCRIPTION, GRAPH, REFERENCE, CARD = "model.json", "model.onnx", "reference.npz", "README.md"
ERRORS = "errors.csv"  # what the comparison called the samples of each specimen, for counting
# of model.json: older folders lack them
OPTIONAL = (
    *("deep_photos", "deep_ranges", "membership_threshold", "found_unseen"),
    *("lights", "by_lights", "turned", "set_thresholds", "by_class"),
    *("label_of", "um_per_pixel", "photo_px"),
)
NEEDED = (DESCRIPTION, GRAPH, REFERENCE)  # for prediction; the other files are for people


@dataclass(frozen=True)
class ModelCard:
    """
    The description of a model; its figures are for photos of unseen specimens.

    Attributes
    ----------
    name : as in metrics/tables/models.csv, e.g. ``resnet-18``; title : e.g. ``ResNet-18``
    classes : sorted
    height, width, fit, max_megapixels : how a photo is prepared (ingestion's own settings)
    ca, ca_low, ca_high : expected accuracy and its interval, 0..1
    n_photos, n_specimens : of the training data
    coverage : requested share of photos whose prediction set contains the true class
    measured_coverage, mean_set_size : of the prediction sets, on unseen specimens
    false_alarms : share of such photos flagged as unlike anything seen
    found_unseen : class -> share of its photos that are flagged by what never saw the class; empty
        if it was not measured
    temperature, set_thresholds, novelty_threshold, novelty_neighbours : see docs/your-own-photos.md
    membership_threshold : of the strangeness of a photo (predict/membership.py); None if distance
        alone raises the flag
    deep_photos, deep_ranges : on what scale photos of more than 8 bits are reduced to them, as
        ``ingest.deep_photos``, and, for ``dataset``, kind of samples -> lowest and highest value.
        Folders made before there was a choice have neither.
    takes : inputs of the graph, joined by ``+``: ``photos``, and ``colour_texture`` if these
        vectors, which are computed before the graph, are needed
    lights : in which it takes photos of a sample, ``ppl`` or ``xpl``; empty if it takes each photo by
        itself
    set_threshold : the largest of ``set_thresholds``; folders made before there was one for each class
        have this alone
    by_class : what can be promised of each class (final/by_class.py); empty in such folders
    by_lights : ``temperature``, ``set_thresholds``, accuracy ``ca`` and the like for samples that are
        shown in one light alone, or in all at one angle of the stage (``Lights.ways``)
    turned : how photos at several angles are put in register (``registration.WAYS``); None: not
    label_of : what a label names: ``photo``, most of what it shows, or ``centre``
    um_per_pixel : of the training photos as they were brought; None: unknown
    photo_px : height and width of such a photo, the medians; empty in older folders
    """

    name: str
    title: str
    classes: tuple[str, ...]
    height: int
    width: int
    fit: Fit
    max_megapixels: float
    ca: float
    ca_low: float
    ca_high: float
    n_photos: int
    n_specimens: int
    coverage: float
    measured_coverage: float
    mean_set_size: float
    false_alarms: float
    temperature: float
    set_threshold: float
    novelty_threshold: float
    novelty_neighbours: int
    takes: str
    licence: str
    versions: dict[str, str]
    deep_photos: DeepPhotos = "each"
    deep_ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    membership_threshold: float | None = None
    found_unseen: dict[str, float] = field(default_factory=dict)
    lights: tuple[str, ...] = ()
    by_lights: dict[str, dict[str, Any]] = field(default_factory=dict)
    set_thresholds: dict[str, float] = field(default_factory=dict)
    by_class: dict[str, dict[str, Any]] = field(default_factory=dict)
    turned: int | None = None
    label_of: str = "photo"
    um_per_pixel: float | None = None
    photo_px: tuple[int, ...] = ()


def of_those_named(by_class: Mapping[str, Mapping[str, Any]], label: str) -> str:
    """How often the name of a class is right (``ModelCard.by_class``), in words; empty if unknown."""
    known = by_class.get(label, {})
    right = known.get("right_when_named")
    if right is None:
        return ""
    others = known.get("taken_for_it")
    rest = f", most of the others {others}" if others else ""
    return f"{round(100 * right)} % of those named {label} were {label}{rest}"


def read_card(folder: Path) -> ModelCard:
    """
    The description of the model in ``folder``, after checking the files that prediction needs.

    Raises
    ------
    InputError
        If a file is missing or was changed, or the folder has another format version.
    """
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        what = "is not a model folder" if len(missing) == len(NEEDED) else "is incomplete"
        raise InputError(
            f"{folder} {what}: {', '.join(missing)} missing. A model folder contains "
            f"{', '.join(NEEDED)}; make one with `dvc repro final`, or copy the whole folder again."
        )
    found = _described(folder / DESCRIPTION)
    if found.get("format") not in FORMATS:
        raise InputError(
            f"{folder / DESCRIPTION}: format {found.get('format')!r}, made by thinsection "
            f"{found.get('versions', {}).get('thinsection', 'of unknown version')}; this version "
            f"reads formats {', '.join(map(str, FORMATS))}. Make the model again with `dvc repro -f final`, or install the "
            "thinsection that made it."
        )
    needed = [each.name for each in fields(ModelCard) if each.name not in OPTIONAL]
    lacking = [name for name in (*needed, "files") if name not in found]
    if lacking:
        raise InputError(
            f"{folder / DESCRIPTION}: {', '.join(lacking)} missing. Copy the whole model folder again."
        )
    _check_unchanged(folder, found["files"])
    return card_of(found)


def card_of(found: dict[str, Any]) -> ModelCard:
    """The card from the content of model.json."""
    known = {each.name: found[each.name] for each in fields(ModelCard) if each.name in found}
    ranges = {kind: (low, high) for kind, (low, high) in found.get("deep_ranges", {}).items()}
    lists = {name: tuple(found.get(name, ())) for name in ("classes", "lights", "photo_px")}
    return ModelCard(**(known | lists | {"deep_ranges": ranges}))


def _described(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: can't be read ({error}). Copy the whole model folder again."
        ) from None
    return found if isinstance(found, dict) else {}


def _check_unchanged(folder: Path, hashes: dict[str, str]) -> None:
    """Raise an InputError if a file that prediction needs is not the one that was written."""
    listed = [name for name in NEEDED[1:] if name in hashes]
    found = {name: hash_of(folder / name) for name in listed}
    problems = [
        f"{name} is not the file that was written (SHA-256 {found[name][:12]}, "
        f"{DESCRIPTION} says {hashes[name][:12]})"
        for name in listed
        if found[name] != hashes[name]
    ]
    problems += [
        f"{name} is not listed in {DESCRIPTION}" for name in NEEDED[1:] if name not in hashes
    ]
    if problems:
        raise InputError.of_all(
            f"{folder} (make it again with `dvc repro -f final`, or copy it again)", problems
        )
