"""What runs where names of POSIX are missing, as on Windows, and output is not UTF-8."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ingesting import save, texture
from modelling import make_model
from thinsection.console.memory import peak_mb
from thinsection.families.run import Run
from tiny import TOP, tiny_params

# Python reads it at every start, also of workers
WITHOUT_POSIX = """
import os, signal, sys
for name in (
    "fork", "forkpty", "pread", "pwrite", "sched_getaffinity", "set_blocking",
    "mkfifo", "killpg", "getpgid", "setsid",
):
    vars(os).pop(name, None)
for name in ("SIGKILL", "SIGALRM", "SIGHUP", "setitimer", "set_wakeup_fd", "pthread_kill"):
    vars(signal).pop(name, None)
for name in ("resource", "fcntl", "pwd", "grp", "termios"):
    sys.modules[name] = None
"""
# Stages one after the other in one process: each start would load PyTorch again. Of forks PyTorch
# asks the platform's name, not the module os, so this name goes after it is loaded.
RUN = """
import multiprocessing, os, runpy, sys

if __name__ == "__main__":
    import torch
    if not hasattr(os, "fork"):
        del os.register_at_fork
    multiprocessing.set_start_method("spawn")
    for words in ("params", "ingest", "split", "augment", "features pixels", "fit fcnn 2"):
        name, *arguments = words.split()
        sys.argv = [name, *arguments]
        runpy.run_path(f"STAGES/{name}.py", run_name="__main__")
    from thinsection.cli import app
    app(["predict", "photos/olivine", "--model", "model", "--csv", "named.csv"], standalone_mode=False)
"""


def run_in(folder: Path, *python: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(TOP / "src")])}
    return subprocess.run(
        [sys.executable, *python],
        cwd=folder,
        env=env | environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )


def made_in(folder: Path) -> dict[str, bytes]:
    files = [*folder.glob("data/**/*.*"), folder / "named.csv"]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_ingest_train_and_predict_without_posix_give_the_same_bytes(tmp_path: Path) -> None:
    make_model(tmp_path / "model", Run("fcnn", "2"))
    for number in range(132):  # more than are read without workers
        label = ("olivine", "quartz")[number % 2]
        save(texture(number, 32, 48), tmp_path / "photos" / label / f"{number:03}.png")
    params = tiny_params()
    params["dataset"] |= {"path": "photos"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    (tmp_path / "run.py").write_text(RUN.replace("STAGES", (TOP / "stages").as_posix()))

    def outcome() -> dict[str, bytes]:
        ran = run_in(tmp_path, "run.py")
        assert ran.returncode == 0, ran.stderr
        return made_in(tmp_path)

    with_all = outcome()
    assert {"data/ingested/pixels.npy", "data/runs/fcnn/2/predictions.csv", "named.csv"} <= {
        *with_all
    }
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_POSIX, encoding="utf-8")
    gone = run_in(tmp_path, "-c", "import os, resource")
    assert "ModuleNotFoundError" in gone.stderr  # the names are indeed not there
    assert outcome() == with_all


def test_the_peak_of_memory_is_known_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    held = bytearray(64 << 20)
    held[::4096] = b"x" * len(held[::4096])  # touched, so that it is there
    before = peak_mb()
    del held
    assert 64 < before <= peak_mb() < 100_000
    monkeypatch.setitem(sys.modules, "resource", None)
    assert 0 < peak_mb() <= 1.1 * before  # what is held now, where the system knows no peak


def test_what_8_bits_can_not_encode_is_shown_as_an_escape(tmp_path: Path) -> None:
    name = "\u77f3\u82f1"
    said = run_in(
        tmp_path,
        *("-c", "from thinsection.cli import main; main()", "params", name),
        PYTHONIOENCODING="cp1252",
        PYTHONUTF8="0",
    )
    assert said.returncode == 1
    assert "\\u77f3\\u82f1" in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("pipeline", sorted(path.as_posix() for path in TOP.glob("**/dvc.yaml")))
def test_commands_of_stages_are_words_that_every_shell_reads_alike(pipeline: str) -> None:
    stages = yaml.safe_load(Path(pipeline).read_text(encoding="utf-8"))["stages"]
    for stage in stages.values():
        command = stage.get("do", stage)["cmd"]
        assert re.fullmatch(r"python [\w/]+\.py( [\w/]+| \$\{[\w.]+\})*", command), command


def test_files_have_names_that_every_system_allows() -> None:
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=TOP, encoding="utf-8")
    names = listed.split("\0")
    assert [name for name in names if re.search(r'[<>:"\\|?*]|[. ](/|$)', name)] == []
    assert len({name.casefold() for name in names}) == len(names)
