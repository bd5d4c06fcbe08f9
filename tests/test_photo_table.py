"""photos.csv as spreadsheets write it: one reader and one writer for all that has to do with it."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingesting import save, surveyed, texture, two_classes, warned
from serving import picture
from thinsection.base.errors import InputError
from thinsection.base.tables import PHOTOS, read_table, write_table
from thinsection.ingest.join import join
from thinsection.ingest.photo_table import read_photo_table, write_photo_table
from thinsection.predict.new_photos import new_photos
from thinsection.serve.corrections import Corrections

RED = (180, 60, 60)
ROWS = [("File", "Label", "Specimen"), ("a\\1.jpg", "Plagioklas, sauer", "Grün 石英\nslice b")]
READ = {"file": "a\\1.jpg", "label": "Plagioklas, sauer", "specimen": "Grün 石英 slice b"}


def written(delimiter: str = ",", line_end: str = "\r\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(ROWS)
    return text.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        written().encode(),
        written(line_end="\n").encode("utf-8-sig"),
        written(";").encode("utf-8-sig"),  # a German Excel's "CSV UTF-8"
        ("sep=;\r\n" + written(";")).encode(),
        written("\t").encode("utf-16"),  # Excel's "Unicode text"
        b"\xfe\xff" + written("\t").encode("utf-16-be"),
        written().replace("\n", "\r").encode(),  # an old Mac's line breaks, in cells too
        (written() + ",,\r\n\r\n").encode(),
    ],
)
def test_what_spreadsheets_write_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "photos.csv").write_bytes(content)
    rows = read_photo_table(tmp_path / "photos.csv", ("file", "label"), ("specimen", "light"))
    assert [cells for _, cells in rows] == [READ | {"light": ""}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "file,label\na,Grünschiefer\n".encode("cp1252"),
            "not UTF-8 .byte 15, line 2.*Windows-1252",
        ),
        ("file,label\n".encode("utf-16-le"), "zero bytes, as UTF-16 without a byte-order mark"),
        (b"\xff\xfef\0i", "damaged UTF-16"),
        (b"PK\x03\x04 a workbook", "a spreadsheet's own file under the name of a CSV table"),
        (
            b"file,label\na.jpg,Plagioklas, sauer\n",
            "row 2: has 3 cells, the first line 2. Put a cell",
        ),
        (b"file,label\na.jpg,oli\x07vine\n", r"row 2: label holds the sign '\\x07'. Delete it"),
    ],
)
def test_what_can_not_be_read_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "photos.csv").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_photo_table(tmp_path / "photos.csv", ("file", "label"))


@pytest.mark.parametrize("text", ["=1+1", "+49 89", "-12", "@x", "'=1", "''-", "\t=1", "＝1"])
def test_no_cell_is_run_as_a_formula_and_all_read_back(tmp_path: Path, text: str) -> None:
    table = tmp_path / "photos.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        write_photo_table([("file", "notes"), ("a.jpg", text)], file)
    with table.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1] == ["a.jpg", f"'{text}"]
    assert read_photo_table(table, ("file",))[0][1]["notes"] == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r")).filter(str.strip))
def test_any_text_reads_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    table = tmp_path_factory.getbasetemp() / "any.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        write_photo_table([("file", "notes"), (text, text)], file)
    assert read_photo_table(table, ("file",)) == [(2, {"file": text, "notes": text})]


def test_a_line_break_in_a_cell_reaches_no_later_table(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data", 1)
    (root / "photos.csv").write_bytes(
        b'file,label,specimen\nolivine/000.png,olivine,"GB-1\rslice b"\nquartz/001.png,quartz,\n'
    )
    found, _ = surveyed(root, tmp_path / "out")
    write_table(found.photos, tmp_path / "photos.csv", PHOTOS)
    assert sorted(read_table(tmp_path / "photos.csv", PHOTOS)["specimen"]) == ["", "GB-1 slice b"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("Photos.CSV", b"x", "Photos.CSV is not named photos.csv; rename it"),
        ("photos.txt", b"x", "photos.txt is not named photos.csv; rename it"),
        ("metadata.csv", b"Label;File\n", "metadata.csv is not named photos.csv; rename it"),
        (
            "list of photos.xlsx",
            b"PK",
            "list of photos.xlsx is a spreadsheet's own file; save it as",
        ),
    ],
)
def test_a_table_named_otherwise_is_said_to_be_there(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    root = two_classes(tmp_path / "data")
    (root / name).write_bytes(content)
    (root / "weather.csv").write_text("day,rain\n")
    found, _ = surveyed(root, tmp_path / "out")
    [(_, detail)] = warned(found, "table not read")
    assert said in detail
    flat = save(texture(1), tmp_path / "flat/1.png").parent
    (flat / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        surveyed(flat, tmp_path / "out")


def test_a_table_that_is_a_link_to_elsewhere_is_not_passed_over(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    (tmp_path / "table.csv").write_text("file,label\n")
    (root / "photos.csv").symlink_to(tmp_path / "table.csv")
    said = "photos.csv: .*link that leads out of the data set. Put the table itself"
    with pytest.raises(InputError, match=said):
        surveyed(root, tmp_path / "out")
    with pytest.raises(InputError, match=said), new_photos([str(root)]):
        pass


def test_prediction_reads_the_specimens_of_any_such_table(tmp_path: Path) -> None:
    for n in range(4):
        save(texture(n), tmp_path / "new" / f"{n}.png")
    rows = "\r\n".join(["File;Specimen", *(f".\\new\\{n}.png;GB-{n // 2}" for n in range(4))])
    (tmp_path / "photos.csv").write_bytes(rows.encode("utf-8-sig"))
    with new_photos([str(tmp_path)]) as photos:
        assert [photo.specimen for photo in photos] == ["GB-0", "GB-0", "GB-1", "GB-1"]


def test_prediction_says_where_a_table_can_not_mean_its_photos(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(texture(0), tmp_path / "0.png")
    table = tmp_path / "photos.csv"
    for content, said in (
        ("name,specimen\n", "missing the column file"),
        (
            "file,specimen\nIMG_0.jpg,GB-1\n",
            "none of the files that it names is there, such as 'IMG_0",
        ),
    ):
        table.write_text(content)
        with pytest.raises(InputError, match=said), new_photos([str(tmp_path)]):
            pass
    table.rename(tmp_path / "Photos.csv")
    with new_photos([str(tmp_path)]):
        assert "Photos.csv is not named photos.csv; rename it" in capsys.readouterr().out


def test_corrections_that_a_spreadsheet_has_saved(tmp_path: Path) -> None:
    store = Corrections(tmp_path)
    kept = store.add(picture(RED), "PNG", "=1+1", "augite", "-12")
    table = tmp_path / "photos.csv"
    assert "'=1+1,'-12" in table.read_text(encoding="utf-8")
    assert store.all() == [kept]
    table.write_bytes(table.read_text(encoding="utf-8").replace(",", ";").encode("utf-16"))
    assert store.all() == [kept]
    store.add(picture((60, 60, 180)), "PNG", "olivine", "augite")
    assert [known.label for known in store.all()] == ["=1+1", "olivine"]


@pytest.mark.parametrize(
    "name",
    [
        "R&D",
        "a|b",
        "प्लेजियोक्लेज़",
        "GB/12",
        "TS:12",
        "#12",
        "(12)",
        "_12",
        "12½",
        "l’Alpe 3",
        "x" * 200,
    ],
)
def test_any_name_that_ingestion_takes_can_be_given_on_the_page(tmp_path: Path, name: str) -> None:
    kept = Corrections(tmp_path / "corrections").add(picture(RED), "PNG", name, "augite", name)
    save(texture(1), tmp_path / "photos/quartz/1.png")
    join([tmp_path / "photos", tmp_path / "corrections"], tmp_path / "all")
    found, _ = surveyed(tmp_path / "all", tmp_path / "out")
    assert {kept.label, kept.specimen} == {name}
    assert set(found.photos["label"]) == {name, "quartz"}
    assert name in set(found.photos["specimen"])


def test_a_class_of_the_model_is_always_taken(tmp_path: Path) -> None:
    name = "very long " * 30
    kept = Corrections(tmp_path).add(picture(RED), "PNG", name, "augite", classes=(name,))
    assert kept.label == name
