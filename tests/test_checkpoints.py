"""A killed training goes on as if nothing had happened; what a checkpoint must not be trusted with."""

import inspect
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
import yaml

from conftest import photo_table
from systems import NEEDS_POSIX
from thinsection.base.tables import FOLDS, PHOTOS, write_table
from thinsection.dataset.folds import Fold, assign_folds
from thinsection.dataset.packed import Dataset, Variants, write_packed
from thinsection.learning import checkpoints
from thinsection.learning.checkpoints import CHECKPOINTS, Checkpoint, key_of
from thinsection.learning.examples.augment import stored_variants
from thinsection.learning.examples.examples import Examples
from thinsection.learning.examples.features import Features, write_features
from thinsection.params import Params, params_of
from tiny import TOP, tiny_params

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess  # Windows lacks it

RUNS = {"fcnn": "3", "resnet": "18"}
KILLS = 3


# ---- a project that holds what the stage fit reads


def small_params() -> dict[str, Any]:
    """Long enough to be killed in the middle of: some tens of epochs, or some steps."""
    params = tiny_params()
    params["fcnn"] |= {"epochs": 60, "patience": 60, "batch_size": 4}
    params["resnet"] |= {"epochs": 2, "height": 16, "width": 24, "batch_size": 4}
    params["compute"] |= {"checkpoint_s": 0.2}
    return params


def write_project(folder: Path, params: dict[str, Any]) -> None:
    """Photos, variants and folds as the stages before leave them."""
    (folder / "data" / "ingested").mkdir(parents=True)
    (folder / "data/features/pixels").mkdir(parents=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    rng = np.random.default_rng(3)
    table = photo_table(["basalt", "chalk"] * 12, [f"g{i // 3}" for i in range(24)])
    pixels = rng.integers(0, 256, (24, 16, 24, 3)).astype(np.uint8)
    write_packed(folder / "data/ingested/pixels.npy", pixels.shape, [pixels])
    write_table(table, folder / "data/ingested/photos.csv", PHOTOS)
    settings = params_of(params)
    chunks, _ = stored_variants(pixels, list(table["photo_id"]), settings.augment, 1, seed=0)
    variants = Variants(np.concatenate(list(chunks)), np.arange(24))
    place = folder / "data/features/pixels"
    photos = Dataset(pixels, table)
    pixels_, embedding = settings.pixels, settings.embedding
    write_features(
        "pixels",
        photos,
        variants,
        place,
        asked="photos and variants",
        pixels=pixels_,
        embedding=embedding,
    )
    folds = assign_folds(table, "grouped", 2, 1, seed=0)
    write_table(folds, folder / "data/folds.csv", FOLDS)


def fit(folder: Path, family: str) -> None:
    """What `python stages/fit.py` does, in a process that has PyTorch loaded."""
    import runpy

    os.chdir(folder)
    log = os.open("log.txt", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = ["fit.py", family, RUNS[family]]
    runpy.run_path(str(TOP / "stages" / "fit.py"), run_name="__main__")


def started(folder: Path, family: str) -> "ForkServerProcess":
    context = get_context("forkserver")
    context.set_forkserver_preload(["preloaded", "test_checkpoints"])
    process = context.Process(target=fit, args=(folder, family))
    with pytest.MonkeyPatch.context() as patch:
        # what is to be loaded is found by this alone, before Python 3.13
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        process.start()
    return process


def results(folder: Path, family: str) -> dict[str, bytes]:
    files = (folder / "data" / "runs" / family / RUNS[family]).iterdir()
    return {file.name: file.read_bytes() for file in files}


@NEEDS_POSIX
@pytest.mark.parametrize("family", RUNS)
def test_a_killed_run_ends_with_the_same_bytes(family: str, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        write_project(folder, small_params())
    undisturbed = started(whole, family)
    undisturbed.join()
    assert undisturbed.exitcode == 0, (whole / "log.txt").read_text()

    rng = np.random.default_rng(11)
    checkpoint = killed / CHECKPOINTS / f"{family}-{RUNS[family]}.pt"
    for _ in range(KILLS):
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        process = started(killed, family)
        while process.is_alive() and (
            not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before
        ):
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3))  # past a new checkpoint, at any point of the next one
        process.kill()
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL, (killed / "log.txt").read_text()
    last = started(killed, family)
    last.join()
    assert last.exitcode == 0, (killed / "log.txt").read_text()
    assert "training continues from this checkpoint" in (killed / "log.txt").read_text()
    assert results(killed, family) == results(whole, family)
    assert not checkpoint.exists()


@NEEDS_POSIX
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_told_run_stops_within_seconds_and_without_a_traceback(
    told: signal.Signals, tmp_path: Path
) -> None:
    params = small_params()
    params["fcnn"] |= {"epochs": 1_000_000, "patience": 1_000_000}
    write_project(tmp_path, params)
    env = os.environ | {"PYTHONPATH": str(TOP / "src")}
    command = [sys.executable, str(TOP / "stages/fit.py"), "fcnn", "3"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    while not (tmp_path / CHECKPOINTS / "fcnn-3.pt").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(told)
    _, said = process.communicate(timeout=5)
    assert process.returncode == 128 + told
    assert said.decode() == f"stopped by {told.name}\n"
    assert not (tmp_path / "data" / "runs").exists()


# ---- the file


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    state: dict[str, Any] = {
        "n": 3,
        "loss": float("inf"),
        "weights": torch.arange(4.0),
        "rows": [{"a": 1.5}, None],
    }
    Checkpoint(tmp_path / "a.pt", "key").save(state)
    kept = Checkpoint(tmp_path / "a.pt", "key").load()
    assert torch.equal(kept.pop("weights"), state.pop("weights"))
    assert kept == state
    assert Checkpoint(tmp_path / "none.pt", "key").load() == {}


def test_a_checkpoint_is_written_no_more_often_than_wanted(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path / "a.pt", "key", every_s=0).due()
    assert not Checkpoint(tmp_path / "a.pt", "key", every_s=60).due()
    assert not Checkpoint(None).due()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # one bit, amid the weights
    path.write_bytes(content)


def _executing(path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
            return (os.mkdir, (str(path.with_name("executed")),))

    torch.save({"key": "key", "state": Trap()}, path)


SPOILT: dict[str, Callable[[Path], object]] = {
    "damaged": _flip,
    "can't be read": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "can't be read (BadZipFile": lambda path: path.write_bytes(b"nonsense"),
    "can't be read (UnpicklingError": _executing,
    "other parameters, code or data": lambda path: Checkpoint(path, "another").save({"n": 1}),
}


@pytest.mark.parametrize("problem", SPOILT)
def test_a_spoilt_or_foreign_checkpoint_is_set_aside_and_said_so(
    problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.pt"
    Checkpoint(path, "key").save({"weights": torch.zeros(1000)})
    SPOILT[problem](path)
    spoilt = path.read_bytes()
    assert Checkpoint(path, "key").load() == {}
    assert problem in capsys.readouterr().err
    assert not path.exists()
    assert (tmp_path / "a.set-aside").read_bytes() == spoilt
    assert not (tmp_path / "executed").exists()


@NEEDS_POSIX
def test_a_full_disk_leaves_the_last_good_checkpoint(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # a limit on the size of files stands for a full disk: the writer fails in the middle
    import resource

    path = tmp_path / "a.pt"
    Checkpoint(path, "key").save({"n": 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        Checkpoint(path, "key").save({"weights": torch.zeros(1_000_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "a.pt can't be written" in capfd.readouterr().err
    assert Checkpoint(path, "key").load() == {"n": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def keyed(easy_photos: Dataset, tiny: Params) -> Callable[..., str]:
    features = Features(np.ones((48, 5), np.float32), np.r_[:24, :24])
    folds = [Fold(0, 0, np.arange(12), np.arange(12, 24))]

    def key(
        family: str = "fcnn",
        params: Params = tiny,
        photos: Dataset = easy_photos,
        features: Features = features,
        folds: list[Fold] = folds,
    ) -> str:
        examples = Examples(photos, features)
        return key_of(f"{family}-18", params.fit_settings(family), examples, folds)

    return key


def test_the_key_tells_all_that_results_depend_on(
    keyed: Callable[..., str], tiny: Params, easy_photos: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(section: str, **entries: object) -> Params:
        settings = getattr(tiny, section).model_copy(update=entries)
        return tiny.model_copy(update={section: settings})

    brighter = easy_photos.pixels.copy()
    brighter[-1, -1, -1, -1] ^= 1
    relabelled = easy_photos.photos.assign(label=easy_photos.table["label"].to_numpy()[::-1])
    fewer = [Fold(0, 0, np.arange(11), np.arange(12, 24))]
    others = [
        keyed("resnet"),
        keyed(params=changed("fcnn", learning_rate=0.1)),
        keyed(params=changed("augment", zoom=0.2)),
        keyed(params=changed("compute", threads=2)),
        keyed(params=tiny.model_copy(update={"seed": 1})),
        keyed(photos=Dataset(brighter, easy_photos.photos)),
        keyed(photos=Dataset(easy_photos.pixels, relabelled)),
        keyed(features=Features(np.zeros((48, 5), np.float32), np.r_[:24, :24])),
        keyed(features=Features(np.ones((48, 5), np.float32), np.r_[:24, 24:0:-1])),
        keyed(folds=fewer),
    ]
    same = [
        keyed(),
        keyed(params=changed("fcnn", hidden_layers=[7])),
        keyed(params=changed("resnet", epochs=99)),
        keyed(params=changed("compute", checkpoint_s=7.0, dvclive=True)),
    ]
    assert set(same) == {keyed()}
    assert len({keyed(), *others}) == 1 + len(others)
    module = Path(inspect.getfile(checkpoints))
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda p: read(p) + b"#" * (p == module))
    assert keyed() != same[0]
