"""The options of ``thinsection render``, parsed and checked, and the command itself."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from thinsection.base.errors import InputError
from thinsection.base.files import check_output
from thinsection.render.flaws import FLAWS
from thinsection.render.minerals import unknown_minerals
from thinsection.settings import RenderSettings

LIGHTS = ("ppl", "xpl")
PHOTOS_FILE = "photos.csv"
MODES_FILE = "modes.csv"
TURN_FILE = "turn.csv"

# Defaults of the command's options; the pipeline reads params.yaml instead.
STANDARD = {
    "minerals": ["augite", "biotite", "olivine", "plagioclase"],
    "supersample": 1.0,
    "lights": "together",
    "angles": [],
    "crossed": 0.78,
    "share": [0.6, 1.0],
    "grain_radius_um": [30.0, 700.0],
    "alteration": 0.55,
    "flaws": list(FLAWS),
    "automatic_exposure": 0.3,
    "colour_cast": 0.5,
}


def settings_of(**options: object) -> RenderSettings:
    """
    Settings with ``options`` instead of the defaults; None keeps a default.

    Raises
    ------
    InputError
        With every option that is not allowed.
    """
    given = {name: value for name, value in options.items() if value is not None}
    asked: dict[str, Any] = STANDARD | given
    problems = unknown_minerals(asked["minerals"])
    try:
        settings = RenderSettings.model_validate(asked)
    except ValidationError as error:
        problems += [_explained(e) for e in error.errors()]
    if problems:
        raise InputError.of_all("render", problems)
    return settings


def _explained(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":
        return f"{name} is {problem['ctx']['error']}"
    allowed = problem["msg"].removeprefix("Input should be ")
    return f"{name} is {problem['input']!r}; allowed: {allowed}. Correct it."


def size_of(text: str) -> tuple[int, int]:
    """Width and height of "275x183"."""
    found = re.fullmatch(r"(\d+)[xX](\d+)", text.strip())
    if not found:
        raise InputError(f"--size is {text!r}; allowed: width x height in pixels, e.g. 275x183.")
    return int(found[1]), int(found[2])


def range_of(option: str, text: str) -> list[float]:
    """Least and greatest of "0.55:0.98"."""
    try:
        least, greatest = (float(part) for part in text.split(":"))
    except ValueError:
        raise InputError(
            f"{option} is {text!r}; allowed: least:greatest, e.g. 0.55:0.98."
        ) from None
    return [least, greatest]


def lights_of(text: str | None) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The lights of the option, and the settings that it stands for."""
    if text is None or text == "both":
        return LIGHTS, {}
    if text == "either":
        return LIGHTS, {"lights": "apart"}
    if text not in LIGHTS:
        raise InputError(
            f"--light is {text!r}; allowed: both (each field in both lights), either (each in one of "
            "them, at random), ppl, xpl."
        )
    return (text,), {"lights": "apart", "crossed": float(text == "xpl")}


def stage_angles_of(text: str) -> list[float]:
    """Angles of "0,30,60", degrees."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"--angles is {text!r}; allowed: degrees with commas between, e.g. 0,30,60."
        ) from None


def angles_of(text: str) -> list[float]:
    """Angles of "0:90:5": from, to (included) and step, degrees."""
    try:
        first, last, step = (float(part) for part in text.split(":"))
    except ValueError:
        first, last, step = 0, 0, 0
    if not (step > 0 and first <= last and (last - first) / step <= 720):
        raise InputError(
            f"--turn-stage is {text!r}; allowed: from:to:step in degrees, e.g. 0:90:5, "
            f"with from not above to, step above 0 and at most 721 frames."
        )
    return [float(angle) for angle in np.arange(first, last + step / 1000, step)]


def check_free(folder: Path, overwrite: bool) -> None:
    """
    Stop before any work if the output can't be written.

    Raises
    ------
    InputError
        If ``folder`` can't be made (``check_output``), is not empty without ``overwrite``, or
        contains files that this command did not make.
    """
    check_output(folder, "whole folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise InputError(
            f"{folder} is not empty; allowed: a new or empty folder. Give another name, or add "
            f"--overwrite to replace it and everything in it."
        )
    if not any((folder / name).exists() for name in (PHOTOS_FILE, TURN_FILE, MODES_FILE)):
        raise InputError(
            f"{folder} contains files that `thinsection render` did not make (none of "
            f"{PHOTOS_FILE}, {TURN_FILE}, {MODES_FILE} exists), so --overwrite won't delete it. Give another "
            "folder."
        )


def render(
    out: Path, overwrite: bool, seed: int, settings: RenderSettings, workers: int, mask: bool
) -> int:
    """Write a data set; returns the number of photos."""
    from thinsection.render.dataset import write_dataset

    out = out.resolve()
    check_free(out, overwrite)
    return write_dataset(out, seed, settings, workers=workers, mask=mask)


def turn(
    out: Path,
    overwrite: bool,
    seed: int,
    settings: RenderSettings,
    lights: Sequence[str],
    angles_deg: Sequence[float],
) -> int:
    """Write the frames of a turning stage; returns their number."""
    from thinsection.render.turntable import write_turn

    out = out.resolve()
    check_free(out, overwrite)
    return write_turn(out, seed, settings, lights, angles_deg)


def windows(
    out: Path,
    overwrite: bool,
    seed: int,
    settings: RenderSettings,
    *,
    rocks: Sequence[str],
    points: int,
    window_um: float,
    workers: int,
) -> int:
    """Write windows of sections of rocks, all of them if none is named; returns the number of photos."""
    from thinsection.render.sections import COUNTABLE
    from thinsection.render.windows import WindowPlan, write_windows

    out = out.resolve()
    check_free(out, overwrite)
    plan = WindowPlan(tuple(rocks) or COUNTABLE, points, window_um)
    return write_windows(out, seed, settings, plan, workers)


def scan(
    out: Path,
    overwrite: bool,
    seed: int,
    settings: RenderSettings,
    *,
    rocks: Sequence[str],
    size: tuple[int, int],
    workers: int,
) -> None:
    """Write a scan of a section of one rock."""
    from thinsection.render.scan import write_scan

    if len(rocks) != 1:
        raise InputError("--scan shows one rock; name it with --rock, such as --rock granite.")
    out = out.resolve()
    check_free(out, overwrite)
    write_scan(out, seed, rocks[0], size, settings, workers)


def how_to_train(out: Path, settings: RenderSettings, window_um: float) -> str:
    """What params.yaml has to say for a model that names the centres of windows."""
    from thinsection.render.sections import um_per_pixel_of
    from thinsection.render.windows import window_px

    scale = um_per_pixel_of(settings.width, settings.height)
    side = window_px(window_um, scale)
    return (
        f"train with -S dataset.path={out} -S ingest.height={side} -S ingest.width={side} "
        f"-S final.label_of=centre -S final.um_per_pixel={scale:g}"
    )
