"""What the operating system refuses is one message, and for outputs it comes before the work."""

import ctypes
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelling import make_model
from systems import NEEDS_POSIX
from thinsection import cli
from thinsection.base.arrays import read_array
from thinsection.base.errors import InputError, refusal
from thinsection.base.files import read_json, writing
from thinsection.base.tables import FOLDS, read_table
from thinsection.console import stage
from thinsection.families.run import Run
from tiny import TOP

# What each command writes. The inputs don't exist: an output that is refused comes before them.
FILES = {
    "check": lambda out: ["check", "nowhere", "--page", out],
    "chart": lambda out: ["chart", out],
    "predict": lambda out: ["predict", "nowhere", "--csv", out],
}
FOLDERS = {
    "heatmap": lambda out: ["predict", "nowhere", "--heatmap", out],
    "join": lambda out: ["join", "nowhere", "neither", "--into", out],
    "render": lambda out: ["render", out, "--specimens", "1", "--fields", "1"],
    "serve": lambda out: ["serve", "--model", "nowhere", "--corrections", out],
}
Command = Callable[[str], list[str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything that an output can't be."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes and permissions as POSIX has them")
    shutil.copy(TOP / "params.yaml", tmp_path)
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to("folder.png")
    (tmp_path / "broken").symlink_to("nothing")
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said_of(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """The message with which the command ends."""
    monkeypatch.setattr(sys, "argv", ["thinsection", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr().err
    assert end.value.code == 1, said
    assert said.startswith("ERROR: ")
    return said


@pytest.mark.parametrize(
    "out", ["folder.png", "link.png", "file/a.png", "broken/a.png", "fifo.png", f"{'a' * 300}.png"]
)
@pytest.mark.parametrize("command", FILES.values(), ids=FILES)
def test_a_file_that_can_not_be_written_is_told_before_the_work(
    command: Command,
    out: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = said_of(command(out), monkeypatch, capsys)
    assert f"{out} " in said
    assert "Allowed: a file to make" in said


@pytest.mark.parametrize("out", ["file", "file/a", "fifo.png", "a" * 300])
@pytest.mark.parametrize("command", FOLDERS.values(), ids=FOLDERS)
def test_a_folder_that_can_not_be_made_is_told_before_the_work(
    command: Command,
    out: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = said_of(command(out), monkeypatch, capsys)
    assert out in said
    assert "Allowed: a folder" in said


@pytest.mark.parametrize("command", [FOLDERS["join"], FOLDERS["render"]])
def test_the_folder_that_one_is_in_is_not_replaced(
    command: Command,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(place / "empty")
    assert "is the folder that you are in" in said_of(command("."), monkeypatch, capsys)


def test_photos_are_not_overwritten_by_what_is_said_of_them(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said_of(["predict", "file", "--csv", "file"], monkeypatch, capsys)
    assert "--csv: file is one of the given files" in told
    (place / "empty" / "photos.csv").touch()
    table = "empty/photos.csv"
    told = said_of(["predict", "empty", "--csv", table], monkeypatch, capsys)
    assert f"--csv: {table} is one of the given files" in told
    told = said_of(["predict", "empty", "--heatmap", "empty"], monkeypatch, capsys)
    assert "--heatmap: empty is the folder of the given photos" in told


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["params", "empty"], "empty: Is a directory"),
        (["params", "file/x"], "file/x: Not a directory"),
        (["models", "empty"], "empty: Is a directory"),
        (["check", "a" * 300], f"{'a' * 300}: File name too long"),
        (["predict", "a" * 300], f"{'a' * 300}: File name too long"),
    ],
)
def test_what_can_not_be_read_is_one_message(
    arguments: list[str],
    reason: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert f"{reason}. " in said_of(arguments, monkeypatch, capsys)


def test_a_refusal_says_file_reason_and_what_to_do() -> None:
    told = refusal(OSError(errno.EACCES, "x", "a.csv"))
    assert str(told).startswith("a.csv: Permission denied. Ask its owner")
    assert "No space left on device. Make room" in str(refusal(OSError(errno.ENOSPC, "x")))
    # NumPy's own words for a disk that took only a part
    assert "No space left" in str(refusal(OSError("9 requested and 5 written")))
    assert refusal(OSError(errno.EBADF, "x")) is None  # our own mistake keeps its traceback


def test_a_stage_ends_with_one_message_too(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise OSError(errno.ENOSPC, "x", "data/folds.csv")

    monkey = pytest.MonkeyPatch()
    monkey.setattr(stage, "stop_on_signals", lambda: None)
    with monkey.context(), pytest.raises(SystemExit):
        stage.run(lambda *_: main())
    monkey.undo()
    assert capsys.readouterr().err.startswith("ERROR: data/folds.csv: No space left on device.")


@pytest.mark.parametrize("content", [None, b"", b"\xff\x00,", b"{"])
@pytest.mark.parametrize(
    "reader",
    [read_json, read_array, lambda path: read_table(path, FOLDS)],
    ids=["json", "npy", "csv"],
)
def test_what_a_stage_made_and_somebody_spoilt_is_to_be_made_again(
    reader: Callable[[Path], object], content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "made"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"(Run `dvc repro`|missing:)"):
        reader(path)


def test_a_device_is_not_replaced_by_a_file(place: Path) -> None:
    with pytest.raises(InputError, match="is a device, pipe or socket"), writing(Path("fifo.png")):
        pass
    assert (place / "fifo.png").is_fifo()


# ---- permissions: the commands run without the rights by which root may read and write everything


def _without_privileges() -> None:
    for right in (1, 2):  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, of Linux
        ctypes.CDLL(None).prctl(24, right, 0, 0, 0)  # PR_CAPBSET_DROP


def run_as_a_user(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from thinsection.cli import main; main()", *arguments],
        preexec_fn=_without_privileges if sys.platform == "linux" else None,
        env=os.environ | {"PYTHONPATH": str(TOP / "src")},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("made") / "model", Run("fcnn", "2"))


def photo(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    patches = np.random.default_rng(seed).integers(0, 256, (8, 12, 3)).astype(np.uint8)
    Image.fromarray(patches).resize((96, 64)).save(path)


@NEEDS_POSIX
def test_the_files_of_a_model_may_be_read_as_the_umask_says(model: Path) -> None:
    umask = os.umask(0)
    os.umask(umask)
    assert {path.stat().st_mode & 0o777 for path in model.iterdir()} == {0o666 & ~umask}


def test_prediction_opens_what_it_needs_and_goes_past_what_it_may_not_read(
    model: Path, place: Path
) -> None:
    for name in ("weights.safetensors", "README.md"):
        (model / name).chmod(0)
    for number in range(2):
        photo(
            place / "photos" / f"a long name of a photo that no terminal shows {number}.png", number
        )
    (place / "photos" / "a long name of a photo that no terminal shows 1.png").chmod(0)
    (place / "photos" / "locked").mkdir(mode=0)
    os.mkfifo(place / "photos" / "pipe.png")
    ran = run_as_a_user("predict", "photos", "fifo.png", "--model", str(model))
    assert ran.stderr == ""
    assert ran.returncode == 1  # for what could not be used
    rows = [line.split("\t") for line in ran.stdout.splitlines()[:-2]]
    long = "photos/a long name of a photo that no terminal shows {}.png"
    assert [row[0] for row in rows] == [
        *(long.format(0), long.format(1), "photos/locked", "photos/pipe.png", "fifo.png")
    ]
    assert rows[0][1].rstrip("?") in ("basalt", "chalk")
    assert [row[-1] for row in rows[1:]] == [
        "not used: unreadable: Permission denied",
        "not used: unreadable: Permission denied",
        "not used: not an image: not a plain file",
        "not used: not an image: not a plain file",
    ]


@pytest.mark.parametrize("command", [*FILES.values(), *FOLDERS.values()], ids=[*FILES, *FOLDERS])
def test_a_folder_that_may_not_be_written_is_told_before_the_work(
    command: Command, place: Path
) -> None:
    (place / "empty").chmod(0o555)
    ran = run_as_a_user(*command("empty/a.png"))
    assert ran.returncode == 1
    assert "empty/a.png can't be written: you may not write to the folder" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_check_lists_what_it_may_not_read(place: Path) -> None:
    for number in range(6):
        photo(place / "set" / "olivine" / f"{number}.png", number)
        photo(place / "set" / "augite" / f"{number}.png", 100 + number)
    (place / "set" / "locked").mkdir(mode=0)
    (place / "set" / "olivine" / "5.png").chmod(0)
    ran = run_as_a_user("check", "set")
    assert ran.returncode == 1  # at such a file DVC would stop
    assert "'olivine/5.png' can't be read (Permission denied)" in ran.stdout
    page = (place / "check.html").read_text(encoding="utf-8")
    assert page.count("unreadable: Permission denied") == 2
