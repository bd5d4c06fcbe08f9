"""Sections of rocks: windows labelled by their centre, and scans."""

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from thinsection.base.errors import InputError
from thinsection.cli import app
from thinsection.render.command import settings_of
from thinsection.render.rocks import ROCKS
from thinsection.render.scan import write_scan
from thinsection.render.sections import COUNTABLE, draw_section, modes_of, section_field
from thinsection.render.texture import HOLE, SPECIES
from thinsection.render.windows import WindowPlan, window, window_px, write_windows

SMALL = {"specimens": 1, "fields": 1, "width": 160, "height": 110, "grain_radius_um": [80.0, 200.0]}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_section_shows_its_rock_with_modes_about_the_recipes() -> None:
    settings = settings_of(**SMALL)
    total = np.zeros(HOLE + 1, int)
    for number in range(6):
        section = draw_section(3, "granite", number, settings)
        assert sum(section.modes.values()) == pytest.approx(1)
        field = section_field(section, 0, 160, 110)
        assert set(field.photos) == {"ppl", "xpl"}
        assert field.um_per_pixel == pytest.approx(1650 / 160, rel=0.02)
        total += np.bincount(field.minerals.ravel(), minlength=HOLE + 1)
    shares = modes_of(total)
    assert set(shares) <= set(ROCKS["granite"].minerals)
    assert sum(shares.values()) == pytest.approx(1)
    for name, share in ROCKS["granite"].minerals.items():
        assert shares.get(name, 0) == pytest.approx(share, abs=0.25)
    assert "basalt" not in COUNTABLE  # a groundmass can't be counted


def test_the_same_seed_is_the_same_section_and_numbers_differ() -> None:
    settings = settings_of(**SMALL)
    first, again = (
        section_field(draw_section(3, "diorite", 0, settings), 0, 160, 110) for _ in "ab"
    )
    other = section_field(draw_section(3, "diorite", 1, settings), 0, 160, 110)
    assert np.array_equal(first.photos["xpl"], again.photos["xpl"])
    assert not np.array_equal(first.minerals, other.minerals)


def test_windows_are_labelled_by_their_centre_whatever_surrounds_it(tmp_path: Path) -> None:
    settings = settings_of(**SMALL)
    n = write_windows(
        tmp_path / "w", 3, settings, WindowPlan(("granite", "gabbro"), 4, 150.0), workers=1
    )
    rows = rows_of(tmp_path / "w/photos.csv")
    assert n == len(rows)
    sections = {row["specimen"] for row in rows}
    assert sections == {"granite-00", "gabbro-00"}
    per_class = {(row["specimen"], row["label"]) for row in rows}
    assert n == 2 * 4 * len(per_class)  # as many of a rare mineral as of a frequent one
    side = window_px(150.0, 1650 / 160)
    with Image.open(tmp_path / "w" / rows[0]["file"]) as photo:
        assert photo.size == (side, side)
        assert side % 2
    # opaque grains are black in the centre, in both lights
    dark = [row for row in rows if row["label"] == "opaque"]
    assert dark
    for row in dark:
        with Image.open(tmp_path / "w" / row["file"]) as photo:
            centre = np.asarray(photo)[side // 2, side // 2]
        assert centre.mean() < 110


def test_a_window_beyond_the_edge_is_a_mirror() -> None:
    photo = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    cut = window(photo, np.array([0, 0]), 5)
    assert np.array_equal(cut[2, 2], photo[0, 0])
    assert np.array_equal(cut[0], cut[4])
    assert np.array_equal(cut[:, 0], cut[:, 4])


def test_a_scan_is_tiled_says_its_scale_and_knows_its_modes(tmp_path: Path) -> None:
    modes = write_scan(tmp_path / "scan", 3, "gabbro", (1200, 500), settings_of(**SMALL), workers=2)
    rows = rows_of(tmp_path / "scan/modes.csv")
    assert {row["mineral"]: float(row["share"]) for row in rows} == pytest.approx(modes, abs=1e-5)
    assert set(modes) <= set(SPECIES)
    with tifffile.TiffFile(tmp_path / "scan/section_xpl.tif") as file:
        shapes = [page.shape for page in file.pages]
        assert shapes == [(500, 1200, 3), (250, 600, 3)]
        page = file.pages[0].aspage()
        assert page.is_tiled
        above, below = page.tags["XResolution"].value
        assert 1e4 * below / above == pytest.approx(3.0, rel=0.01)
        assert np.ptp(page.asarray().mean(axis=(1, 2))) > 1  # no row is empty


def test_what_is_asked_wrongly_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="basalt unknown; allowed: .*granite"):
        write_windows(tmp_path / "w", 3, settings_of(**SMALL), WindowPlan(("basalt",), 4, 150.0))
    run = CliRunner().invoke(app, ["render", str(tmp_path / "s"), "--scan", "600x400"])
    assert isinstance(run.exception, InputError)
    assert "--scan shows one rock" in str(run.exception)
    run = CliRunner().invoke(app, ["render", str(tmp_path / "s"), "--rock", "granite"])
    assert "--rock goes with --points or --scan" in str(run.exception)
    assert not (tmp_path / "s").exists()
