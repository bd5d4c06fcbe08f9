"""The same survey without the pipeline: a summary and a page to look through."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import jinja2
import numpy as np
from markupsafe import Markup
from PIL import Image
from pydantic import ValidationError

from thinsection.base.arrays import Bytes
from thinsection.base.errors import InputError
from thinsection.base.files import check_output, writing
from thinsection.ingest.pack import PackSettings, Scratch, explain_full_disk, scratch_files
from thinsection.ingest.summary import print_summary
from thinsection.ingest.survey import Survey, pack_settings, survey
from thinsection.settings import DatasetSettings, IngestSettings

HERE = Path(__file__).parent
PICTURES = 300  # at most on one page
STOPPING = "conflict"  # a reason that would have stopped the pipeline


def check_photos(
    path: Path,
    page: Path,
    ingest: IngestSettings,
    specimen_pattern: str | None,
    light_pattern: str | None,
) -> bool:
    """
    Print what ``path`` holds and write the gallery; whether the pipeline would accept it.

    Conflicts are listed rather than raised, so that one look shows everything.
    """
    check_output(page, "file", "--page")
    if path.is_file() and page.exists() and page.samefile(path):
        raise InputError(f"--page: {page} is what is to be checked. Name another file.")
    ingest = ingest.model_copy(update={"on_conflict": "reject"})
    dataset = _dataset(path, specimen_pattern, light_pattern)
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
    print(f"Gallery: {page}")
    return not any(reason.startswith(STOPPING) for reason in found.rejected["reason"])


def gallery(path: str, found: Survey, picture_of: Callable[[str], Markup]) -> str:
    """The page: classes, what tells them without the mineral, warnings with pictures, rejects."""
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
        classes=found.photos.groupby("label").agg(n=("label", "size"), groups=("group", "nunique")),
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


def _labels_agree(found: Survey, first: int, second: int) -> bool:
    labels = found.photos["label"]
    return bool(labels[first] == labels[second])


def _dataset(path: Path, specimen: str | None, light: str | None) -> DatasetSettings:
    try:
        return DatasetSettings(
            path=str(path), specimen_pattern=specimen or None, light_pattern=light or None
        )
    except ValidationError as error:
        problems = [f"{each['loc'][0]} is {each['ctx']['error']}" for each in error.errors()]
        raise InputError.of_all("thinsection check", problems) from None


def _picture_of(scratch: Scratch, found: Survey, settings: PackSettings) -> Callable[[str], Markup]:
    """A photo's ``<img>``, its pixels in the page itself; nothing once the page has enough."""
    row_of = dict(zip(found.photos["photo_id"], found.rows, strict=True))
    shape = (settings.height, settings.width, 3)
    shown: set[str] = set()

    def picture(photo_id: str) -> Markup:
        if photo_id not in row_of or (photo_id not in shown and len(shown) >= PICTURES):
            return Markup()
        shown.add(photo_id)
        size = int(np.prod(shape))
        with open(scratch.pixels, "rb") as file:
            file.seek(row_of[photo_id] * size)
            pixels = np.frombuffer(file.read(size), np.uint8).reshape(shape)
        return image_tag(pixels)

    return picture


def image_tag(pixels: Bytes) -> Markup:
    """An ``<img>`` of (h, w, 3) uint8 that needs no other file."""
    from base64 import b64encode

    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=85)
    encoded = b64encode(file.getvalue()).decode()
    return Markup('<img alt="" src="data:image/jpeg;base64,{}">').format(encoded)
