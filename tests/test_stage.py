"""How a stage ends when it is told to: soon, with its workers, and without a traceback."""

import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from systems import NEEDS_POSIX
from thinsection.base.workers import worker_processes
from tiny import TOP

STAGE = """
import hashlib
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from thinsection.base.workers import worker_processes
from thinsection.console.stage import run

forking = partial(ProcessPoolExecutor, mp_context=get_context("fork"))


def work(number):
    Path(f"{os.getpid()}.at_work").touch()
    time.sleep(60)


def main(way):
    Path(f"{os.getpid()}.at_work").touch()
    if way == "long step":  # returns to Python, where signals are looked at, after minutes
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)
    else:  # ours, or a library's that forks
        with worker_processes(2) if way == "ours" else forking(2) as pool:
            list(pool.map(work, range(2)))


if __name__ == "__main__":
    run(main)
"""


def started(folder: Path, way: str) -> subprocess.Popen[str]:
    (folder / "stage.py").write_text(STAGE, encoding="utf-8")
    env = os.environ | {"PYTHONPATH": str(TOP / "src")}
    process = subprocess.Popen(
        [sys.executable, "stage.py", way], cwd=folder, env=env, stderr=subprocess.PIPE, text=True
    )
    while len(at_work(folder)) < (1 if way == "long step" else 3):
        assert process.poll() is None
        time.sleep(0.05)
    return process


def at_work(folder: Path) -> list[int]:
    return [int(file.stem) for file in folder.glob("*.at_work")]


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def assert_gone_within(seconds: float, pids: list[int]) -> None:
    until = time.monotonic() + seconds
    while any(running(pid) for pid in pids):
        assert time.monotonic() < until, "still running"
        time.sleep(0.05)


@NEEDS_POSIX
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("way", ["fork", "ours"])
def test_a_told_stage_ends_with_its_workers(way: str, told: signal.Signals, tmp_path: Path) -> None:
    process = started(tmp_path, way)
    process.send_signal(told)
    _, said = process.communicate(timeout=5)
    assert process.returncode == 128 + told
    assert said == f"stopped by {told.name}\n"
    assert_gone_within(1, at_work(tmp_path))


@NEEDS_POSIX
def test_a_step_that_takes_minutes_is_not_waited_for(tmp_path: Path) -> None:
    process = started(tmp_path, "long step")
    process.terminate()
    process.communicate(timeout=5)
    assert process.returncode == 143


@NEEDS_POSIX
def test_a_stage_whose_dvc_was_killed_ends_too(tmp_path: Path) -> None:
    (tmp_path / "stage.py").write_text(STAGE, encoding="utf-8")
    env = os.environ | {"PYTHONPATH": str(TOP / "src"), "DVC_STAGE": "any"}
    # a process that starts the stage and waits, as dvc does
    parent = subprocess.Popen(
        [sys.executable, "-c", "import subprocess as s, sys; s.run([sys.executable, 'stage.py', 'ours'])"],
        cwd=tmp_path,
        env=env,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while len(at_work(tmp_path)) < 3:
        assert parent.poll() is None
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    assert_gone_within(5, at_work(tmp_path))


def test_threads_of_a_stage_soon_sleep_unless_told_otherwise() -> None:
    script = "import os; from thinsection.console.stage import run; "
    script += "run(lambda: print(os.environ['GOMP_SPINCOUNT']))"
    env = {k: v for k, v in os.environ.items() if k != "GOMP_SPINCOUNT"}
    env["PYTHONPATH"] = str(TOP / "src")
    command = [sys.executable, "-c", script]
    assert subprocess.check_output(command, env=env, text=True) == "20000\n"
    env["GOMP_SPINCOUNT"] = "7"
    assert subprocess.check_output(command, env=env, text=True) == "7\n"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_freed_memory_is_kept_for_the_next_step() -> None:
    code = """
import resource
import numpy as np
from thinsection.console.stage import run

def faults() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(32 << 20, np.uint8)  # 8192 pages, if the system has to fill them
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def main() -> None:
    first, *later = [faults() for _ in range(3)]
    print(first > 100, max(later) < 50)

run(main)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "True True\n"


def test_workers_are_no_forks_and_drop_what_none_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork", raising=False)
    with pytest.raises(ZeroDivisionError), worker_processes(1) as pool:
        jobs = [pool.submit(time.sleep, 0.1) for _ in range(20)]
        jobs[0].result()
        raise ZeroDivisionError
    assert jobs[-1].cancelled()
