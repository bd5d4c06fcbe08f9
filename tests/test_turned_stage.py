"""Samples at several angles: a photo of their brightest angles, in ingestion and in prediction."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ingesting import save, settings, surveyed, texture, warned
from modelling import make_model
from thinsection.base.arrays import Bytes
from thinsection.dataset.extinction import BRIGHTEST, encoded, linear
from thinsection.dataset.packed import Dataset
from thinsection.families.run import Run
from thinsection.ingest.check import check_photos
from thinsection.ingest.survey import Survey
from thinsection.predict import Predictor
from thinsection.serve.samples import Recent, Samples

ANGLES = (0, 30, 60)
HIGH, WIDE = 48, 72


def brightest(number: int) -> Bytes:
    """What a field looks like where no grain is extinct."""
    return np.asarray(texture(number, HIGH, WIDE))


def between_crossed_polarisers(number: int, angle: float) -> Image.Image:
    """The same field at an angle: its 24 grains are extinct at angles of their own."""
    rng = np.random.default_rng(number)
    middles, dark_at = rng.uniform(0, (HIGH, WIDE), (24, 2)), rng.uniform(0, 90, 24)
    pixels = np.moveaxis(np.mgrid[:HIGH, :WIDE], 0, -1)
    grain = np.linalg.norm(pixels[:, :, None] - middles, axis=-1).argmin(axis=-1)
    passed = np.sin(2 * np.radians(angle - dark_at[grain])) ** 2
    return Image.fromarray(encoded(linear(brightest(number)) * passed[..., None]))


def stacks(root: Path, angles: tuple[float, ...] = ANGLES, shift: int = 0) -> Path:
    """Four fields of two minerals in plane light and at some angles between crossed polarisers."""
    for number in range(4):
        stem = root / ("olivine", "quartz")[number % 2] / f"{number}"
        save(texture(10 + number), Path(f"{stem}_ppl.png"))
        for place, angle in enumerate(angles):
            photo = np.asarray(between_crossed_polarisers(number, angle))
            moved = np.roll(photo, shift * place, axis=1)
            save(Image.fromarray(moved), Path(f"{stem}_xpl_{angle:g}.png"))
    return root


def found_in(tmp_path: Path, **changes: object) -> tuple[Survey, np.ndarray]:
    sizes = {"height": HIGH, "width": WIDE} | changes
    return surveyed(
        tmp_path / "data",
        tmp_path / "out",
        light_pattern="auto",
        angle_pattern="auto",
        **sizes,  # type: ignore[arg-type]
    )


def test_each_sample_gets_a_photo_of_its_brightest_angles(tmp_path: Path) -> None:
    stacks(tmp_path / "data")
    found, pixels = found_in(tmp_path)
    made = found.table["light"] == BRIGHTEST
    assert found.table["sample"][made].nunique() == made.sum() == 4
    assert len(pixels) == len(found.table) == 20
    for row in np.flatnonzero(made):
        sample = found.table["sample"][row]
        expected = brightest(int(sample.rpartition("/")[2]))
        assert np.abs(pixels[row].astype(int) - expected).mean() < 3
        assert found.table["photo_id"][row] == f"{sample} (brightest)"
        assert found.table["group"][row] in set(found.table["group"][~made])
    assert "A photo of the brightest angles was made of 4 samples" in " ".join(found.told)
    assert not warned(found, "photos shifted") + warned(found, "photos turned")
    data = Dataset(pixels, found.table)
    assert data.lights.names == ("ppl", "xpl", BRIGHTEST)
    assert len(data.table) == 4


@pytest.mark.parametrize("angles", [(0, 30), (0, 45, 90)])
def test_angles_that_do_not_tell_the_extinction_give_none(
    tmp_path: Path, angles: tuple[float, ...]
) -> None:
    stacks(tmp_path / "data", angles)
    assert BRIGHTEST not in set(found_in(tmp_path)[0].table["light"])


def test_apart_each_photo_is_a_sample_and_none_is_made(tmp_path: Path) -> None:
    stacks(tmp_path / "data")
    assert BRIGHTEST not in set(found_in(tmp_path, lights="apart")[0].table["light"])


def test_shifted_photos_are_told_and_put_in_register_if_asked_for(tmp_path: Path) -> None:
    stacks(tmp_path / "data", shift=3)
    found, _ = found_in(tmp_path)
    ((_, detail),) = warned(found, "photos shifted")
    assert re.search(r"shifted, by (5\.[89]|6\.[0-2]) pixels", detail)
    assert "ingest.registration to shifts" in detail
    found, pixels = found_in(tmp_path, registration="shifts")
    assert found.turned.way == 0
    assert not warned(found, "photos shifted")
    assert re.search(r"by up to (5\.[89]|6\.\d) pixels", " ".join(found.told))
    made = found.table["light"] == BRIGHTEST
    assert made.sum() == 4
    assert pixels[made].shape[1:] == (HIGH, WIDE, 3)


def test_photos_that_do_not_lie_on_each_other_are_left_out(tmp_path: Path) -> None:
    root = stacks(tmp_path / "data")
    save(texture(90, HIGH, WIDE), root / "olivine" / "0_xpl_60.png")
    found, _ = found_in(tmp_path, registration="shifts")
    assert (found.table["light"] == BRIGHTEST).sum() == 3
    ((file, detail),) = warned(found, "angles out of register")
    assert file == "olivine/0_xpl_0.png"
    assert "Take them of one place" in detail


def repeated(photos: pd.DataFrame, times: int) -> pd.DataFrame:
    """The same photos several times, each time as samples and specimens of their own."""
    parts = []
    for n in range(times):
        own = {name: photos[name] + f" {n}" for name in ("photo_id", "sample")}
        number = pd.factorize(photos["sample"])[0] // 2 + 2 * n
        parts.append(photos.assign(**own, group=[f"g{each:02}" for each in number]))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Predictor, Survey, Bytes]:
    """A model of samples at three angles, and the photos that it was made of."""
    folder = tmp_path_factory.mktemp("turned")
    stacks(folder / "data")
    found, pixels = found_in(folder)
    several = Dataset(np.concatenate([pixels] * 6), repeated(found.table, 6))
    made = make_model(folder / "model", Run("baseline", "random_forest"), several)
    return Predictor.load(made), found, pixels


def test_a_model_makes_the_same_photo_of_new_ones(
    model: tuple[Predictor, Survey, Bytes],
) -> None:
    predictor, found, pixels = model
    assert predictor.card.lights == ("ppl", "xpl", BRIGHTEST)
    rows = found.table.index[found.table["sample"] == found.table["sample"][0]]
    taken = [row for row in rows if found.table["light"][row] != BRIGHTEST]
    (made,) = set(rows) - set(taken)
    lights, angles = (found.table[name][taken].tolist() for name in ("light", "angle"))
    whole, seen = predictor.with_brightest(pixels[taken], lights, angles)
    assert seen == [*lights, BRIGHTEST]
    assert np.array_equal(whole[-1], pixels[made])
    answer = predictor.answer_for_sample(pixels[taken], lights, angles)
    assert answer == predictor.answer_for_sample(whole, seen)
    # the order in which photos are given says nothing
    turned = predictor.with_brightest(pixels[taken[::-1]], lights[::-1], angles[::-1])[0]
    assert np.array_equal(turned[-1], pixels[made])
    # at unknown angles there is nothing to make
    assert predictor.with_brightest(pixels[taken], lights, ())[1] == lights


def test_check_shows_photos_of_files_and_says_what_is_made_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stacks(tmp_path / "data", shift=3)
    ingest = settings(height=HIGH, width=WIDE)
    assert check_photos(tmp_path / "data", tmp_path / "check.html", ingest, None)
    said = capsys.readouterr().out
    assert "A photo of the brightest angles was made of 4 samples" in said
    assert "photos shifted" in said
    assert "brightest)" not in (tmp_path / "check.html").read_text(encoding="utf-8")


def test_the_page_gathers_the_angles_of_a_place(model: tuple[Predictor, Survey, Bytes]) -> None:
    predictor, found, pixels = model
    recent = Recent(8)
    page = Samples(predictor, recent)
    table = found.table[found.table["sample"] == found.table["sample"][0]]
    taken = table[table["light"] != BRIGHTEST].sort_values(["light", "angle"])
    for n, (row, photo_id) in enumerate(taken["photo_id"].items()):
        recent.keep(photo_id, pixels[row])
        answer, shown = page.answer(photo_id, pixels[row], {"name": photo_id})
        assert len(shown) == n + 1
        said = " ".join(page.missing(shown))
        assert ("three angles in xpl" in said) == (n < 3)
    rows = taken.index.tolist()
    whole = predictor.answer_for_sample(
        pixels[rows], taken["light"].tolist(), taken["angle"].tolist()
    )
    assert answer.probabilities == pytest.approx(whole.probabilities, abs=1e-5)
