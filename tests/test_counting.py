"""Counting a section: its points, its pictures, and the command."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from modelling import HEIGHT, WIDTH, make_model
from sections import SCALE, as_brought, half_and_half, pairs, rows_of
from thinsection.base.errors import InputError
from thinsection.base.seeds import generator
from thinsection.counting.command import Options, count
from thinsection.counting.errors import read_errors
from thinsection.counting.naming import window_size
from thinsection.counting.pictures import PhotoPicture, SlideScan, TiffScan, open_picture
from thinsection.counting.points import spread
from thinsection.families.run import Run
from thinsection.predict.folder import read_card

FOREST = Run("baseline", "random_forest")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Names photos in any light: dark basalt, bright chalk."""
    return make_model(tmp_path_factory.mktemp("count") / "model", FOREST, as_brought(), **SCALE)


@pytest.fixture(scope="module")
def model_of_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("count") / "pairs", FOREST, pairs(), **SCALE)


# ---- points


@pytest.mark.parametrize("n", [1, 7, 100, 333])
def test_points_are_as_many_as_asked_by_area_and_in_the_fields(n: int) -> None:
    sizes = [(300, 200), (600, 200), (50, 1000)]
    points = spread(sizes, n, "random", generator(1, "points"))
    assert len(points) == n
    for place, (width, height) in enumerate(sizes):
        own = points.field == place
        assert abs(own.sum() - n * width * height / 230_000) <= 1
        assert (points.x[own] < width).all()
        assert (points.y[own] < height).all()


def test_points_are_spread_evenly_and_never_closer_than_a_window_can_tell() -> None:
    points = spread([(100, 100)], 100, "random", generator(1, "points"))
    halves = np.array([(points.x < 50).sum(), (points.y < 50).sum()])
    assert (np.abs(halves - 50) <= 1).all()
    assert len(spread([(16, 16)], 100, "random", generator(1, "points"))) == 4


def test_a_grid_is_one_whose_start_is_random() -> None:
    points = spread([(400, 300)], 120, "grid", generator(3, "points"))
    assert abs(len(points) - 120) <= 15
    assert len(set(np.diff(np.unique(points.x)).tolist())) <= 2


# ---- pictures


def test_a_tiled_tiff_gives_the_pixels_that_lie_there(tmp_path: Path) -> None:
    pixels = half_and_half(300, 420)
    tifffile.imwrite(
        tmp_path / "scan.tif", pixels, tile=(64, 64), photometric="rgb",
        resolution=(1e4 / 2.5, 1e4 / 2.5), resolutionunit="CENTIMETER",
    )  # fmt: skip
    scan = open_picture(tmp_path / "scan.tif", "scan.tif", 100)
    assert isinstance(scan, TiffScan)
    assert (scan.width, scan.height) == (420, 300)
    assert scan.um_per_pixel == pytest.approx(2.5, rel=1e-3)
    assert np.array_equal(scan.window(40, 100, 90, 77), pixels[40:130, 100:177])
    # beyond the edge it is a mirror
    assert np.array_equal(scan.window(-5, -3, 10, 9)[5:, 3:], pixels[:5, :6])
    assert np.array_equal(scan.window(-5, 0, 10, 9)[:5], pixels[5:0:-1, :9])
    assert np.array_equal(scan.overview(100), pixels[::5, ::5])
    scan.close()


def test_openslide_and_tifffile_see_the_same(tmp_path: Path) -> None:
    pixels, path = half_and_half(300, 420), tmp_path / "scan.tif"
    tifffile.imwrite(
        path, pixels, tile=(64, 64), photometric="rgb", compression="deflate",
        resolution=(1e4 / 2.5, 1e4 / 2.5), resolutionunit="CENTIMETER",
    )  # fmt: skip
    with SlideScan(path) as slide, TiffScan(path) as scan:
        assert (slide.width, slide.height) == (scan.width, scan.height)
        for place in ((40, 100, 90, 77), (-5, -3, 20, 30), (250, 380, 64, 64)):
            assert np.array_equal(slide.window(*place), scan.window(*place))
        assert max(slide.overview(100).shape) == 100


def test_dots_an_inch_are_no_scale(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "s.tif", half_and_half(64, 64), tile=(32, 32), photometric="rgb",
        resolution=(72, 72), resolutionunit="INCH",
    )  # fmt: skip
    with open_picture(tmp_path / "s.tif", "s.tif", 100) as scan:
        assert scan.um_per_pixel is None


def test_a_broken_tile_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    tifffile.imwrite(
        path, half_and_half(256, 256), tile=(64, 64), photometric="rgb", compression="deflate"
    )
    with tifffile.TiffFile(path) as file:
        page = file.pages[0].aspage()
        start, length = page.dataoffsets[5], page.databytecounts[5]
    data = bytearray(path.read_bytes())
    data[start : start + length] = b"\0" * length
    path.write_bytes(data)
    with TiffScan(path) as scan, pytest.raises(InputError, match="tile 5 can't be read"):
        scan.window(64, 64, 64, 64)


def test_what_is_no_picture_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "a.svs").write_bytes(b"no scan at all")
    (tmp_path / "b.mrxs").write_bytes(b"no scan at all")
    for name in ("a.svs", "b.mrxs"):
        with pytest.raises(InputError, match="no scan that OpenSlide can read"):
            open_picture(tmp_path / name, name, 100)


def test_a_window_shows_as_much_as_a_training_photo_did(model: Path) -> None:
    card = read_card(model)
    same, finer = window_size(card, 3.0), window_size(card, 1.5)
    assert (same.height, same.width, same.scaled) == (*card.photo_px, True)
    assert (finer.height, finer.width) == (2 * same.height, 2 * same.width)
    assert not window_size(card, None).scaled


# ---- the command


def test_a_section_of_a_quarter_chalk(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for k in range(9):
        Image.fromarray(half_and_half()).save(tmp_path / f"field-{k}.png")
    options = Options(points=270, um_per_pixel=3.0)
    modes = count([str(tmp_path)], model, tmp_path / "out", options)
    shares = {mode.mineral: mode for mode in modes}
    assert shares["basalt"].share + shares["chalk"].share == pytest.approx(1)
    # the fixture's errors are invented, so what is corrected for them is not the quarter
    assert shares["chalk"].raw == pytest.approx(0.25, abs=0.06)
    assert shares["chalk"].low < shares["chalk"].share < shares["chalk"].high
    points = rows_of(tmp_path / "out/points.csv")
    assert len(points) == 270
    left = [
        row["name"] == "chalk"
        for row in points
        if int(row["x"]) < 60 and row["unlike_anything"] == "0"
    ]
    assert np.mean(left) > 0.9
    table = rows_of(tmp_path / "out/modes.csv")
    assert [row["mineral"] for row in table] == [mode.mineral for mode in modes]
    page = (tmp_path / "out/count.html").read_text(encoding="utf-8")
    assert page.count("<circle") == 270
    assert not re.search(r"(src|href)=.?https?:", page)  # nothing from the network
    text = (tmp_path / "out/text.txt").read_text(encoding="utf-8")
    assert "270 stratified random points" in text
    assert "9 fields of view" in text
    with Image.open(tmp_path / "out/map.png") as drawn:
        assert drawn.width > 100
    said = capsys.readouterr().out
    assert "270 points" in said
    assert "WARNING" not in said


def test_points_named_by_hand_are_taken_in(model: Path, tmp_path: Path) -> None:
    Image.fromarray(half_and_half()).save(tmp_path / "field.png")
    given = [str(tmp_path / "field.png")]
    count(given, model, tmp_path / "one", Options(points=100, um_per_pixel=3.0))
    rows = rows_of(tmp_path / "one/points.csv")
    for row in rows[::3]:
        row["by_hand"] = "Chalk" if int(row["x"]) < 100 else "basalt"
    table = tmp_path / "named.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    options = Options(points=100, um_per_pixel=3.0, by_hand=table)
    modes = count(given, model, tmp_path / "two", options)
    assert {m.mineral: m for m in modes}["chalk"].low <= 0.25
    assert "34 of them" in (tmp_path / "two/text.txt").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="34 points named by hand, which would be lost"):
        count(given, model, tmp_path / "two", Options(points=100, um_per_pixel=3.0))
    kept = Options(points=100, um_per_pixel=3.0, by_hand=tmp_path / "two/points.csv")
    assert count(given, model, tmp_path / "two", kept) == modes
    with pytest.raises(InputError, match="no point of this count is at"):
        count(given, model, tmp_path / "three", Options(points=90, by_hand=table))


def test_a_scan_in_two_lights_is_one_field(model_of_pairs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scan"
    folder.mkdir()
    for light in ("ppl", "xpl"):
        tifffile.imwrite(
            folder / f"section_{light}.tif", half_and_half(320, 800), tile=(64, 64), photometric="rgb",
            resolution=(1e4 / 3, 1e4 / 3), resolutionunit="CENTIMETER",
        )  # fmt: skip
    modes = count([str(folder)], model_of_pairs, tmp_path / "out", Options(points=200))
    assert {m.mineral: m for m in modes}["chalk"].raw == pytest.approx(0.25, abs=0.06)
    assert "a scan of the section" in (tmp_path / "out/text.txt").read_text(encoding="utf-8")


def test_what_has_to_be_known_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = as_brought()
    plain = make_model(tmp_path / "plain", FOREST, photos)
    Image.fromarray(half_and_half(40, 60)).save(tmp_path / "small.png")
    count([str(tmp_path / "small.png")], plain, tmp_path / "out", Options(points=500))
    said = capsys.readouterr().out
    assert "not on windows whose centre shows it" in said
    assert "scale of the model's photos is unknown" in said
    assert "37 points instead of 500" in said
    assert "1 field of view can't say" in said


def test_a_section_of_nothing_known_is_not_counted(model: Path, tmp_path: Path) -> None:
    Image.new("RGB", (200, 200), (255, 0, 255)).save(tmp_path / "pink.png")
    with pytest.raises(
        InputError, match="none of the 50 points shows a mineral that the model knows"
    ):
        count([str(tmp_path / "pink.png")], model, tmp_path / "out", Options(points=50))
    assert not (tmp_path / "out").exists()


def test_photos_that_differ_in_size_are_not_one_place(model_of_pairs: Path, tmp_path: Path) -> None:
    Image.fromarray(half_and_half(64, 80)).save(tmp_path / "a_ppl.png")
    Image.fromarray(half_and_half(64, 96)).save(tmp_path / "a_xpl.png")
    with pytest.raises(InputError, match="must be in register"):
        count([str(tmp_path)], model_of_pairs, tmp_path / "out", Options(points=50))
    assert not (tmp_path / "out").exists()


def test_a_model_without_errors_says_what_to_do(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dvc repro -f final"):
        read_errors(tmp_path, read_card(model))
    (tmp_path / "errors.csv").write_text("specimen,label,named,n\n0,olivine,olivine,3\n")
    with pytest.raises(InputError, match="not the errors of this model"):
        read_errors(tmp_path, read_card(model))
    errors = read_errors(model, read_card(model))
    assert errors.shape == (12, 2, 2)
    assert errors.sum() == 48


def test_a_photo_is_opened_whole(tmp_path: Path) -> None:
    Image.fromarray(half_and_half(HEIGHT, WIDTH)).save(tmp_path / "a.png")
    assert isinstance(open_picture(tmp_path / "a.png", "a.png", 100), PhotoPicture)
