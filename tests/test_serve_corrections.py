"""Corrected labels: kept with their photos in a folder that ingestion takes."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from serving import BLUE, RED, Client, picture, serving
from thinsection.base.errors import InputError
from thinsection.ingest.check import check_photos
from thinsection.ingest.pack import scratch_files
from thinsection.ingest.survey import survey
from thinsection.params import load_params
from thinsection.serve.corrections import Corrections
from thinsection.settings import DatasetSettings
from tiny import TOP


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_correction_is_kept_replaced_and_undone(tmp_path: Path) -> None:
    folder, photo = tmp_path / "corrections", picture(RED, format="JPEG")
    with serving(folder) as client:
        status, kept = client.correct(photo, "biotite", specimen="GB-12", light="xpl")
        assert status == 200
        assert (kept["label"], kept["said"]) == ("biotite", "augite")
        file = folder / f"photos/{kept['photo']}.jpg"
        assert file.read_bytes() == photo  # byte for byte
        assert client.answer(photo)[1]["correction"] == kept
        client.correct(photo, "olivine")
        _, found = client.ask("GET", "/corrections")
        assert [each["label"] for each in found["corrections"]] == ["olivine"]
        status, content, _ = client.raw("GET", f"/corrections/{kept['photo']}/picture")
        assert Image.open(io.BytesIO(content)).size == (128, 96)
        assert client.ask("DELETE", f"/corrections/{kept['photo']}")[0] == 200
        assert client.ask("DELETE", f"/corrections/{kept['photo']}")[0] == 404
    assert not file.exists()
    assert Corrections(folder).all() == []


@pytest.mark.parametrize("label", ["", " ", "a\nb" * 80, "x" * 201, "\x00", "oli\x1bvine"])
def test_a_label_that_is_no_name_is_refused_and_nothing_is_kept(page: Client, label: str) -> None:
    status, said = page.correct(picture(RED), label)
    assert status == 400
    assert "Allowed: 1 to 200 signs" in said["error"]
    assert page.ask("GET", "/corrections")[1]["corrections"] == []


def test_corrections_at_once_are_all_kept(tmp_path: Path) -> None:
    photos = [picture(RED, seed=n) for n in range(16)]
    with serving(tmp_path / "c") as client, ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda photo: client.correct(photo, "garnet")[0], photos))
    assert done == [200] * 16
    assert len(Corrections(tmp_path / "c").all()) == 16


def test_ingestion_takes_the_folder_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "corrections"
    with serving(folder) as client:
        for n, (colour, label) in enumerate([(RED, "augite"), (BLUE, "Plagioklas, sauer (é)")] * 3):
            kind = ("PNG", "JPEG", "TIFF")[n % 3]
            status, _ = client.correct(
                picture(colour, (300, 200), kind, n), label, specimen=f"S-{n}", light="ppl"
            )
            assert status == 200
    dataset = DatasetSettings(
        path=str(folder), specimen_pattern=None, light_pattern=None, angle_pattern=None, labels={}
    )
    with scratch_files(tmp_path) as scratch:
        found = survey(dataset, load_params(TOP / "params.yaml").ingest, scratch)
    assert found.rejected.empty
    assert sorted(found.photos["label"]) == ["Plagioklas, sauer (é)"] * 3 + ["augite"] * 3
    assert sorted(found.photos["specimen"]) == [f"S-{n}" for n in range(6)]
    assert set(found.photos["light"]) == {"ppl"}
    assert check_photos(
        folder, tmp_path / "check.html", load_params(TOP / "params.yaml").ingest, None, None
    )


def test_rows_and_columns_that_the_owner_adds_stay(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    store = Corrections(folder)
    first = store.add(picture(RED), "PNG", "augite", "augite")
    table = folder / "photos.csv"
    rows = rows_of(table)
    own = {"file": "mine/x.jpg", "label": "quartz", "specimen": "", "light": "", "said": ""}
    with table.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "notes"])
        writer.writeheader()
        writer.writerows([rows[0] | {"notes": "zoned"}, own | {"notes": ""}])
    store.add(picture(BLUE), "PNG", "olivine", "augite")
    assert [known.label for known in store.all()] == ["augite", "olivine"]
    assert store.remove(first.photo)
    assert not store.remove("")  # the owner's own row is nobody's to undo
    kept = rows_of(table)
    assert (kept[0]["file"], kept[0]["notes"]) == ("mine/x.jpg", "")
    assert len(kept) == 2


def test_photos_of_a_sample_are_added_to_a_table_that_knew_none(tmp_path: Path) -> None:
    (tmp_path / "photos.csv").write_text("file,label,specimen,light,said\nx.jpg,quartz,,,augite\n")
    store = Corrections(tmp_path)
    for light, colour, angle in (("ppl", RED, ""), ("xpl", BLUE, "22,5")):
        kept = store.add(
            picture(colour), "PNG", "olivine", "augite", light=light, sample="GB-1 03", angle=angle
        )
    assert (kept.sample, kept.angle) == ("GB-1 03", "22.5")
    assert store.find(kept.photo) == kept
    rows = rows_of(tmp_path / "photos.csv")
    assert [row["sample"] for row in rows] == ["", "GB-1 03", "GB-1 03"]
    assert [row["angle"] for row in rows] == ["", "", "22.5"]
    with pytest.raises(InputError, match="the angle is 'north'. Allowed: a number of degrees"):
        store.add(picture(RED), "PNG", "olivine", "augite", angle="north")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("olivine/a.jpg", b"x", "contains files but no photos.csv"),
        (
            "photos.csv",
            b"file,label\na.jpg,olivine\n",
            "missing the column specimen and the column light",
        ),
        ("photos.csv", b"\xff\xfe\x00", "damaged UTF-16"),
    ],
)
def test_a_folder_of_something_else_is_not_written_to(
    tmp_path: Path, file: str, content: bytes, said: str
) -> None:
    path = tmp_path / "mine" / file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        Corrections(tmp_path / "mine")
