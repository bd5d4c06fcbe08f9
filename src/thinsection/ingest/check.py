"""``thinsection check``: the survey without the pipeline, with a summary and a gallery."""

import json
import re
import shlex
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import jinja2
import numpy as np
import pandas as pd
import yaml
from markupsafe import Markup
from PIL import Image
from pydantic import ValidationError

from thinsection.base.arrays import Bytes
from thinsection.base.errors import InputError
from thinsection.base.files import check_output, writing
from thinsection.ingest.naming import AUTO
from thinsection.ingest.pack import PackSettings, Scratch, explain_full_disk, scratch_files
from thinsection.ingest.summary import print_summary
from thinsection.ingest.survey import Survey, pack_settings, survey
from thinsection.ingest.watched import problems_for_dvc
from thinsection.settings import DatasetSettings, IngestSettings

HERE = Path(__file__).parent
PICTURES = 300  # at most on one page
SAMPLES, OF_A_SAMPLE = 12, 8  # shown as they are, and photos of each
HYDRA_WORDS = ("null", "true", "false", "inf", "nan")
STOPPING = "conflict"  # a reason that would have stopped the pipeline


def check_photos(
    path: Path,
    page: Path,
    ingest: IngestSettings,
    specimen_pattern: str | None,
    light_pattern: str | None = AUTO,
    angle_pattern: str | None = AUTO,
    *,
    labels: dict[str, str] | None = None,
    shortages: Callable[[pd.DataFrame], list[str]] | None = None,
    forecast: Callable[[int], list[str]] | None = None,
) -> bool:
    """
    Print a summary of ``path`` and write the gallery; returns whether ingestion would accept it.

    Conflicts are listed instead of raised, so that all problems appear at once. ``shortages`` says
    of a table of photos what there are too few specimens for, ``forecast`` how long the comparison
    of so many photos takes.
    """
    check_output(page, "file", "--page")
    if path.is_file() and page.exists() and page.samefile(path):
        raise InputError(f"--page: {page} is what is to be checked. Name another file.")
    ingest = ingest.model_copy(update={"on_conflict": "reject"})
    dataset = _dataset(path, specimen_pattern, light_pattern, angle_pattern, labels or {})
    with (
        TemporaryDirectory() as folder,
        explain_full_disk(Path(folder)),
        scratch_files(Path(folder)) as scratch,
    ):
        found = survey(dataset, ingest, scratch)
        text = gallery(str(path), found, _picture_of(scratch, found, pack_settings(ingest)))
    with writing(page) as partial:
        partial.write_text(text, encoding="utf-8")
    print_summary(found)
    for problem in shortages(found.photos) if shortages else []:
        print(f"Too few specimens: {problem}")
    print(f"Gallery: {page}")
    problems = problems_for_dvc(path)
    if problems:
        print(InputError.of_all(f"`dvc repro` will not take {path}", problems))
        return False
    if any(reason.startswith(STOPPING) for reason in found.rejected["reason"]):
        return False
    if dataset.labels:
        print(f"First write into params.yaml: dataset.labels: {json.dumps(dataset.labels)}")
    for line in forecast(len(found.table)) if forecast else []:
        print(line)
    print(f"Compare the classifiers on it: {experiment_command(dataset)}")
    return True


def experiment_command(dataset: DatasetSettings) -> str:
    """The ``dvc exp run`` that compares on a data set, quoted for a POSIX shell and for DVC."""
    path = dataset.path
    if not isinstance(yaml.safe_load(_in_yaml(path)), str):
        path = f"./{path}"  # 2021, 1_000 or yes: YAML would read something else than a name
    # what differs from params.yaml as it comes
    usual = {"specimen_pattern": None, "light_pattern": AUTO, "angle_pattern": AUTO}
    values = {"path": _quoted_for_dvc(path)} | {
        name: "null" if pattern is None else _quoted_for_dvc(pattern)
        for name, default in usual.items()
        if (pattern := getattr(dataset, name)) != default
    }
    words = [f"dataset.{name}={value}" for name, value in values.items()]
    return " ".join(["dvc exp run", *(f"-S {_quoted_for_shell(word)}" for word in words)])


def _quoted_for_shell(word: str) -> str:
    """The word in double quotes where a shell reads nothing else in them, otherwise as ``shlex``."""
    readable = "'" in word and not re.search(r'["$`!]|\\(?![\w.()])', word)
    return f'"{word}"' if readable else shlex.quote(word)


def _in_yaml(text: str) -> str:
    """The text as YAML reads it without quotes, or quoted where it would be no single word."""
    return text if re.fullmatch(r"[\w.:+-]+", text) else json.dumps(text)


def _quoted_for_dvc(value: str) -> str:
    """A value of ``-S`` in the quotes of Hydra, whose grammar DVC reads it by; bare where it may be."""
    if re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./-]*", value) and value.lower() not in HYDRA_WORDS:
        return value
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + "\\'" * bool(found[2]), value)
    return f"'{escaped}'"


def gallery(path: str, found: Survey, picture_of: Callable[[str], Markup]) -> str:
    """The page: classes, facts that give them away, warnings with photos, rejected files."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    by_kind = {
        str(kind): members.to_dict("records")
        for kind, members in found.warnings.groupby("kind", sort=True)
    }
    names = found.photos["photo_id"].to_list()
    return environment.get_template("gallery.html").render(
        path=path,
        counts=found.counts,
        classes=found.photos.groupby("label").agg(
            n=("label", "size"), samples=("sample", "nunique"), groups=("group", "nunique")
        ),
        told=found.told,
        samples=_samples_shown(found.photos),
        cheats=found.cheats,
        warnings={kind: rows for kind, rows in by_kind.items() if not kind.startswith("near copy")},
        near=[
            (names[pair.first], names[pair.second], pair.similarity)
            for pair in sorted(
                found.near, key=lambda pair: _labels_agree(found, pair.first, pair.second)
            )
        ],
        label_of=dict(zip(names, found.photos["label"], strict=True)),
        rejected=found.rejected.to_dict("records"),
        picture_of=picture_of,
    )


def _samples_shown(photos: pd.DataFrame) -> list[tuple[str, list[tuple[str, str]]]]:
    """Some samples of each class with their photos: name, and what light and angle of each are."""
    several = photos[photos["sample"].duplicated(keep=False)].sort_values(["sample", "photo_id"])
    first = several.drop_duplicates("sample")
    first = first.assign(place=first.groupby("label").cumcount()).sort_values(["place", "label"])
    shown = []
    for sample in first["sample"].head(SAMPLES):
        members = several[several["sample"] == sample].sort_values(["light", "angle"])
        angles = ["" if np.isnan(angle) else f" {angle:g}°" for angle in members["angle"]]
        names = [light + angle for light, angle in zip(members["light"], angles, strict=True)]
        shown.append((sample, list(zip(members["photo_id"], names, strict=True))[:OF_A_SAMPLE]))
    return shown


def _labels_agree(found: Survey, first: int, second: int) -> bool:
    labels = found.photos["label"]
    return bool(labels[first] == labels[second])


def _dataset(
    path: Path,
    specimen: str | None,
    light: str | None,
    angle: str | None,
    labels: dict[str, str],
) -> DatasetSettings:
    try:
        return DatasetSettings(
            path=str(path),
            specimen_pattern=specimen or None,
            light_pattern=light or None,
            angle_pattern=angle or None,
            labels=labels,
        )
    except ValidationError as error:
        problems = [f"{each['loc'][0]} is {each['ctx']['error']}" for each in error.errors()]
        raise InputError.of_all("thinsection check", problems) from None


def _picture_of(scratch: Scratch, found: Survey, settings: PackSettings) -> Callable[[str], Markup]:
    """The ``<img>`` of a photo, embedded in the page; empty once the page has enough."""
    row_of = dict(zip(found.photos["photo_id"], found.rows, strict=True))
    shape = (settings.height, settings.width, 3)
    shown: set[str] = set()

    def picture(photo_id: str) -> Markup:
        if photo_id not in row_of or (photo_id not in shown and len(shown) >= PICTURES):
            return Markup()
        shown.add(photo_id)
        size = int(np.prod(shape))
        with scratch.pixels.open("rb") as file:
            file.seek(row_of[photo_id] * size)
            pixels = np.frombuffer(file.read(size), np.uint8).reshape(shape)
        return image_tag(pixels)

    return picture


def image_tag(pixels: Bytes) -> Markup:
    """An ``<img>`` with embedded data, from (h, w, 3) uint8."""
    from base64 import b64encode

    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=85)
    encoded = b64encode(file.getvalue()).decode()
    return Markup('<img alt="" src="data:image/jpeg;base64,{}">').format(encoded)
