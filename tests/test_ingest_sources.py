"""What comes in: class folders, photos.csv, links, odd names; and what stops the run."""

import os
from pathlib import Path

import pandas as pd
import pytest

from ingesting import reasons, save, surveyed, texture, two_classes
from systems import NEEDS_POSIX
from thinsection.base.errors import InputError
from thinsection.base.tables import PHOTOS, REJECTED, read_table, write_table
from thinsection.ingest.survey import Survey


def table(
    root: Path, *rows: str, header: str = "file,label,specimen,grain,light", encoding: str = "utf-8"
) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "photos.csv").write_bytes("\n".join([header, *rows, ""]).encode(encoding))


def rows_by_id(found: Survey) -> pd.DataFrame:
    return found.photos.set_index("photo_id")


def test_class_folders_nested_to_any_depth(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    save(texture(20), root / "quartz" / "slide 7" / "far" / "x.png")
    found, pixels = surveyed(root, tmp_path / "out")
    assert rows_by_id(found).loc["quartz/slide 7/far/x.png", "label"] == "quartz"
    assert pixels.shape == (7, 32, 48, 3)


def test_every_file_is_in_one_of_the_two_tables(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    (root / "README.txt").write_text("notes")
    (root / "quartz" / "notes.txt").write_text("notes")
    (root / "quartz" / "empty.jpg").touch()
    whole = (root / "quartz" / "001.png").read_bytes()
    (root / "quartz" / "cut.png").write_bytes(whole[: len(whole) // 2])
    found, _ = surveyed(root, tmp_path / "out")
    assert {file: reason.split(":")[0] for file, reason in reasons(found).items()} == {
        "README.txt": "no label",
        "quartz/notes.txt": "not an image",
        "quartz/empty.jpg": "empty",
        "quartz/cut.png": "truncated",
    }
    on_disk = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    assert on_disk == set(found.photos["photo_id"]) | set(reasons(found))
    assert found.counts["files"] == len(on_disk)


def test_photos_csv(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for number in range(4):
        save(texture(number), root / "sub" / f"{number}.png")
    save(texture(9), root / "unnamed.png")
    table(
        root,
        r"sub\0.png,quartz,S1,g1,PPL",  # Windows separators, upper case
        r".\sub\1.png,quartz,S1,,xpl",
        "sub/2.png,olivine,,g1,",
        'sub/3.png, olivine ,,,"ppl"',
        ",,,,",
    )
    found, _ = surveyed(root, tmp_path / "out")
    rows = rows_by_id(found)
    first = rows.loc["sub/0.png"]
    assert [first[name] for name in ("specimen", "grain", "light")] == ["S1", "g1", "ppl"]
    # 0 and 1 share specimen S1, 0 and 2 grain g1; nothing is known of 3
    assert rows["group"].to_dict() == {
        "sub/0.png": "sub/0.png",
        "sub/1.png": "sub/0.png",
        "sub/2.png": "sub/0.png",
        "sub/3.png": "sub/3.png",
    }
    assert reasons(found) == {"unnamed.png": "no label: not listed in photos.csv"}


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "utf-8-sig"), ("\t", "utf-8")])
def test_photos_csv_as_spreadsheets_write_it(tmp_path: Path, delimiter: str, encoding: str) -> None:
    root = two_classes(tmp_path / "data", 1)
    rows = [f"{name}/{n:03}.png{delimiter}{name}" for n, name in enumerate(("olivine", "quartz"))]
    table(root, *rows, header=f"File{delimiter}Label", encoding=encoding)
    assert len(surveyed(root, tmp_path / "out")[0].photos) == 2


def test_all_bad_rows_at_once(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data", 1)
    table(root, "olivine/000.png,olivine,,,", "gone.png,quartz,,,", "olivine/000.png,quartz,,,",
          "quartz/001.png,quartz,,,conoscopic")  # fmt: skip
    with pytest.raises(InputError) as error:
        surveyed(root, tmp_path / "out")
    message = str(error.value)
    assert "3 problems" in message
    assert "row 3: file 'gone.png' does not exist. Correct the name or delete" in message
    assert "row 4: file 'olivine/000.png' is already in row 2. Delete one" in message
    assert "row 5: light is 'conoscopic'; allowed: ppl, xpl or empty" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name,mineral\na,b\n",
            "missing the column file and the column label; found: name, mineral",
        ),
        ("file,label,label\n", "the column label occurs twice"),
        ("", "is empty. Its first line must be: file,label"),
        ('file,label\n"a,b\n', "not a CSV table"),
    ],
)
def test_wrong_photos_csv(tmp_path: Path, text: str, message: str) -> None:
    root = two_classes(tmp_path / "data", 1)
    (root / "photos.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        surveyed(root, tmp_path / "out")


def test_photos_csv_that_is_not_utf8(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data", 1)
    table(root, "x.png,Grünschiefer,,,", encoding="latin-1")
    with pytest.raises(InputError, match="not UTF-8.*Save it as CSV UTF-8"):
        surveyed(root, tmp_path / "out")


def test_a_row_outside_the_data_set_is_a_missing_file(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data", 1)
    save(texture(5), tmp_path / "secret.png")
    table(root, "../secret.png,quartz,,,", f"{tmp_path}/secret.png,quartz,,,")
    with pytest.raises(InputError, match="row 2: file '../secret.png' does not exist"):
        surveyed(root, tmp_path / "out")


def test_empty_folder_no_folder_one_class(tmp_path: Path) -> None:
    (tmp_path / "empty" / "quartz").mkdir(parents=True)
    with pytest.raises(InputError, match=r"empty is empty\. Put photos into it"):
        surveyed(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(InputError, match="is not a folder. Allowed: a folder of class folders"):
        surveyed(tmp_path / "gone", tmp_path / "out")
    save(texture(0), tmp_path / "one" / "quartz" / "a.png")
    (tmp_path / "one" / "olivine").mkdir()
    (tmp_path / "one" / "olivine" / "b.png").write_text("no picture")
    message = r"only one class \(quartz\); files not used: 1 not an image. Allowed: two classes"
    with pytest.raises(InputError, match=message):
        surveyed(tmp_path / "one", tmp_path / "out")


def test_names_with_everything_in_them(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data", 1)
    names = ["a b.png", "line\nbreak.png", "return\rhere.png", 'quote".png', "Grün 石英 🪨.png"]
    for number, name in enumerate(names):
        save(texture(10 + number), root / "quartz" / name)
    (root / "quartz" / os.fsdecode(b"latin \xfc.png")).write_bytes(
        (root / "quartz" / "a b.png").read_bytes()[:-1] + b"\0"
    )
    found, _ = surveyed(root, tmp_path / "out")
    write_table(found.photos, tmp_path / "photos.csv", PHOTOS)
    write_table(found.rejected, tmp_path / "rejected.csv", REJECTED)
    back = [
        *read_table(tmp_path / "photos.csv", PHOTOS)["photo_id"],
        *read_table(tmp_path / "rejected.csv", REJECTED)["file"],
    ]
    wanted = {f"quartz/{name}" for name in names} - {"quartz/return\rhere.png"}
    assert wanted | {r"quartz/return\rhere.png", r"quartz/latin \xfc.png"} <= set(back)


def test_a_name_in_the_other_unicode_form(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data", 1)
    save(texture(7), root / "e\u0301.png")  # as a Mac writes é
    table(root, "\u00e9.png,quartz,,,", "olivine/000.png,olivine,,,")
    assert "e\u0301.png" in set(surveyed(root, tmp_path / "out")[0].photos["photo_id"])


@NEEDS_POSIX
def test_links_to_files_inside_are_followed_and_no_others(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    save(texture(30), tmp_path / "outside.png")
    save(texture(31), root / "quartz" / "real" / "r.png")
    (root / "olivine" / "in.png").symlink_to(root / "store.png")
    save(texture(32), root / "store.png")
    (root / "quartz" / "out.png").symlink_to(tmp_path / "outside.png")
    (root / "quartz" / "gone.png").symlink_to(tmp_path / "nothing.png")
    (root / "quartz" / "loop").symlink_to(root / "quartz", target_is_directory=True)
    (root / "quartz" / "again").symlink_to(root / "quartz" / "real", target_is_directory=True)
    os.mkfifo(root / "quartz" / "pipe.png")
    found, _ = surveyed(root, tmp_path / "out")
    assert "olivine/in.png" in set(found.photos["photo_id"])
    assert reasons(found) == {
        "store.png": "no label: not in a class folder",
        "quartz/out.png": "not an image: link that leads out of the data set",
        "quartz/gone.png": "not an image: link to nothing",
        "quartz/loop": "not an image: link to a folder, which is not followed",
        "quartz/again": "not an image: link to a folder, which is not followed",
        "quartz/pipe.png": "not an image: not a plain file",
    }


def test_patterns_take_specimen_and_light_from_names(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for number, name in enumerate(("s_1_ppl", "s_1_xpl", "s_2_ppl", "other")):
        save(texture(number), root / ("quartz" if number < 2 else "olivine") / f"{name}.png")
    found, _ = surveyed(
        root, tmp_path / "out", specimen_pattern=r"s_(\d+)_", light_pattern="_([px]+l)"
    )
    rows = rows_by_id(found)
    assert rows["specimen"].to_dict() == {
        "quartz/s_1_ppl.png": "1",
        "quartz/s_1_xpl.png": "1",
        "olivine/s_2_ppl.png": "2",
        "olivine/other.png": "",
    }
    assert sorted(rows["light"]) == ["", "ppl", "ppl", "xpl"]
    with pytest.raises(InputError, match=r"light_pattern gives '1' as light; allowed: ppl"):
        surveyed(root, tmp_path / "out", light_pattern=r"s_(\d)")
