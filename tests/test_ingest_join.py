"""Several data sets as one."""

import csv
from pathlib import Path

import pytest

from thinsection.base.errors import InputError
from thinsection.ingest.join import join
from thinsection.ingest.labels import label_files
from thinsection.ingest.sources import list_folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Class folders: three photos, and a note that has no label."""
    return write(
        tmp_path / "photos",
        {
            "olivine/GB-1_1.jpg": b"one",
            "olivine/GB-1_2.jpg": b"two",
            "augite/GB-2_1.jpg": b"three",
            "notes.txt": b"seen in May",
        },
    )


@pytest.fixture
def corrections(tmp_path: Path) -> Path:
    """The second of them named otherwise, without its specimen, and a new one."""
    return write(
        tmp_path / "corrections",
        {
            "photos.csv": b"file,label,specimen,light,said\n"
            b"photos/a.jpg,augite,,xpl,olivine\nphotos/b.jpg,biotite,GB-3,,augite\n",
            "photos/a.jpg": b"two",
            "photos/b.jpg": b"four",
        },
    )


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_a_correction_outweighs_what_it_corrects(
    tmp_path: Path, photos: Path, corrections: Path
) -> None:
    joined = join([photos, corrections], tmp_path / "all", r"(GB-\d+)_")
    assert joined.n_photos == {"photos": 3, "corrections": 1}
    assert joined.n_left_out == {"photos": 1, "corrections": 0}
    assert joined.relabelled == [("photos/olivine/GB-1_2.jpg", "olivine", "augite")]
    candidates, rejected = label_files(list_folder(tmp_path / "all"), None, None)
    assert not rejected
    found = {
        photo.photo_id: (photo.path.read_bytes(), photo.label, photo.specimen, photo.light)
        for photo in candidates
    }
    assert found == {
        "photos/olivine/GB-1_1.jpg": (b"one", "olivine", "GB-1", ""),
        # the specimen as the photos had it, the light as the correction has it
        "photos/olivine/GB-1_2.jpg": (b"two", "augite", "GB-1", "xpl"),
        "photos/augite/GB-2_1.jpg": (b"three", "augite", "GB-2", ""),
        "corrections/photos/b.jpg": (b"four", "biotite", "GB-3", ""),
    }


def test_one_picture_under_two_labels_of_one_folder_is_left_to_ingestion(
    tmp_path: Path, corrections: Path
) -> None:
    twice = write(tmp_path / "twice", {"olivine/a.jpg": b"same", "augite/b.jpg": b"same"})
    joined = join([twice, corrections], tmp_path / "all")
    assert joined.n_photos == {"twice": 2, "corrections": 2}
    assert not joined.relabelled


def test_a_correction_names_all_copies_of_a_photo(tmp_path: Path, corrections: Path) -> None:
    copies = {"olivine/a.jpg": b"two", "olivine/b.jpg": b"two", "augite/c.jpg": b"two"}
    copied = write(tmp_path / "copied", copies)
    joined = join([copied, corrections], tmp_path / "all")
    assert joined.relabelled == [
        ("copied/olivine/a.jpg", "olivine", "augite"),
        ("copied/olivine/b.jpg", "olivine", "augite"),
    ]
    assert joined.n_photos == {"copied": 3, "corrections": 1}
    candidates, _ = label_files(list_folder(tmp_path / "all"), None, None)
    assert {c.label for c in candidates if c.path.read_bytes() == b"two"} == {"augite"}
    # a third folder names them, and what the second added, once more
    last = write(tmp_path / "last", {"quartz/d.jpg": b"two", "quartz/e.jpg": b"four"})
    again = join([copied, corrections, last], tmp_path / "again")
    assert [new for *_, new in again.relabelled] == ["augite"] * 2 + ["quartz"] * 4


def test_two_corrections_that_contradict_each_other_are_left_to_ingestion(tmp_path: Path) -> None:
    photos = write(tmp_path / "photos", {"olivine/a.jpg": b"same"})
    twice = write(tmp_path / "twice", {"augite/b.jpg": b"same", "quartz/c.jpg": b"same"})
    joined = join([photos, twice], tmp_path / "all")
    assert joined.n_photos == {"photos": 1, "twice": 1}
    candidates, _ = label_files(list_folder(tmp_path / "all"), None, None)
    assert {c.photo_id: c.label for c in candidates} == {
        "photos/olivine/a.jpg": "augite",
        "twice/quartz/c.jpg": "quartz",
    }


def test_names_that_only_a_csv_can_hold(tmp_path: Path, corrections: Path) -> None:
    odd = write(tmp_path / "odd", {'olivine/a, "b"\né.jpg': b"1", "olivine/c\\d.jpg": b"2"})
    join([odd, corrections], tmp_path / "all")
    with (tmp_path / "all/photos.csv").open(encoding="utf-8", newline="") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    assert names[:2] == ['odd/olivine/a, "b"\né.jpg', "odd/olivine/c_d.jpg"]
    candidates, rejected = label_files(list_folder(tmp_path / "all"), None, None)
    assert len(candidates) == 4
    assert not rejected


@pytest.mark.parametrize(
    ("folders", "into", "message"),
    [
        (["photos"], "all", "only one folder was given"),
        (["photos", "other/photos"], "all", "two folders are named 'photos'"),
        (["photos", "corrections"], "photos", "exists and is not an empty folder"),
        (["photos", "corrections"], "photos/all", "is inside .*photos, one of its inputs"),
        (["photos", "nothing"], "all", "nothing is not a folder"),
    ],
)
def test_what_can_not_be_joined_is_said(
    tmp_path: Path, photos: Path, corrections: Path, folders: list[str], into: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        join([tmp_path / name for name in folders], tmp_path / into)
    assert not (tmp_path / "all").exists()
    assert len(list(photos.rglob("*.jpg"))) == 3
