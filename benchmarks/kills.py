"""
Ten kills of an FCNN and ten of a ResNet, each through `dvc repro`: the same bytes in the end?

    python benchmarks/kills.py [kills]

In two clones with tiny photos: one is left alone; the other is killed (SIGKILL to `dvc` alone, then to
all it started, in turns) at random moments after its newest checkpoint, and started again, until it
ends. Then how long SIGTERM and Ctrl-C take, and whether anything is left running.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests"))

from tiny import tiny_params  # noqa: E402

STAGES = {"fcnn@2": "fcnn-2.pt", "resnet@18": "resnet-18.pt"}


def clone(folder: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", TOP, folder], check=True)
    params = tiny_params()
    params["fcnn"] |= {"hidden_layers": [2], "epochs": 1500, "patience": 1500, "batch_size": 8}
    params["resnet"] |= {"epochs": 30, "batch_size": 4}
    params["compute"]["checkpoint_s"] = 0.2
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    return folder


def repro(folder: Path, stage: str) -> subprocess.Popen:
    env = os.environ | {
        "PYTHONPATH": str(folder / "src"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder.parent / f"{folder.name}-site"),
    }
    command = [sys.executable, "-m", "dvc", "repro", stage]
    with (folder / "log.txt").open("a") as log:
        return subprocess.Popen(
            command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True
        )


def still_running(process: subprocess.Popen) -> bool:
    """Whether anything of the session that ``repro`` started is left."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for_checkpoint(process: subprocess.Popen, checkpoint: Path) -> None:
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
    while process.poll() is None:
        if checkpoint.exists() and checkpoint.stat().st_mtime_ns != before:
            return
        time.sleep(0.02)


def kill(process: subprocess.Popen, all_of_it: bool) -> None:
    (os.killpg if all_of_it else os.kill)(process.pid, signal.SIGKILL)
    process.wait()
    while still_running(process):  # what dvc started looks whether dvc lives
        time.sleep(0.05)


def outputs(folder: Path, stage: str) -> dict[str, bytes]:
    run = folder / "data" / "runs" / stage.replace("@", "/")
    return {file.name: file.read_bytes() for file in run.iterdir()}


def main(kills: int = 10) -> None:
    rng = random.Random(2021)
    with tempfile.TemporaryDirectory() as name:
        whole, killed = (clone(Path(name) / each) for each in ("whole", "killed"))
        for stage, file in STAGES.items():
            started = time.monotonic()
            assert repro(whole, stage).wait() == 0, (whole / "log.txt").read_text()
            alone = time.monotonic() - started
            checkpoint = killed / "scratch" / "checkpoints" / file
            n = 0
            while n < kills:
                process = repro(killed, stage)
                wait_for_checkpoint(process, checkpoint)
                time.sleep(rng.uniform(0, 0.5))
                if process.poll() is not None:
                    break
                kill(process, all_of_it=n % 2 == 0)
                n += 1
            assert repro(killed, stage).wait() == 0, (killed / "log.txt").read_text()
            same = outputs(whole, stage) == outputs(killed, stage)
            print(
                f"{stage}: {n} kills, {'the same bytes' if same else 'OTHER BYTES'} in "
                f"{', '.join(sorted(outputs(whole, stage)))} (undisturbed {alone:.0f} s)"
            )
        how_fast_it_stops(whole)


def how_fast_it_stops(folder: Path) -> None:
    for told in (signal.SIGTERM, signal.SIGINT):
        path = folder / "params.yaml"
        params = yaml.safe_load(path.read_text(encoding="utf-8"))
        params["fcnn"]["learning_rate"] *= 0.9  # something to train again
        path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
        process = repro(folder, "fcnn@2")
        wait_for_checkpoint(process, folder / "scratch" / "checkpoints" / "fcnn-2.pt")
        started = time.monotonic()
        # a terminal sends Ctrl-C to all; kill sends SIGTERM to dvc alone
        (os.killpg if told == signal.SIGINT else os.kill)(process.pid, told)
        process.wait()
        while still_running(process):
            time.sleep(0.02)
        print(f"{told.name}: all stopped after {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
