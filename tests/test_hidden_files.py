"""What file managers, notebooks and NAS boxes leave among photos is never a photo or a class."""

import os
from pathlib import Path

import pytest

from ingesting import reasons, save, surveyed, texture, two_classes
from thinsection.base.errors import InputError
from thinsection.ingest.sources import left_by_programs
from thinsection.predict.new_photos import new_photos

HIDDEN = {  # and the photo in it, where it is a folder, which is not looked into
    ".ipynb_checkpoints": "7-checkpoint.png",
    ".thumbnails": "x.png",
    "@eaDir": "olivine/SYNOPHOTO_THUMB_M.png",
    ".Trash-1000": "files/old.png",
    "$RECYCLE.BIN": "S-1-5/$R1.png",
    "System Volume Information": "a.png",
    "__MACOSX": "olivine/b.png",
    "olivine/@eaDir": "000.png",
    "olivine/._000.png": "",
    "olivine/Thumbs.db": "",
    "olivine/.DS_Store": "",
    "desktop.ini": "",
}


def test_no_entrance_takes_them(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    for n, (name, photo) in enumerate(HIDDEN.items()):
        path = root / name / photo
        save(texture(100 + n), path) if path.suffix == ".png" else path.write_bytes(b"x")
    found, _ = surveyed(root, tmp_path / "out")
    assert set(found.photos["label"]) == {"olivine", "quartz"}
    assert reasons(found) == dict.fromkeys(
        HIDDEN, "hidden: left by a file manager, a notebook or a system"
    )
    assert found.counts["rejected"] == {"total": 12, "hidden": 12}
    with new_photos([str(root)]) as photos:
        assert len(photos) == 6


@pytest.mark.parametrize(
    "name", ["olivine/a.b.png", "../x.png", "./x.png", "trash/x.png", "a@eaDir/x"]
)
def test_names_of_photos(name: str) -> None:
    assert not left_by_programs(name)


def test_a_folder_that_may_not_be_read_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = two_classes(tmp_path / "data")
    (root / "lost+found").mkdir()
    save(texture(9), root / "quartz/secret/9.png")
    closed = root / "quartz/secret"
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and may(path, mode))
    found, _ = surveyed(root, tmp_path / "out")
    assert reasons(found) == {
        "lost+found": "hidden: left by a file manager, a notebook or a system",
        "quartz/secret": "unreadable: Permission denied",
    }
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="data can't be read. Change its permissions"):
        surveyed(root, tmp_path / "out")
