"""Labels and specimens that several people wrote in several ways."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from ingesting import save, surveyed, texture, two_classes, warned
from thinsection.base.errors import InputError
from thinsection.cli import app
from thinsection.ingest.join import join
from thinsection.settings import DatasetSettings


def classes(root: Path, *names: str) -> Path:
    for n, name in enumerate(names):
        save(texture(n), root / name / f"{n}.png")
    return root


def test_classes_that_differ_in_writing_only_are_named(tmp_path: Path) -> None:
    root = classes(
        tmp_path / "data",
        *("Olivine", "olivine", "olivine ", "olivine\u200b"),
        *("K-feldspar", "K\u2011feldspar", "K_feldspar", "Grün", "Gru\u0308n"),
        *("quartz", "quartzite", "olivines"),
    )
    found, _ = surveyed(root, tmp_path / "out")
    # a blank at the end, and the form in which a Mac writes ü, make no class of their own
    assert warned(found, "nearly the same label") == [
        (
            "",
            r'classes "K-feldspar" and "K_feldspar" and "K\u2011feldspar" differ in writing only; if '
            r'they are one, set dataset.labels to {"K_feldspar": "K-feldspar", "K\u2011feldspar": '
            r'"K-feldspar"}',
        ),
        (
            "",
            r'classes "olivine" and "Olivine" and "olivine\u200b" differ in writing only; if they are '
            r'one, set dataset.labels to {"Olivine": "olivine", "olivine\u200b": "olivine"}',
        ),
    ]


def test_specimens_that_differ_in_writing_only_are_named(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data", 2)
    (root / "photos.csv").write_text(
        "file,label,specimen\nolivine/000.png,olivine,GB-12\nquartz/001.png,quartz,gb 12\n"
        "olivine/002.png,olivine,1-12\nquartz/003.png,quartz,11-2\n"
    )
    found, _ = surveyed(root, tmp_path / "out")
    [(_, detail)] = warned(found, "nearly the same specimen")
    assert detail.startswith('specimens "gb 12" and "GB-12" differ in writing only')


def test_labels_are_renamed(tmp_path: Path) -> None:
    root = classes(tmp_path / "data", "Olivine", "olivine", "olivine\u200b", "quartz")
    labels = {"Olivine": "olivine", "olivine\u200b": "olivine", "quartz ": "Quarz"}
    found, _ = surveyed(root, tmp_path / "out", labels=labels)
    assert sorted(found.photos["label"]) == ["Quarz", "olivine", "olivine", "olivine"]
    assert not warned(found, "nearly the same label")
    with pytest.raises(
        InputError, match='dataset.labels: no photo is labelled "olivin"; there are "oli'
    ):
        surveyed(root, tmp_path / "out", labels={"olivin": "x"})
    with pytest.raises(InputError, match="contains only one class .all."):
        names = ("Olivine", "olivine", "olivine\u200b", "quartz")
        surveyed(root, tmp_path / "out", labels=dict.fromkeys(names, "all"))
    with pytest.raises(ValidationError, match="at least 1 character"):
        DatasetSettings(
            path="x",
            specimen_pattern=None,
            light_pattern=None,
            angle_pattern=None,
            labels={"a": ""},
        )


def test_labels_are_swapped_not_chained(tmp_path: Path) -> None:
    root = classes(tmp_path / "data", "a", "b")
    found, _ = surveyed(root, tmp_path / "out", labels={"a": "b", "b": "a"})
    labels = found.photos.set_index("photo_id")["label"].to_dict()
    assert labels == {"a/0.png": "b", "b/1.png": "a"}


def test_join_renames_labels_of_some_of_its_folders(tmp_path: Path) -> None:
    folders = [classes(tmp_path / "x", "Olivine"), classes(tmp_path / "y", "quartz", "olivine")]
    joined = join(folders, tmp_path / "all", labels={"Olivine": "olivine"})
    assert joined.n_photos == {"x": 1, "y": 1}  # the same picture in both, taken once
    assert joined.relabelled == [("x/Olivine/0.png", "olivine", "quartz")]


def test_rename_on_the_command_line(tmp_path: Path) -> None:
    folders = [str(classes(tmp_path / name, *kinds)) for name, kinds in
               (("x", ("Olivine",)), ("y", ("olivine", "quartz")))]  # fmt: skip
    into = str(tmp_path / "all")
    told = CliRunner().invoke(
        app, ["join", *folders, "--into", into, "--rename", "Olivine=olivine"]
    )
    assert told.exit_code == 0, told.output
    assert "Olivine" not in (tmp_path / "all/photos.csv").read_text().replace("x/Olivine", "")
    wrong = CliRunner().invoke(app, ["join", *folders, "--into", into, "--rename", "Olivine"])
    assert "allowed: the label, = and its other name" in str(wrong.exception)
