import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from conftest import photo_table
from thinsection.base.errors import InputError
from thinsection.base.files import writing, writing_folder
from thinsection.base.tables import (
    FOLDS,
    PHOTOS,
    PREDICTIONS,
    classes_of,
    read_table,
    write_table,
)
from tiny import TOP


def predictions(**changes: object) -> pd.DataFrame:
    row = {"sample": "p1", "repeat": 0, "fold": 1, "label": "augite", "predicted": "olivine"}
    row |= {"loss": 1.25, "p_augite": 0.25, "p_olivine": 0.75} | changes
    return pd.DataFrame([row])


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = photo_table(["olivine", "augite"])
    table["specimen"] = ["007", "NA"]  # text that looks like a number or a gap stays text
    write_table(table, tmp_path / "photos.csv", PHOTOS)
    pd.testing.assert_frame_equal(read_table(tmp_path / "photos.csv", PHOTOS), table)


def test_probability_columns_follow_in_the_order_of_the_classes(tmp_path: Path) -> None:
    write_table(predictions(), tmp_path / "predictions.csv", PREDICTIONS)
    read = read_table(tmp_path / "predictions.csv", PREDICTIONS)
    assert classes_of(read) == ["augite", "olivine"]
    assert read["p_olivine"].tolist() == [0.75]


def test_a_figure_that_does_not_exist_is_an_empty_cell(tmp_path: Path) -> None:
    write_table(predictions(loss=float("nan")), tmp_path / "predictions.csv", PREDICTIONS)
    assert ",olivine,," in (tmp_path / "predictions.csv").read_text(encoding="utf-8")
    assert read_table(tmp_path / "predictions.csv", PREDICTIONS)["loss"].isna().all()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (predictions().drop(columns="fold"), "missing: fold, unknown: none"),
        (predictions(colour="red"), "missing: none, unknown: colour"),
        (predictions(fold=1.5), "row 2: fold is '1.5'; allowed: a whole number"),
        (predictions(loss="high"), "row 2: loss is 'high'; allowed: a number"),
        (pd.concat([predictions(), predictions()]), "occurs 2 times; allowed: each key once"),
    ],
)
def test_a_table_that_breaks_its_contract_is_refused(
    tmp_path: Path, frame: pd.DataFrame, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        write_table(frame, tmp_path / "predictions.csv", PREDICTIONS)
    assert not list(tmp_path.iterdir())


def test_a_missing_or_empty_table_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such table. Run `dvc repro`"):
        read_table(tmp_path / "folds.csv", FOLDS)
    (tmp_path / "folds.csv").touch()
    with pytest.raises(InputError, match="the table is empty"):
        read_table(tmp_path / "folds.csv", FOLDS)


def test_a_file_or_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.csv", tmp_path / "runs"
    file.write_text("old", encoding="utf-8")
    folder.mkdir()
    (folder / "old.csv").touch()
    with pytest.raises(RuntimeError), writing(file) as partial:
        partial.write_text("half", encoding="utf-8")
        raise RuntimeError
    with pytest.raises(RuntimeError), writing_folder(folder) as partial:
        (partial / "half.csv").touch()
        raise RuntimeError
    assert file.read_text(encoding="utf-8") == "old"
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["a.csv", "runs", "old.csv"]
    with writing_folder(folder) as partial:
        (partial / "new.csv").touch()
    assert [path.name for path in folder.iterdir()] == ["new.csv"]
    link = tmp_path / "link"
    link.symlink_to(folder)
    with writing_folder(link) as partial:
        (partial / "newer.csv").touch()
    assert link.is_symlink()
    assert [path.name for path in folder.iterdir()] == ["newer.csv"]


# Ends the process, as a kill does, at the given call of those that change what lies on the disk.
KILLED = """
import os, shutil, sys
from pathlib import Path

from thinsection.base.files import writing_folder

step, done = int(sys.argv[1]), 0


def counted(function):
    def call(*arguments, **options):
        global done
        if done == step:
            os._exit(9)
        done += 1
        return function(*arguments, **options)

    return call


os.replace, shutil.rmtree = counted(os.replace), counted(shutil.rmtree)
os.unlink, os.rmdir = counted(os.unlink), counted(os.rmdir)  # what rmtree consists of
with writing_folder(Path("runs")) as partial:
    for name in ("a", "b"):
        (partial / name).write_text("new")
"""


def test_a_kill_at_any_step_leaves_the_old_folder_or_the_new_one(tmp_path: Path) -> None:
    env = os.environ | {"PYTHONPATH": str(TOP / "src")}
    seen = []
    for step in range(30):
        folder = tmp_path / str(step)
        (folder / "runs").mkdir(parents=True)
        for name in ("a", "b"):
            (folder / "runs" / name).write_text("old")
        killed = subprocess.run([sys.executable, "-c", KILLED, str(step)], cwd=folder, env=env)
        lying = [p for p in (folder / "runs", folder / ".runs.aside.partial") if p.is_dir()]
        found = {tuple((p / name).read_text() for name in ("a", "b")) for p in lying[:1]}
        assert found in ({("old", "old")}, {("new", "new")})
        with pytest.raises(RuntimeError), writing_folder(folder / "runs"):
            raise RuntimeError
        assert {tuple((folder / "runs" / name).read_text() for name in ("a", "b"))} == found
        assert [p.name for p in folder.iterdir()] == ["runs"]
        seen.append((found.pop()[0], lying[0].name))
        if killed.returncode == 0:
            break
    # every stage of the change was met, in this order, and at last the change itself
    assert list(dict.fromkeys(seen)) == [
        ("old", "runs"),
        ("old", ".runs.aside.partial"),
        ("new", "runs"),
    ]
    assert killed.returncode == 0
