"""Writing the folder ``models/final`` of the chosen model."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

import thinsection
from thinsection.base.arrays import Bools, Bytes, Floats, Ints
from thinsection.base.files import hash_of, write_json
from thinsection.base.seeds import generator
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.dataset.reduction import reduced
from thinsection.evidence.choice import Expected
from thinsection.evidence.runs import OutOfFold
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.final.card import model_card
from thinsection.final.doubt import fit_sets
from thinsection.final.fitting import fit_members
from thinsection.final.flag import Photos, few_of_each, fit_flag
from thinsection.final.graph import check_agreement, export, inputs_of
from thinsection.final.pieces import OPSET
from thinsection.final.promises import by_class, by_lights, errors_by_specimen, named
from thinsection.final.weights import write_weights
from thinsection.learning.checkpoints import loaded_modules
from thinsection.learning.contract import Classifier
from thinsection.learning.examples.backbones import name_and_licence
from thinsection.learning.examples.examples import Examples
from thinsection.learning.examples.joining import slot_weights
from thinsection.params import Params
from thinsection.predict.description import describe
from thinsection.predict.folder import (
    CARD,
    DESCRIPTION,
    ERRORS,
    FORMAT,
    FORMAT_2,
    FORMAT_3,
    GRAPH,
    REFERENCE,
)
from thinsection.predict.graph import EMBEDDING, Graph, open_graph
from thinsection.predict.likeness import Reference
from thinsection.predict.membership import WEIGHTS, Memberships
from thinsection.settings import EmbeddingSettings

THUMBNAIL_PX = 64  # length of the longer side
CHUNK = 64  # photos at a time
CHECKED = 24  # samples, of which graph and classifier are compared by a part of their photos
LEARNT_FROM = 2000  # photos for the memberships, whose time grows with the cube of their number


@dataclass(frozen=True)
class Chosen:
    """
    The final model.

    Attributes
    ----------
    row : its row of models.csv
    expected : its expected accuracy on new specimens
    result : its out-of-fold predictions
    """

    row: pd.Series
    expected: Expected
    result: OutOfFold


def write_final(
    folder: Path,
    chosen: Chosen,
    examples: Examples,
    fold: Fold,
    folds: Ints,
    *,
    data: dict[str, str],
    params: Params,
    deep_ranges: Mapping[str, tuple[float, float]] | None = None,
    turned: int | None = None,
    others: Bytes | None = None,
) -> dict[str, Any]:
    """
    Fit the chosen model and write its folder.

    Parameters
    ----------
    fold : the photos for fitting (``fitting.whole``), and those on which the exported graph is
        compared
    folds : (n_repeats, n_photos) int
    data : file -> SHA-256, for the input files
    deep_ranges : kind of samples -> lowest and highest value of all deep photos, where
        ``ingest.deep_photos`` gives them one scale
    turned : how photos at several angles were put in register, None if they were not
    others : (n_others, height, width, 3), photos of none of the classes, if there are any

    Returns
    -------
    The content of model.json.

    Raises
    ------
    InputError
        If the exported graph and the classifier differ on any of these photos.
    """
    photos, run = examples.photos, chosen.result.run
    groups = photos.table["group"].to_numpy(str)
    members = fit_members(params.members(run), examples, fold, params)
    sets = fit_sets(chosen.result.repeats, groups, params.final.coverage)
    lights = members[0].classifier.lights
    in_one_light = (
        by_lights(chosen.result, photos.classes, groups, params.final.coverage) if lights else {}
    )
    height, width = photos.pixels.shape[1:3]
    # what the comparison had the weights for tells unknown minerals better than colours do
    gives_embedding = params.plan()["embedding"]["asked"] != "nothing"
    graph = export(
        members,
        height,
        width,
        n_classes=len(photos.classes),
        temperature=sets.temperature,
        pixels=params.pixels,
        embedding=params.embedding,
        gives_embedding=gives_embedding,
    ).SerializeToString(deterministic=True)
    (folder / GRAPH).write_bytes(graph)
    classifiers = [member.classifier for member in members]
    takes = inputs_of(classifiers, gives_embedding)
    runner = Graph(open_graph(graph), "+".join(takes))
    names = photos.table["sample"].to_numpy(str)[fold.held_out]
    every = np.arange(len(photos.table))
    seen = _seen_in_lights(runner, photos, every) if lights else _seen(runner, photos.pixels)
    difference = check_agreement(
        seen["uncalibrated"][fold.held_out],
        np.mean([member.probabilities for member in members], axis=0),
        names,
        run.model,
    )
    for light in in_one_light:
        alone = np.mean([member.one_light[light] for member in members], axis=0)
        way = photos.lights.ways[light]
        has = np.flatnonzero(photos.lights.seen_in(way)[fold.held_out])
        some = has[:: -(-len(has) // CHECKED)]
        given = _seen_in_lights(runner, photos, fold.held_out[some], way)["uncalibrated"]
        found_alone = check_agreement(given, alone[some], names[some], run.model)
        difference = max(difference, found_alone)
    rows = _kept(len(photos.photos), params.final.reference_photos, params.seed)
    vectors, outside = _vectors(seen, rows), {}
    # with colour and texture alone they hide more than they show: 51 % of sand grains flagged, not 84 %
    if EMBEDDING in vectors and others is not None and len(others):
        outside = _vectors(_seen_alone(runner, others, lights), np.arange(len(others)))
    errors_by_specimen(chosen.result.repeats, groups, photos.classes).to_csv(
        folder / ERRORS, index=False, lineterminator="\n"
    )
    known = _known(photos, rows, folds[0], params.seed, vectors=vectors, outside=outside)
    flag, rates = fit_flag(
        known, params.final.novelty_false_alarms, params.final.novelty_neighbours
    )
    reference = _reference(photos, rows, known.descriptions, flag.memberships)
    reference.write(folder / REFERENCE)
    plain = params.ingest.deep_photos == "each" and len(takes) == 1 and not flag.memberships
    found: dict[str, Any] = {
        "format": FORMAT_3 if lights else FORMAT if plain else FORMAT_2,
        "name": run.model,
        "title": run.title,
        "select": params.final.select,
        "classes": photos.classes,
        "height": height,
        "width": width,
        "fit": params.ingest.fit,
        "max_megapixels": params.ingest.max_megapixels,
        "deep_photos": params.ingest.deep_photos,
        "deep_ranges": {kind: list(ends) for kind, ends in (deep_ranges or {}).items()},
        "takes": "+".join(takes),
        "gives_embedding": gives_embedding,
        "features": {member.name: member.classifier.features for member in members},
        "standardisation": {
            member.name: _standardisation(member.classifier.model) for member in members
        },
        "contains": _contained(classifiers, params.embedding if gives_embedding else None),
        "n_parameters": int(chosen.row["n_parameters"]),
        "n_photos": int((~photos.lights.of_angles).sum()),
        "n_samples": len(photos.table),
        "lights": list(lights),
        "turned": turned,
        "label_of": params.final.label_of,
        "um_per_pixel": params.final.um_per_pixel,
        "photo_px": [int(photos.photos[side].median()) for side in ("height", "width")],
        "by_lights": in_one_light,
        "n_specimens": len(np.unique(groups)),
        "photos_of_class": photos.photos["label"].value_counts().sort_index().to_dict(),
        "n_compared": len(params.runs),
        "ca": float(chosen.expected.ca),
        "ca_low": float(chosen.expected.low),
        "ca_high": float(chosen.expected.high),
        "ca_in_comparison": float(chosen.row["ca"]),
        "confidence": params.evidence.confidence,
        "temperature": sets.temperature,
        "coverage": params.final.coverage,
        "set_threshold": float(sets.thresholds.max()),  # for programs that know one for all classes
        "set_thresholds": named(photos.classes, sets.thresholds),
        "by_class": by_class(
            chosen.result.repeats,
            groups,
            photos.classes,
            sets,
            confidence=params.evidence.confidence,
            n_draws=params.evidence.bootstrap_draws,
            rng=generator(params.seed, "final", "by class"),
        ),
        "measured_coverage": sets.measured_coverage,
        "mean_set_size": sets.mean_size,
        "novelty_threshold": flag.threshold,
        "novelty_neighbours": params.final.novelty_neighbours,
        "membership_threshold": flag.membership_threshold,
        "false_alarms": rates.false_alarms,
        "found_unseen": {photos.classes[k]: share for k, share in rates.found_unseen.items()},
        "found_unseen_mean": float(np.mean(list(rates.found_unseen.values())))
        if rates.found_unseen
        else None,
        "n_others": len(next(iter(known.outside.values()), ())),
        "n_reference": len(rows),
        "licence": params.final.licence,
        "data": data,
        "code": code_hash(),
        "parameters": _parameters(params.members(run), params),
        "versions": _versions({member.how for member in members}),
        "largest_difference": difference,
    }
    prefixes = {member: f"{member.name}." if len(members) > 1 else "" for member in members}
    weights = [write_weights(m.classifier.model, folder, prefixes[m]) for m in members]
    (folder / CARD).write_text(model_card(found, weights), encoding="utf-8", newline="\n")
    found["files"] = {path.name: hash_of(path) for path in sorted(folder.iterdir())}
    write_json(found, folder / DESCRIPTION)
    return found


def code_hash() -> str:
    """SHA-256 over all loaded modules of thinsection, by name: the code that made the model."""
    digest = sha256()
    for module in loaded_modules():
        digest.update(f"{module.name} {hash_of(module)}\n".encode())
    return digest.hexdigest()


def _kept(n_photos: int, limit: int, seed: int) -> Ints:
    """Rows of the photos stored for comparison: all, or ``limit`` drawn at random."""
    if n_photos <= limit:
        return np.arange(n_photos)
    drawn = generator(seed, "final", "reference").permutation(n_photos)
    return np.sort(drawn[:limit])


def _parts(rows: Ints, size: int = CHUNK) -> list[Ints]:
    """The rows in small parts, so that the photos of a part fit into memory."""
    return np.array_split(rows, -(-len(rows) // size))


def _seen(graph: Graph, pixels: Bytes) -> dict[str, Floats]:
    """By name, what the graph gives for all photos, and the vectors that it takes."""
    outputs = ["uncalibrated", *graph.vectors]
    parts = [graph.of_photos(pixels[part], outputs) for part in _parts(np.arange(len(pixels)))]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _seen_in_lights(
    graph: Graph, photos: Dataset, samples: Ints, way: Bools | None = None
) -> dict[str, Floats]:
    """
    The same where the graph takes samples: probabilities of samples, vectors of their photos.

    Parameters
    ----------
    samples : in ascending order
    way : (n_photos,) those that are shown, at least one of each of the samples; None: all
    """
    lights, outputs = photos.lights, ["uncalibrated", *graph.vectors]
    parts, shown = [], []
    n_photos = len(lights.sample_of) / len(lights.present)
    for part in _parts(samples, max(1, int(graph.chunk / n_photos))):
        rows = lights.photos_of(part)
        weights = slot_weights(lights, part, rows, None if way is None else way[rows])
        parts.append(graph.run(photos.pixels[rows], outputs, weights))
        shown.append(rows)
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(np.concatenate(shown), kind="stable")
    return {name: each if name == "uncalibrated" else each[order] for name, each in found.items()}


def _seen_alone(graph: Graph, pixels: Bytes, lights: tuple[str, ...]) -> dict[str, Floats]:
    """The vectors of photos that are no samples of the data set."""
    if not lights:
        return _seen(graph, pixels)
    parts = []
    for rows in _parts(np.arange(len(pixels)), graph.chunk):
        weights = np.zeros((len(rows), len(lights), len(rows)), np.float32)
        weights[np.arange(len(rows)), 0, np.arange(len(rows))] = 1  # the vectors don't depend on it
        parts.append(graph.run(pixels[rows], ["uncalibrated", *graph.vectors], weights))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _vectors(seen: dict[str, Floats], rows: Ints) -> dict[str, Floats]:
    """Those that tell how strongly a photo belongs to a class, of some photos."""
    return {kind: seen[kind][rows] for kind in WEIGHTS if kind in seen}


def _known(
    photos: Dataset, rows: Ints, folds: Ints, seed: int, *,
    vectors: dict[str, Floats], outside: dict[str, Floats],
) -> Photos:  # fmt: skip
    """What the flag is fitted to: some of the training photos, and photos of none of the classes."""
    samples = photos.lights.sample_of[rows]
    labels = photos.labels[samples]
    return Photos(
        vectors,
        descriptions=np.concatenate([describe(photos.pixels[part]) for part in _parts(rows)]),
        labels=labels,
        groups=photos.table["group"].to_numpy(str)[samples],
        folds=folds[samples],
        samples=samples,
        used=few_of_each(labels, LEARNT_FROM, generator(seed, "final", "memberships")),
        outside=outside,
    )


def _reference(
    photos: Dataset, rows: Ints, descriptions: Floats, memberships: Memberships | None
) -> Reference:
    height, width = photos.pixels.shape[1:3]
    scale = min(THUMBNAIL_PX / max(height, width), 1)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    table = photos.photos.iloc[rows]
    return Reference.of(
        descriptions,
        table["photo_id"].to_numpy(str),
        table["label"].to_numpy(str),
        reduced(photos.pixels[rows], *size),
        memberships,
    )


def _standardisation(model: Any) -> dict[str, Any]:
    """The input range of the classifier, and how it standardises."""
    parts = model.modules() if isinstance(model, nn.Module) else ()
    each = (dict(part.named_buffers(recurse=False)) for part in parts)
    buffers = next((found for found in each if {"mean", "std"} <= set(found)), None)
    if buffers is None:
        return {"where": "in the graph, as far as the classifier has any", "counts_from": "0..1"}
    mean, std = (buffers[name].flatten().tolist() for name in ("mean", "std"))
    # of the three colours, or one value for each feature
    inside = {"mean": mean, "std": std} if len(mean) == 3 else {"features": len(mean)}
    return {"where": "in the graph", "counts_from": "0..1", **inside}


def _contained(classifiers: list[Classifier], embedding: EmbeddingSettings | None) -> list[str]:
    """The pretrained weights in the model, each with its licence."""
    parts = {classifier.contains for classifier in classifiers}
    parts |= {name_and_licence(embedding)} if embedding else set()
    return sorted(parts - {""})


def _parameters(runs: list[Run], params: Params) -> dict[str, Any]:
    """The settings with which the model was fitted."""
    sections = {FAMILIES[run.family].section for run in runs}
    names = {"seed", "training", "augment", "pixels", "embedding", "final", *sections}
    return params.model_dump(mode="json", include=names)


def _versions(how: set[str]) -> dict[str, str]:
    packages = ["numpy", "pillow", "onnx", "onnxruntime"]
    network, classical = ["torch", "safetensors"], ["scikit-learn", "skl2onnx", "skops"]
    packages += network if "network" in how else []
    packages += classical if "scikit-learn" in how else []
    own = {"thinsection": thinsection.__version__, "opset": str(OPSET)}
    own["python"] = ".".join(map(str, sys.version_info[:3]))
    return own | {name: version(name) for name in packages}
