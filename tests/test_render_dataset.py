"""The data set on disk: the contract, the same bytes, nothing half-written, nothing leaked."""

import csv
import errno
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

from thinsection.base.arrays import Texts
from thinsection.base.errors import InputError
from thinsection.render.camera import Camera
from thinsection.render.command import settings_of
from thinsection.render.dataset import (
    COLUMNS,
    SHARE_TOLERANCE,
    plan,
    specimen_of,
    write_dataset,
)
from thinsection.render.specimen import Specimen
from thinsection.render.texture import HOLE, SPECIES

SMALL = {"specimens": 1, "fields": 3, "width": 64, "height": 48, "grain_radius_um": [60.0, 90.0]}
TWO = SMALL | {"minerals": ["biotite", "olivine"]}
APART = {"lights": "apart"}


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "photos.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_photos_csv_names_every_photo_once_and_the_share_is_true(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    assert write_dataset(out, 3, settings_of(**TWO), workers=1, mask=True) == 12
    rows = rows_of(out)
    assert tuple(rows[0]) == COLUMNS
    photos = {p.relative_to(out).as_posix() for p in out.rglob("*.jpg")}
    assert [row["file"] for row in rows] == sorted(photos)
    for row in rows:
        label, specimen, light = row["label"], row["specimen"], row["light"]
        assert row["file"].startswith(f"{label}/{specimen}-")
        assert row["file"].endswith(f"-{light}.jpg")
        with Image.open((out / "masks" / row["file"]).with_suffix(".png")) as mask:
            assert mask.info["minerals"].split(",") == [*SPECIES, "hole"]
            minerals = np.asarray(mask)
            found = np.mean(minerals[minerals != HOLE] == SPECIES.index(label))
        assert float(row["share"]) == pytest.approx(found, abs=1e-4)
        assert 0.59 <= found <= 1
        with Image.open(out / row["file"]) as photo:
            assert photo.size == (64, 48)
            assert not photo.getexif()


def test_same_seed_same_bytes_whatever_the_number_of_processes(tmp_path: Path) -> None:
    settings = settings_of(**TWO)
    write_dataset(tmp_path / "one", 3, settings, workers=1)
    write_dataset(tmp_path / "two", 3, settings, workers=2)
    write_dataset(tmp_path / "other", 4, settings, workers=1)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


def test_a_photo_does_not_depend_on_what_else_is_rendered(tmp_path: Path) -> None:
    write_dataset(tmp_path / "two", 3, settings_of(**TWO), workers=1)
    alone = settings_of(**(TWO | {"minerals": ["olivine"], "fields": 2}))
    write_dataset(tmp_path / "alone", 3, alone, workers=1)
    both = contents(tmp_path / "two")
    for name, data in contents(tmp_path / "alone").items():
        if name.endswith(".jpg"):
            assert both[name] == data


def test_lights_are_drawn_in_the_wanted_proportion() -> None:
    shots = plan(
        1, settings_of(specimens=20, fields=20, width=64, height=48, **APART, crossed=0.78)
    )
    assert np.mean([shot.views[0].light == "xpl" for shot in shots]) == pytest.approx(
        0.78, abs=0.03
    )
    only = plan(1, settings_of(specimens=2, fields=20, width=64, height=48, **APART, crossed=1.0))
    assert {shot.views[0].light for shot in only} == {"xpl"}


def test_a_sample_is_one_field_in_both_lights_and_at_all_angles(tmp_path: Path) -> None:
    out, settings = tmp_path / "demo", settings_of(**TWO, angles=[0, 22.5, 90])
    assert write_dataset(out, 3, settings, workers=1, mask=True) == 6 * 4
    rows = [row for row in rows_of(out) if row["sample"] == "olivine/olivine-00-01"]
    assert [(row["light"], row["angle"]) for row in rows] == [
        ("ppl", ""),
        ("xpl", "0"),
        ("xpl", "22.5"),
        ("xpl", "90"),
    ]
    assert rows[2]["file"] == "olivine/olivine-00-01-xpl_22.5.jpg"
    maps = {(out / "masks" / row["file"]).with_suffix(".png").read_bytes() for row in rows}
    assert len(maps) == 1  # the same place
    photos = [np.asarray(Image.open(out / row["file"]), float) for row in rows]
    turned, quarter = np.abs(photos[2] - photos[1]).mean(), np.abs(photos[3] - photos[1]).mean()
    assert quarter < 0.5 * turned  # a quarter turn changes nothing between crossed polarisers


def test_both_lights_of_a_field_are_the_photos_that_it_has_in_either(tmp_path: Path) -> None:
    write_dataset(tmp_path / "both", 3, settings_of(**TWO), workers=1)
    both = contents(tmp_path / "both")
    for share in (0.0, 1.0):
        out = tmp_path / f"{share}"
        write_dataset(out, 3, settings_of(**TWO, **APART, crossed=share), workers=1)
        photos = {name: data for name, data in contents(out).items() if name.endswith(".jpg")}
        assert len(photos) == 6
        assert all(both[name] == data for name, data in photos.items())


def test_a_full_disk_leaves_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, written = tmp_path / "demo", []
    write_bytes = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        written.append(path)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"demo: the disk is full.*nothing was written"):
        write_dataset(out, 3, settings_of(**TWO), workers=1)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_leaves_the_old_data_set_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "demo"
    write_dataset(out, 3, settings_of(**TWO), workers=1)
    before = contents(out)
    monkeypatch.setattr("thinsection.render.dataset.jpeg", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_dataset(out, 4, settings_of(**TWO), workers=1)
    assert contents(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]


def test_an_unwritable_place_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="can't be written"):
        write_dataset(tmp_path / "file" / "demo", 3, settings_of(**TWO), workers=1)


def test_grains_too_large_for_the_share_get_smaller_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = SMALL | {"minerals": ["muscovite"], "specimens": 3, "grain_radius_um": [300.0, 600.0]}
    wide |= {"share": [0.62, 0.98], "flaws": []}
    write_dataset(tmp_path / "wide", 2021, settings_of(**wide), workers=1)
    shares = [float(row["share"]) for row in rows_of(tmp_path / "wide")]
    assert all(0.62 <= share <= 0.98 for share in shares)
    told = capsys.readouterr().out
    assert "photos have smaller grains, for no field had share 0.62 to 0.98" in told
    assert "muscovite-00" in told
    assert "nearest" not in told


def test_a_share_that_no_field_reaches_gives_the_nearest_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact = SMALL | {
        "minerals": ["biotite"],
        "share": [0.5, 0.5],
        "grain_radius_um": [900.0, 999.0],
    }
    n = write_dataset(tmp_path / "exact", 3, settings_of(**exact), workers=1)
    shares = [float(row["share"]) for row in rows_of(tmp_path / "exact")]
    # exactly half is nobody's share; within a grain of it is
    assert len(shares) == n
    assert all(abs(share - 0.5) < 0.15 for share in shares)
    off = sum(abs(share - 0.5) > SHARE_TOLERANCE for share in shares)
    assert off > 0
    assert f"{off} photos have the share that came nearest" in capsys.readouterr().out


# ---- leaks

Cameras = tuple[Texts, list[Specimen]]  # labels, and the specimens of them

LABELS = ("augite", "biotite", "olivine", "plagioclase")


@pytest.fixture(scope="module")
def cameras() -> Cameras:
    settings = settings_of(**SMALL)
    drawn = [(label, specimen_of(0, label, n, settings)) for label in LABELS for n in range(100)]
    return np.array([label for label, _ in drawn]), [specimen for _, specimen in drawn]


def numbers(camera: Camera) -> list[float]:
    return [part for value in asdict(camera).values() for part in np.atleast_1d(value)]


def test_camera_settings_tell_nothing_of_the_label(cameras: Cameras) -> None:
    labels, specimens = cameras
    features = np.array([numbers(specimen.camera) for specimen in specimens])
    assert features.shape[1] == 14
    tree = DecisionTreeClassifier(max_depth=5, random_state=0)
    # chance is 0.25; the standard error over 400 specimens 0.022
    assert abs(cross_val_score(tree, features, labels, cv=5).mean() - 0.25) < 0.066


def test_thickness_grain_size_and_alteration_tell_nothing_of_the_label(cameras: Cameras) -> None:
    labels, specimens = cameras
    features = np.array([[s.thickness_um, s.radius_um, s.alteration] for s in specimens])
    tree = DecisionTreeClassifier(max_depth=5, random_state=0)
    assert abs(cross_val_score(tree, features, labels, cv=5).mean() - 0.25) < 0.066


def test_the_light_of_a_photo_tells_nothing_of_the_label() -> None:
    shots = plan(2021, settings_of(specimens=20, fields=20, width=64, height=48, **APART))
    shares = [
        np.mean([s.views[0].light == "xpl" for s in shots if s.label == label]) for label in LABELS
    ]
    assert np.ptp(shares) < 0.1  # standard error of each 0.021


def test_every_mineral_is_drawn_with_the_same_camera_ranges(cameras: Cameras) -> None:
    labels, specimens = cameras
    quality = np.array([specimen.camera.quality for specimen in specimens])
    means = [quality[labels == label].mean() for label in LABELS]
    assert np.ptp(means) < 3  # 74..93, standard error 0.6
