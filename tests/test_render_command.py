"""The commands, from their options to what lies on the disk."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from thinsection.base.errors import InputError
from thinsection.cli import app
from thinsection.params import load_params
from thinsection.render import command
from thinsection.render.chart import (
    A4_LANDSCAPE_INCHES,
    interference_colours,
    typical_birefringence,
    write_chart,
)
from thinsection.render.dataset import specimen_of
from thinsection.render.minerals import MINERALS, check_minerals
from thinsection.render.rocks import ROCKS
from thinsection.render.turntable import round_scene, turned_field, turned_photo
from tiny import TOP

SMALL = ["--specimens", "1", "--fields", "2", "--size", "64x48", "--workers", "1"]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def message(*arguments: object) -> str:
    result = invoke(*arguments)
    assert isinstance(result.exception, InputError), result.output
    return str(result.exception)


def test_render_writes_what_was_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "olivine"
    result = invoke("render", out, "--mineral", "olivine", "--light", "xpl", "--seed", 7, *SMALL)
    assert result.exit_code == 0, result.output
    assert "2 photos" in result.output
    names = sorted(p.name for p in (out / "olivine").iterdir())
    assert names == ["olivine-00-00-xpl.jpg", "olivine-00-01-xpl.jpg"]
    with Image.open(out / "olivine" / names[0]) as photo:
        assert photo.size == (64, 48)


def test_render_without_minerals_means_the_four(tmp_path: Path) -> None:
    assert invoke("render", tmp_path / "demo", *SMALL).exit_code == 0
    folders = sorted(p.name for p in (tmp_path / "demo").iterdir() if p.is_dir())
    assert folders == ["augite", "biotite", "olivine", "plagioclase"]


def test_turn_stage_writes_frames_and_an_animation(tmp_path: Path) -> None:
    out = tmp_path / "turn"
    options = ["--mineral", "biotite", "--size", "64x48", "--turn-stage", "0:90:30"]
    result = invoke("render", out, *options)
    assert result.exit_code == 0, result.output
    assert len(list(out.glob("ppl-*.jpg"))) == len(list(out.glob("xpl-*.jpg"))) == 4
    with Image.open(out / "xpl.webp") as animation:
        assert getattr(animation, "n_frames", 1) == 4
    assert (out / "turn.csv").read_text(encoding="utf-8").splitlines()[1:3] == [
        "ppl-000.0.jpg,ppl,0",
        "ppl-030.0.jpg,ppl,30",
    ]


def test_turning_the_field_by_90_moves_the_right_edge_to_the_bottom() -> None:
    light = np.zeros((40, 40, 3), np.float32)
    light[15:25, 30:] = 1
    turned = turned_field(light, 90, 40, 40)
    assert turned[30:, 15:25].mean() > 0.95
    assert turned[:25].max() < 0.05
    assert np.allclose(turned_field(light, 0, 40, 40), light, atol=1e-5)


def test_a_turn_by_180_only_turns_the_picture() -> None:
    settings = command.settings_of(
        minerals=["hornblende"], specimens=1, fields=1, width=64, height=48
    )
    scene = round_scene(specimen_of(1, "hornblende", 0, settings), settings)
    camera = scene.specimen.camera
    still = replace(camera, noise=0.0, fall_off=0.0, automatic=0.0)
    scene.specimen = replace(scene.specimen, camera=still)
    for light in ("ppl", "xpl"):
        one = turned_photo(scene, settings, light, 0).astype(int)
        other = turned_photo(scene, settings, light, 180).astype(int)
        assert np.abs(one - other[::-1, ::-1]).max() <= 2
        quarter = turned_photo(scene, settings, light, 45).astype(int)
        assert np.abs(one - quarter).mean() > 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--mineral", "olivne"], r"olivne.*allowed: augite, .* Did you mean olivine\?"),
        (["--light", "uv"], "--light is 'uv'; allowed: both"),
        (["--share", "0.5:1.4"], r"share.1 is 1.4; allowed: less than or equal to 1"),
        (["--share", "0.9:0.5"], r"share is \[0.9, 0.5\]; allowed: the least first"),
        (["--share", "half"], "--share is 'half'; allowed: least:greatest"),
        (["--size", "10x10"], "width is 10; allowed: greater than or equal to 32"),
        (["--size", "9000x10"], "width is 9000; allowed: less than or equal to 4096"),
        (["--size", "big"], "--size is 'big'; allowed: width x height"),
        (["--turn-stage", "90:0:5"], "--turn-stage is '90:0:5'; allowed: from:to:step"),
        (["--specimens", "0"], "specimens is 0; allowed: greater than or equal to 1"),
    ],
)
def test_bad_options_are_one_message_and_nothing_is_written(
    tmp_path: Path, options: list[str], expected: str
) -> None:
    out = tmp_path / "out"
    assert re.search(expected, message("render", out, *options), re.S)
    assert list(tmp_path.iterdir()) == []


def test_all_bad_options_are_reported_at_once(tmp_path: Path) -> None:
    text = message("render", tmp_path / "out", "--mineral", "x", "--size", "10x10")
    assert "3 problems" in text


def test_a_folder_with_files_is_kept_unless_overwrite_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--mineral", "quartz", *SMALL]
    assert invoke("render", out, *options).exit_code == 0
    assert "is not empty" in message("render", out, *options)
    assert invoke("render", out, *options, "--overwrite").exit_code == 0


def test_overwrite_never_deletes_what_the_command_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    text = message("render", tmp_path, "--mineral", "quartz", *SMALL, "--overwrite")
    assert "did not make" in text
    assert (tmp_path / "thesis.txt").exists()


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    assert "is a file" in message("render", tmp_path / "out", *SMALL)


def test_angles_include_the_last() -> None:
    assert command.angles_of("0:90:5") == pytest.approx(np.arange(0, 91, 5))


def test_params_report_bad_render_settings_by_name(changed_params: Callable[..., Path]) -> None:
    path = changed_params(render__minerals=["olivine", "olivine"], render__share=[0.9, 0.1])
    with pytest.raises(InputError, match=r"2 problems(.|\n)*each mineral once(.|\n)*least first"):
        load_params(path)


def test_a_mineral_of_params_that_the_table_lacks_is_named_with_the_nearest(
    changed_params: Callable[..., Path],
) -> None:
    path = changed_params(render__minerals=["olivin"])
    text = message("params", path)
    assert "render.minerals: 'olivin' is not a known mineral" in text
    assert "Did you mean olivine?" in text
    check_minerals(MINERALS, "params.yaml")


# ---- the chart


def test_the_chart_fits_a_page_shows_the_formulas_colours_and_is_the_same_every_time(
    tmp_path: Path,
) -> None:
    for name in ("a.png", "b.png"):
        write_chart(tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as chart:
        pixels = np.asarray(chart.convert("RGB")).reshape(-1, 3)
        width, height = chart.size
    assert (width / 200, height / 200) == pytest.approx(A4_LANDSCAPE_INCHES, abs=0.02)
    for retardation in (275, 551, 700, 1106):
        wanted = np.rint(255 * interference_colours(np.array(float(retardation))))
        assert np.abs(pixels - wanted).max(axis=1).min() <= 3


def test_typical_birefringence_by_hand() -> None:
    # olivine between 6 and 35 % fayalite: 0.035 + 0.205 (0.052 - 0.035)
    assert typical_birefringence(MINERALS["olivine"]) == pytest.approx(0.03849, abs=1e-4)
    assert typical_birefringence(MINERALS["garnet"]) == 0


def test_a_chart_of_an_unknown_kind_is_an_error(tmp_path: Path) -> None:
    assert "allowed extensions are .png, .pdf, .svg" in message("chart", tmp_path / "chart.gif")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from thinsection.cli import app;"
        "print([m for m in ('numpy', 'torch', 'scipy', 'PIL', 'pandas') if m in sys.modules])"
    )
    start = time.perf_counter()
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    assert time.perf_counter() - start < 5  # 0.3 s on an idle machine


def test_the_command_and_the_pipeline_start_from_the_same_settings() -> None:
    rendered = load_params(TOP / "params.yaml").render.model_dump()
    options = {name: rendered[name] for name in ("specimens", "fields", "width", "height")}
    assert command.settings_of(**options).model_dump() == rendered


# ---- one entry, one mineral

UNOBTAINIUM = """
    Mineral(
        name="unobtainium",
        system="cubic",
        cell=(5.0, 5.0, 5.0, 90.0, 90.0, 90.0),
        indices=((1.9, 1.9, 1.9),) * 2,
        two_v_deg=(0, 0),
        axes=("a", "b", "c"),
        faces=(((1, 0, 0), 1.0), ((0, 1, 0), 1.0), ((0, 0, 1), 1.0)),
        found_in={"marble": 1.0},
        joins={"quartzite": 0.3},
        map_colour="#123456",
    ),
"""


def test_a_mineral_more_is_one_entry(tmp_path: Path) -> None:
    shutil.copytree(TOP / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    table = tmp_path / "src" / "thinsection" / "render" / "minerals.py"
    text = table.read_text(encoding="utf-8")
    assert text.count("\n)\n\nMINERALS") == 1
    added = text.replace("\n)\n\nMINERALS", f"{UNOBTAINIUM})\n\nMINERALS")
    table.write_text(added, encoding="utf-8")
    out = tmp_path / "photos"
    code = "from thinsection.cli import app; app()"
    options = ["--mineral", "unobtainium", "--mineral", "quartz", "--mask", *SMALL]
    ran = subprocess.run(
        [sys.executable, "-c", code, "render", str(out), *options, "--seed", "4"],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(list((out / "unobtainium").glob("*.jpg"))) == 4  # two fields, in both lights
    for path in (out / "masks" / "unobtainium").glob("*.png"):
        with Image.open(path) as mask:
            names = mask.info["minerals"].split(",")
            number = names.index("unobtainium")
            palette = mask.getpalette() or []
            assert palette[3 * number : 3 * number + 3] == [0x12, 0x34, 0x56]
            assert np.mean(np.asarray(mask) == number) > 0.6


def test_every_mineral_is_found_in_rocks_that_exist_and_looks_like_no_other_in_maps() -> None:
    for mineral in MINERALS.values():
        assert set(mineral.found_in) | set(mineral.joins) <= set(ROCKS)
        assert sum(mineral.found_in.values()) == pytest.approx(1)
    assert len({mineral.map_colour for mineral in MINERALS.values()}) == len(MINERALS)
