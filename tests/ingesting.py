"""Small photos that are no copies of each other, and settings to ingest them with."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from thinsection.base.seeds import generator
from thinsection.ingest.pack import scratch_files, write_pixels
from thinsection.ingest.survey import Survey, pack_settings, survey
from thinsection.settings import DatasetSettings, IngestSettings
from tiny import tiny_params


def texture(number: int, height: int = 48, width: int = 72) -> Image.Image:
    """A photo of its own for each number: coarse and fine random cells."""
    rng = generator(1, "texture", number)
    layers = []
    for cells, strength in ((6, 60), (24, 40)):
        grey = rng.normal(128, strength, (cells * 2 // 3, cells, 3)).clip(0, 255).astype(np.uint8)
        layers.append(np.asarray(Image.fromarray(grey).resize((width, height), 3), np.float32))
    return Image.fromarray(np.mean(layers, axis=0).astype(np.uint8))


def save(image: Image.Image, path: Path, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def two_classes(root: Path, n_each: int = 3, suffix: str = "png") -> Path:
    for number in range(2 * n_each):
        label = ("olivine", "quartz")[number % 2]
        save(texture(number), root / label / f"{number:03}.{suffix}")
    return root


def settings(**changes: object) -> IngestSettings:
    return IngestSettings(**tiny_params()["ingest"]).model_copy(update=changes)


def surveyed(  # noqa: PLR0917
    path: Path,
    out: Path,
    workers: int = 1,
    specimen_pattern: str | None = None,
    light_pattern: str | None = None,
    angle_pattern: str | None = None,
    labels: dict[str, str] | None = None,
    **changes: object,
) -> tuple[Survey, np.ndarray]:
    """What is found in a data set, and its packed pixels."""
    dataset = DatasetSettings(
        path=str(path),
        specimen_pattern=specimen_pattern,
        light_pattern=light_pattern,
        angle_pattern=angle_pattern,
        labels=labels or {},
    )
    out.mkdir(parents=True, exist_ok=True)
    ingest = settings(**changes)
    with scratch_files(out) as scratch:
        found = survey(dataset, ingest, scratch, workers)
        write_pixels(
            scratch, found.rows, found.turned.pixels, pack_settings(ingest), out / "pixels.npy"
        )
    return found, np.load(out / "pixels.npy")


def reasons(found: Survey) -> dict[str, str]:
    return dict(zip(found.rejected["file"], found.rejected["reason"], strict=True))


def warned(found: Survey, kind: str) -> list[tuple[str, str]]:
    rows = found.warnings[found.warnings["kind"] == kind]
    return list(zip(rows["file"], rows["detail"], strict=True))
