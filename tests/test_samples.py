"""Samples: photos of one place in several lights, from their names or from photos.csv."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingesting import reasons, save, settings, surveyed, texture, warned
from thinsection.base.errors import InputError
from thinsection.base.tables import PHOTOS, read_table, write_table
from thinsection.ingest.check import check_photos
from thinsection.ingest.join import join
from thinsection.ingest.naming import Named, degrees, read_names, same_place
from thinsection.ingest.survey import Survey
from tiny import TOP

AUTO: dict[str, Any] = {"light_pattern": "auto", "angle_pattern": "auto"}
LIGHTS = ("ppl", "PPL", "xpl", "Xpl")
SAND = Path(__file__).parents[2] / "shared/photos/sandstone-grains"


@pytest.mark.parametrize(
    ("name", "light", "angle", "place"),
    [
        ("12_a_PPL.JPG", "ppl", "", "12_a"),
        ("12_a_XPL.JPG", "xpl", "", "12_a"),
        ("GB-12_03_ppl.jpg", "ppl", "", "GB-12_03"),
        ("GB-12_03_xpl_45.jpg", "xpl", "45", "GB-12_03"),
        ("olivine/GB-12 - 03 - PPL0.tif", "ppl", "0", "olivine/GB-12 - 03"),
        ("olivine/GB-12 - 03 - XPL45.tif", "xpl", "45", "olivine/GB-12 - 03"),
        ("a_xpl_045.png", "xpl", "045", "a"),
        ("a.xpl-45deg.png", "xpl", "45", "a"),
        ("a_xpl_7deg.png", "xpl", "7", "a"),
        ("a xpl 22.5°.png", "xpl", "22.5", "a"),
        ("a_xpl_22,5.png", "xpl", "22,5", "a"),
        ("olivine/ppl/a1.jpg", "ppl", "", "olivine/a1"),
        ("olivine/xpl_90/a1.jpg", "xpl", "90", "olivine/a1"),
        ("olivine/a1/XPL.jpg", "xpl", "", "olivine/a1"),
        ("olivine/ppl and xpl/a_ppl.jpg", "ppl", "", "olivine/ppl and xpl/a"),
        ("ppl-a_03.jpg", "ppl", "", "a_03"),
        ("a_ppl_b.jpg", "ppl", "", "a_b"),
        ("12ppl.jpg", "ppl", "", "12"),
        ("xpl/a_xpl.jpg", "xpl", "", "a"),
        # a light is a word of its own, a magnification and a date are no angles
        ("sample_applied.jpg", "", "", ""),
        ("a_xpl_10x.jpg", "xpl", "", "a_10x"),
        ("a_xpl_2.5x.jpg", "xpl", "", "a_2.5x"),
        ("a_xpl_2021-05-03.jpg", "xpl", "", "a_2021-05-03"),
        # both lights: neither
        ("a_ppl_xpl.jpg", "", "", ""),
        ("ppl/a_xpl.jpg", "", "", ""),
        ("a_03.jpg", "", "", ""),
    ],
)
def test_what_a_name_says(name: str, light: str, angle: str, place: str) -> None:
    assert read_names([name]) == [Named(light, angle, place)]


def test_numbers_that_count_photos_are_no_angles() -> None:
    """1 and 2 are no multiples of 2.5: these are two fields of view, not two angles of one."""
    names = ["a_ppl_1.jpg", "a_xpl_1.jpg", "a_ppl_2.jpg", "a_xpl_5.jpg", "a_xpl_30deg.jpg"]
    found = read_names(names)
    assert [each.place for each in found] == ["a_1", "a_1", "a_2", "a_5", "a"]
    assert [each.angle for each in found] == ["", "", "", "", "30"]
    assert [each.angle for each in read_names(names[3:4])] == ["5"]


@given(
    st.lists(st.sampled_from(["GB", "a", "7", "Olivin", "ä"]), min_size=1, max_size=4),
    st.sampled_from(["_", "-", " ", "."]),
    st.sampled_from(LIGHTS),
    st.sampled_from(["", "0", "_45", "-22.5", " 90deg"]),
    st.sampled_from([".jpg", ".TIF", ".png"]),
    st.booleans(),
)
def test_light_angle_and_ending_leave_the_place(
    words: list[str], separator: str, light: str, angle: str, ending: str, folder: bool
) -> None:
    place = separator.join(words)
    name = f"{place}{separator}{light}{angle}{ending}"
    if folder:
        name = f"{light}{angle}/{place}{ending}"
    [found] = read_names([name])
    assert same_place(found.place) == same_place(place)
    assert found.light == light.lower()
    assert found.angle == angle.strip("_- deg")


def test_the_names_that_the_manual_shows() -> None:
    manual = (TOP / "docs/your-own-photos.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+`) \| (one|two) samples?", manual, re.MULTILINE)
    assert len(rows) == 6
    for files, number in rows:
        names = re.findall("`(.+?)`", files)
        found = zip(read_names(names), names, strict=True)
        places = {same_place(each.place or name) for each, name in found}
        assert len(places) == {"one": 1, "two": 2}[number], names


@pytest.mark.parametrize(
    ("light", "angle", "name", "expected"),
    [
        ("_{light}", None, "x/a_ppl_45.jpg", Named("ppl", "", "x/a_45")),
        ("_{light}", "auto", "x/a_ppl_45.jpg", Named("ppl", "45", "x/a")),
        ("auto", "rot{angle}", "x/rot7_a_ppl.jpg", Named("ppl", "7", "x/a")),
        (r"\d_(ppl|xpl)", r"_(\d+)\.", "x/1_xpl_7.jpg", Named("xpl", "7", "x/1")),
        (None, "_{angle}.", "x/a_7.jpg", Named("", "7", "x/a")),
        (None, "auto", "x/a_xpl_45.jpg", Named("", "", "")),
        ("auto", "auto", "xpl/a.jpg", Named("", "", "")),  # a class of this name
    ],
)
def test_patterns_of_ones_own(
    light: str | None, angle: str | None, name: str, expected: Named
) -> None:
    assert read_names([name], light, angle, [name.partition("/")[0]]) == [expected]


def test_angles_in_one_form() -> None:
    texts = ("045", "22,5", "22.5 °", "0", "360", "360.5", "-45", "1e2", "north", "")
    assert [degrees(text) for text in texts] == ["45", "22.5", "22.5", "0", "0", *[None] * 5]


def photos(root: Path, *names: str, table: str = "") -> Path:
    for number, name in enumerate(names):
        save(texture(number), root / name)
    if table:
        (root / "photos.csv").write_text(table, encoding="utf-8")
    return root


def samples(found: Survey) -> dict[str, str]:
    return dict(zip(found.photos["photo_id"], found.photos["sample"], strict=True))


PAIRS = (
    *("olivine/12_a_PPL.png", "olivine/12_a_XPL.png", "olivine/12_b_ppl.png"),
    *("augite/12_a_xpl_0.png", "augite/12_a_xpl_45.png", "augite/7.png", "augite/8.png"),
)
OF_PAIRS = {
    "olivine/12_a_PPL.png": "olivine/12_a",
    "olivine/12_a_XPL.png": "olivine/12_a",
    "olivine/12_b_ppl.png": "olivine/12_b_ppl.png",
    "augite/12_a_xpl_0.png": "augite/12_a",
    "augite/12_a_xpl_45.png": "augite/12_a",
    "augite/7.png": "augite/7.png",
    "augite/8.png": "augite/8.png",
}


def test_samples_without_a_table(tmp_path: Path) -> None:
    found, _ = surveyed(photos(tmp_path / "data", *PAIRS), tmp_path / "out", **AUTO)
    assert samples(found) == OF_PAIRS
    angles = found.photos.set_index("photo_id")["angle"].dropna().to_dict()
    assert angles == {"augite/12_a_xpl_0.png": 0, "augite/12_a_xpl_45.png": 45}
    assert found.counts["samples"] == {
        "total": 5,
        "in_ppl": 1,
        "in_ppl_and_xpl": 1,
        "in_unknown": 2,
        "in_xpl": 1,
    }
    assert found.counts["classes"] == {"augite": 3, "olivine": 2}
    assert found.told == [
        "5 samples of 7 photos, 1 of them in ppl and xpl.",
        "1 without ppl: augite/12_a.",
        "1 without xpl: olivine/12_b_ppl.png.",
        "2 in an unknown light: augite/7.png, augite/8.png.",
        "xpl: 1 to 2 angles a sample: 0, 45 degrees.",
    ]
    write_table(found.photos, tmp_path / "photos.csv", PHOTOS)
    assert read_table(tmp_path / "photos.csv", PHOTOS)["sample"].tolist() == list(
        found.photos["sample"]
    )


def test_apart_each_photo_is_a_sample_but_no_split_parts_them(tmp_path: Path) -> None:
    root = photos(tmp_path / "data", *PAIRS)
    apart, _ = surveyed(root, tmp_path / "out", lights="apart", **AUTO)
    assert samples(apart) == {name: name for name in PAIRS}
    together, _ = surveyed(root, tmp_path / "out", **AUTO)
    assert list(apart.photos["group"]) == list(together.photos["group"])
    assert len(set(together.photos["group"])) == 5
    assert apart.told == [
        "7 photos of 5 places, each a sample of its own (ingest.lights: apart). Photos of one place "
        "stay in one group."
    ]
    off, _ = surveyed(root, tmp_path / "out", light_pattern=None, angle_pattern="auto")
    assert samples(off) == {name: name for name in PAIRS}
    assert set(off.photos["light"]) == {""}


def test_a_table_that_gives_the_light_alone(tmp_path: Path) -> None:
    names = ("a_1_ppl.png", "a_1_xpl.png", "b_1_ppl.png", "IMG_7.png", "IMG_8.png")
    table = "file,label,light\na_1_ppl.png,olivine,ppl\na_1_xpl.png,olivine,xpl\n"
    table += "b_1_ppl.png,augite,ppl\nIMG_7.png,augite,ppl\nIMG_8.png,augite,xpl\n"
    found, _ = surveyed(photos(tmp_path / "data", *names, table=table), tmp_path / "out", **AUTO)
    assert samples(found) == {
        "a_1_ppl.png": "a_1",
        "a_1_xpl.png": "a_1",
        **{name: name for name in names[2:]},  # nothing tells that IMG_7 and IMG_8 are one place
    }


def test_a_table_that_names_samples(tmp_path: Path) -> None:
    names = ("1.png", "2.png", "3.png", "4_ppl.png", "4_xpl.png")
    table = (
        "file;label;Sample;angle;light;specimen\n1.png;olivine;S;22,5;XPL;\n2.png;olivine;S;;;GB\n"
        "3.png;augite;T;;;\n4_ppl.png;augite;U;;;\n4_xpl.png;augite;V;;;\n"
    )
    found, _ = surveyed(photos(tmp_path / "data", *names, table=table), tmp_path / "out", **AUTO)
    assert list(samples(found).values()).count("S") == 2
    assert set(samples(found).values()) == {"S", "T", "U", "V"}
    rows = found.photos.set_index("photo_id")
    assert list(rows.loc["1.png", ["light", "angle"]]) == ["xpl", 22.5]
    assert rows.loc["1.png", "specimen"] == "GB"  # what is known of one photo holds for its sample
    assert len(set(rows["group"])) == 4  # the table's word outweighs the names of 4


@pytest.mark.parametrize(
    ("column", "cells", "message"),
    [
        ("angle", "north,", r"row 2: angle is 'north'; allowed: a number of degrees from 0 to 360"),
        ("angle", "361,", r"row 2: angle is '361'"),
        ("sample", "S,S", r"S: 1.png \(olivine\), 2.png \(augite\)"),
    ],
)
def test_a_table_that_can_not_be_right(
    tmp_path: Path, column: str, cells: str, message: str
) -> None:
    first, second = cells.split(",")
    table = f"file,label,{column}\n1.png,olivine,{first}\n2.png,augite,{second}\n"
    root = photos(tmp_path / "data", "1.png", "2.png", table=table)
    with pytest.raises(InputError, match=message):
        surveyed(root, tmp_path / "out")


def test_samples_of_two_labels_or_specimens_are_rejected_if_asked_for(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(6)]
    table = "file,label,sample,specimen\n0.png,olivine,S,\n1.png,augite,S,\n2.png,olivine,T,A\n"
    table += "3.png,olivine,T,B\n4.png,olivine,,\n5.png,augite,,\n"
    root = photos(tmp_path / "data", *names, table=table)
    found, _ = surveyed(root, tmp_path / "out", on_conflict="reject")
    assert set(samples(found)) == {"4.png", "5.png"}
    two_labels = "conflict: sample S has the labels augite, olivine"
    two_specimens = "conflict: sample T has the specimens A, B"
    assert not check_photos(root, tmp_path / "check.html", settings(), None)
    assert reasons(found) == {
        "0.png": two_labels, "1.png": two_labels, "2.png": two_specimens, "3.png": two_specimens,
    }  # fmt: skip


def test_a_sample_named_after_one_of_its_photos(tmp_path: Path) -> None:
    table = "file,label,sample\n1.png,olivine,\n2.png,olivine,1.png\n3.png,augite,\n"
    root = photos(tmp_path / "data", "1.png", "2.png", "3.png", table=table)
    found, _ = surveyed(root, tmp_path / "out")
    assert samples(found) == {"1.png": "1.png", "2.png": "1.png", "3.png": "3.png"}
    groups = found.photos.set_index("photo_id")["group"]
    assert groups["1.png"] == groups["2.png"]
    (root / "photos.csv").write_text(table.replace("2.png,olivine", "2.png,augite"))
    with pytest.raises(InputError, match=r"1.png: 1.png \(olivine\), 2.png \(augite\)"):
        surveyed(root, tmp_path / "out")


def test_names_that_contradict_the_table_make_no_sample(tmp_path: Path) -> None:
    names = ("1_ppl.png", "1_xpl.png", "2_ppl.png", "2_xpl.png")
    table = "file,label,specimen\n1_ppl.png,olivine,\n1_xpl.png,augite,\n"
    table += "2_ppl.png,olivine,A\n2_xpl.png,olivine,B\n"
    found, _ = surveyed(photos(tmp_path / "data", *names, table=table), tmp_path / "out", **AUTO)
    assert samples(found) == {name: name for name in names}
    groups = found.photos.set_index("photo_id")["group"]
    assert groups["1_ppl.png"] == groups["1_xpl.png"]  # a label may be wrong
    assert groups["2_ppl.png"] != groups["2_xpl.png"]  # surely two places
    [(file, detail)] = warned(found, "one place, two labels")
    assert (file, detail[:50]) == (
        "1_ppl.png",
        "1_ppl.png (olivine), 1_xpl.png (augite): by their ",
    )
    assert "give each place a name of its own in the column sample of photos.csv" in detail
    assert len(warned(found, "one place, two specimens")) == 1


def test_two_photos_of_one_light_and_lights_of_two_sizes_are_named(tmp_path: Path) -> None:
    root = photos(tmp_path / "data", "augite/1.png", "olivine/1_ppl.png", "olivine/1__PPL.png")
    save(texture(7, 64, 96), root / "olivine/1_xpl.png")
    found, _ = surveyed(root, tmp_path / "out", **AUTO)
    assert list(samples(found).values()).count("olivine/1") == 3
    [(file, detail)] = warned(found, "same light twice")
    assert file == "olivine/1__PPL.png"
    assert detail.startswith(
        "olivine/1__PPL.png, olivine/1_ppl.png are one sample, ppl, angle unknown: all are used"
    )
    [(_, detail)] = warned(found, "lights of two sizes")
    assert "olivine/1_xpl.png (96 x 64) are one sample: each is resized by itself" in detail
    assert warned(found, "few samples")
    assert not warned(found, "few photos")


def test_lights_that_are_alike_are_no_news(tmp_path: Path) -> None:
    root = photos(tmp_path / "data", "augite/1.png", "olivine/1_ppl.png", "olivine/2_ppl.png")
    for name, quality in (("1_xpl", 60), ("3_xpl", 80)):  # nearly the picture of 1_ppl
        save(texture(1), root / f"olivine/{name}.jpg", quality=quality)
    found, _ = surveyed(root, tmp_path / "out", **AUTO)
    assert [(file, detail.split()[1]) for file, detail in warned(found, "near copy")] == [
        ("olivine/1_ppl.png", "olivine/3_xpl.jpg"),
        ("olivine/1_xpl.jpg", "olivine/3_xpl.jpg"),
    ]
    assert found.counts["near_copies"] == 2


def test_a_copy_gives_its_sample_to_the_photo_used(tmp_path: Path) -> None:
    root = photos(tmp_path / "data", "augite/1.png", "olivine/a_ppl.png", "olivine/a_xpl.png")
    save(texture(1), root / "olivine/0.png")
    found, _ = surveyed(root, tmp_path / "out", **AUTO)
    rows = found.photos.set_index("photo_id")
    assert list(rows.loc["olivine/0.png", ["sample", "light"]]) == ["olivine/a", "ppl"]
    assert rows.loc["olivine/a_xpl.png", "sample"] == "olivine/a"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            ["a_ppl", "a_xpl", "b_ppl", "b_xpl"],
            ["2 samples, each in ppl and xpl."],
        ),
        (
            ["a_ppl", "a_xpl", "b_ppl", "c_xpl", "d_xpl"],
            [
                "4 samples of 5 photos, 1 of them in ppl and xpl.",
                "2 without ppl: q/c_xpl.png, q/d_xpl.png.",
                "1 without xpl: q/b_ppl.png.",
            ],
        ),
        (
            ["a_ppl", "a_xpl_0", "a_xpl_45", "b_ppl", "b_xpl_0"],
            ["2 samples, each in ppl and xpl.", "xpl: 1 to 2 angles a sample: 0, 45 degrees."],
        ),
        (
            ["a_ppl", "b_xpl"],
            [
                "Each of the 2 photos is a sample of its own. Photos of one place in several lights "
                "are one sample if their names differ in the light alone, or photos.csv gives them "
                "the same sample."
            ],
        ),
        (["a", "b"], ["Each of the 2 photos is a sample of its own."]),
    ],
)
def test_what_is_said_of_the_samples(tmp_path: Path, names: list[str], told: list[str]) -> None:
    table = "file,label\n" + "".join(f"q/{name}.png,{name[0]}\n" for name in names)
    root = photos(tmp_path / "data", *(f"q/{name}.png" for name in names), table=table)
    assert surveyed(root, tmp_path / "out", **AUTO)[0].told == told


def test_check_shows_samples_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = photos(tmp_path / "data", *PAIRS)
    assert check_photos(root, tmp_path / "check.html", settings(), None)
    said = capsys.readouterr().out
    assert "2 without ppl" not in said
    assert "light_pattern" not in said  # as params.yaml has it
    page = (tmp_path / "check.html").read_text(encoding="utf-8")
    figure = page.split('<figure class="sample">')[1].split("</figure>")[0]
    assert figure.count("<img") == 2
    assert "augite/12_a\nxpl 0°, xpl 45°" in figure
    assert check_photos(root, tmp_path / "check.html", settings(), None, None, None)
    assert "-S dataset.light_pattern=null -S dataset.angle_pattern=null" in capsys.readouterr().out


def joined_rows(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "photos.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def test_joining_keeps_samples_and_corrects_them_whole(tmp_path: Path) -> None:
    root = photos(tmp_path / "mine", *PAIRS)
    fixed = tmp_path / "fixed"
    save(texture(1), fixed / "x.png")  # 12_a in xpl
    (fixed / "photos.csv").write_text("file,label,light,sample\nx.png,augite,,of the page\n")
    joined = join([root, fixed], tmp_path / "all")
    assert joined.relabelled == [
        ("mine/olivine/12_a_PPL.png", "olivine", "augite"),
        ("mine/olivine/12_a_XPL.png", "olivine", "augite"),
    ]
    rows = joined_rows(tmp_path / "all")
    pair = [rows[f"mine/olivine/12_a_{light}.png"] for light in ("PPL", "XPL")]
    assert [row["sample"] for row in pair] == ["mine/olivine/12_a"] * 2
    assert [row["light"] for row in pair] == ["ppl", "xpl"]
    assert rows["mine/augite/12_a_xpl_45.png"]["angle"] == "45"
    assert rows["mine/olivine/12_b_ppl.png"]["sample"] == ""
    found, _ = surveyed(tmp_path / "all", tmp_path / "out", **AUTO)
    assert len(set(found.photos["sample"])) == 5


def test_samples_of_one_name_in_two_folders_are_two(tmp_path: Path) -> None:
    for number, folder in enumerate(("first", "second")):
        save(texture(number), tmp_path / folder / "1.png")
        table = f"file,label,sample\n1.png,{'ab'[number]},1\n"
        (tmp_path / folder / "photos.csv").write_text(table)
    join([tmp_path / "first", tmp_path / "second"], tmp_path / "all")
    rows = joined_rows(tmp_path / "all")
    assert [row["sample"] for row in rows.values()] == ["first/1", "second/1"]


@pytest.mark.skipif(not SAND.is_dir(), reason=f"no photos at {SAND}")
def test_the_sand_grains_are_210_samples(tmp_path: Path) -> None:
    found, _ = surveyed(SAND, tmp_path / "out", workers=0, **AUTO)
    assert found.told == ["210 samples, each in ppl and xpl."]
    assert found.counts["samples"] == {"total": 210, "in_ppl_and_xpl": 210}
