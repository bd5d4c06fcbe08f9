"""That DVC watches all of a data set that ingestion reads; what it can't take is said before."""

import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from pydantic import ValidationError

from ingesting import reasons, save, settings, surveyed, texture, two_classes
from systems import NEEDS_POSIX
from test_ingest_archives import zipped
from test_pipeline import Project
from thinsection.base.errors import InputError
from thinsection.ingest.check import check_photos, experiment_command
from thinsection.ingest.watched import check_watched, problems_for_dvc
from thinsection.settings import DatasetSettings
from tiny import TOP

PATTERN = r"sample_(\d+)_[a-z']\.jpg$"


def dataset(path: str, specimen_pattern: str | None = None) -> DatasetSettings:
    return DatasetSettings(
        path=path,
        specimen_pattern=specimen_pattern,
        light_pattern=None,
        angle_pattern=None,
        labels={},
    )


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("watched"))
    project.repro("ingest")
    return project


def of_folder(project: Path) -> tuple[str, Path]:
    return "set", two_classes(project / "set") / "quartz/001.png"


def of_table(project: Path) -> tuple[str, Path]:
    root = two_classes(project / "with-table", 1)
    (root / "photos.csv").write_text("file,label\nolivine/000.png,a\nquartz/001.png,b\n")
    return "with-table", root / "olivine/000.png"


def of_the_table_itself(project: Path) -> tuple[str, Path]:
    root = two_classes(project / "table", 1)
    (root / "photos.csv").write_text("file,label\nolivine/000.png,a\nquartz/001.png,b\n")
    return "table", root / "photos.csv"


def of_archive(project: Path) -> tuple[str, Path]:
    root = two_classes(project.parent / "to-pack")
    return "a.zip", zipped(root, project / "a.zip")


def of_link_to_elsewhere(project: Path) -> tuple[str, Path]:
    root = two_classes(project.parent / "elsewhere")
    (project / "linked").symlink_to(root)
    return "linked", root / "quartz/001.png"


def of_link_to_a_file_inside(project: Path) -> tuple[str, Path]:
    root = two_classes(project / "links")
    photo = save(texture(40), root / "store.png")
    (root / "quartz/link.png").symlink_to(photo)
    return "links", photo


def of_a_class_named_as_our_own_folder(project: Path) -> tuple[str, Path]:
    return "own", save(texture(41), two_classes(project / "own") / "scratch/1.png")


def of_elsewhere(project: Path) -> tuple[str, Path]:
    root = two_classes(project.parent / "outside")
    return "../outside", root / "quartz/001.png"


@pytest.mark.parametrize(
    "form",
    [
        of_folder,
        of_table,
        of_the_table_itself,
        of_archive,
        of_link_to_elsewhere,
        of_link_to_a_file_inside,
        of_a_class_named_as_our_own_folder,
        of_elsewhere,
    ],
)
def test_dvc_notices_a_change_of_whatever_is_read(
    ingested: Project,
    form: Callable[[Path], tuple[str, Path]],
) -> None:
    path, file = form(ingested.folder)
    ingested.change("dataset", path=path)
    # records what the stage depends on without running it
    with ingested.repo() as repo:
        repo.commit("ingest", force=True)
    if file.suffix == ".csv":
        file.write_text(file.read_text().replace(",b", ",c"))
    elif file.suffix == ".zip":
        zipped(two_classes(ingested.folder.parent / "others", 2), file)
    else:
        save(texture(99), file)
    with ingested.repo() as repo:
        [changed] = [reason["changed deps"] for reason in repo.status(["ingest"])["ingest"]]
    # DVC names a place outside the project by its whole path
    assert {Path(name).name: how for name, how in changed.items()} == {Path(path).name: "modified"}


def test_no_link_to_a_folder_is_read_for_none_is_watched(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    (root / "augite").symlink_to(root / "quartz")
    found, _ = surveyed(root, tmp_path / "out")
    assert reasons(found) == {"augite": "not an image: link to a folder, which is not followed"}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("my/photos.csv", "Write the folder that holds it: my. The table is read if"),
        ("photos.csv", "Write the folder that holds it: ."),
        ("my/Photos.XLSX", "Write the folder that holds it: my"),
        ("~/photos", "only a terminal knows what ~ stands for. Write the whole path"),
        ("", "empty; write the folder"),
    ],
)
def test_a_path_that_dvc_would_not_watch_is_refused(path: str, said: str) -> None:
    with pytest.raises(ValidationError) as error:
        dataset(path)
    assert said in str(error.value)


@NEEDS_POSIX
def test_what_stops_dvc_or_is_not_watched_is_said(tmp_path: Path) -> None:
    project = tmp_path / "project"
    root = two_classes(project / "data")
    (project / ".dvcignore").write_text("*.partial\n/scratch\ndata/quartz/00*\n")
    quartz = root / "quartz"
    Path(quartz / "005.png").rename(quartz / os.fsdecode(b"schn\xe4ppchen.png"))
    (quartz / "gone.png").symlink_to(tmp_path / "nothing.png")
    os.mkfifo(quartz / "pipe")
    (root / "olivine/.dvc").mkdir()
    (root / ".dvcignore").write_text("*.jpg\n")
    (root / "olivine/x.partial").write_text("ignored by DVC, and by us")
    assert [problem.split(". ")[0] for problem in problems_for_dvc(root, project)] == [
        "'.dvcignore' is a file of DVC's own, at which it stops inside a data set",
        "'quartz/001.png' is ignored by DVC (.dvcignore), so it would call a result up to date that "
        "is not",
        "'quartz/003.png' is ignored by DVC (.dvcignore), so it would call a result up to date that "
        "is not",
        "'quartz/gone.png' is a link to nothing, at which DVC stops",
        "'quartz/pipe' is a pipe or a device, at which DVC waits for ever",
        r"'quartz/schn\xe4ppchen.png' has a name that is not UTF-8, at which DVC stops",
        "olivine/.dvc makes its folder a DVC project of its own, so it would call a result up to "
        "date that is not",
    ]
    assert problems_for_dvc(project / "scratch/photos", project)
    assert problems_for_dvc(project / "photos ${x}", project)
    for fine in (zipped(two_classes(tmp_path / "fine"), project / "a.zip"), tmp_path / "fine"):
        assert problems_for_dvc(fine, project) == []
    assert problems_for_dvc(project / "gone", project) == []  # which ingestion says better
    # of a data set elsewhere DVC ignores nothing
    assert len(problems_for_dvc(root, tmp_path / "another")) == 4


def test_ingestion_stops_where_a_result_could_be_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (two_classes(tmp_path / "data") / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"dataset.path: data: .dvc makes its folder a DVC proj"):
        check_watched(Path("data"))


def test_check_says_what_dvc_will_not_take_and_otherwise_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = two_classes(tmp_path / "Dünnschliffe (2021)")
    page = tmp_path / "check.html"
    assert check_photos(root, page, settings(), "{specimen}_", None)
    said = capsys.readouterr().out
    assert f"dvc exp run -S \"dataset.path='{root}'\"" in said
    assert "-S \"dataset.specimen_pattern='{specimen}_'\"" in said
    (root / "olivine" / os.fsdecode(b"\xe4.png")).write_bytes(b"x")
    assert not check_photos(root, page, settings(), None, None)
    said = capsys.readouterr().out
    assert "has a name that is not UTF-8, at which DVC stops. Rename it." in said
    assert "dvc exp run" not in said


@pytest.mark.parametrize(
    "name",
    [
        *("photos", "Dünnschliffe", "my photos (2021)", "2021", "R&D, batch=2", "薄片", "it's"),
        *("1_000", "yes", "a$b", 'say "hi"', "x'\\'y", "back\\", "~", "a: b", "[1]"),
    ],
)
def test_the_command_gives_dvc_the_name_that_is_meant(tmp_path: Path, name: str) -> None:
    file = tmp_path / "params.yaml"
    shutil.copyfile(TOP / "params.yaml", file)
    # not checked: the form that settings refuse must be quoted too
    given = DatasetSettings.model_construct(
        path=name, specimen_pattern=PATTERN, light_pattern=None, angle_pattern=None, labels={}
    )
    words = shlex.split(experiment_command(given))
    apply_overrides(file, [word for word in words if "=" in word])
    read = yaml.safe_load(file.read_text(encoding="utf-8"))["dataset"]
    assert read["path"] in (name, f"./{name}")
    assert read["specimen_pattern"] == PATTERN
