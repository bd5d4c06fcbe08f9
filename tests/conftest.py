"""Small photos and settings whose answers are known."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import yaml
from threadpoolctl import threadpool_limits

from synthetic_runs import run_stage, synthetic_params, write_study
from thinsection.console.stage import SPINS
from thinsection.dataset.packed import Dataset
from thinsection.params import Params, params_of
from tiny import TOP, tiny_params

if TYPE_CHECKING:
    from serving import Client

# The files that take longest begin first, so that no worker waits for another at the end.
LONGEST = (
    "test_pipeline.py",
    "test_few_specimens_whole.py",
    "test_final.py",
    "test_network.py",
    "test_watched.py",
    "test_transfer.py",
    "test_new_family.py",
    "test_checkpoints.py",
    "test_flag_of_models.py",
    "test_report.py",
    "test_report_names.py",
    "test_models.py",
)


def pytest_configure() -> None:
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # before PyTorch is loaded, as a stage does
    if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "sched_setaffinity"):
        _keep_to_own_cores()


def _keep_to_own_cores() -> None:
    """
    Give each worker of pytest-xdist, and what it starts, its share of the cores.

    Otherwise each would have a thread on every core, which wait for those of the others.
    """
    cores = sorted(os.sched_getaffinity(0))
    worker = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    own = cores[worker % len(cores) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]
    os.sched_setaffinity(0, own)
    threadpool_limits(len(own))  # for NumPy, which has counted the cores already


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: n for n, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture
def tiny() -> Params:
    """The settings of the pipeline's smallest run."""
    return params_of(tiny_params())


@pytest.fixture
def changed_params(tmp_path: Path) -> Callable[..., Path]:
    """A function: the default params.yaml with some entries changed, written to a file."""

    def change(**entries: object) -> Path:
        raw = yaml.safe_load((TOP / "params.yaml").read_text(encoding="utf-8"))
        for key, value in entries.items():
            *sections, last = key.split("__")
            place = raw
            for section in sections:
                place = place[section]
            if value is None:
                del place[last]
            else:
                place[last] = value
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")
        return path

    return change


def photo_table(labels: list[str], groups: list[str] | None = None) -> pd.DataFrame:
    """photos.csv for photos named p000, p001, ..., each a group of its own unless said."""
    ids = [f"p{i:03}" for i in range(len(labels))]
    empty = [""] * len(ids)
    return pd.DataFrame(
        {
            "photo_id": ids,
            "file": ids,
            "label": labels,
            "specimen": empty,
            "grain": empty,
            "sample": ids,
            "light": empty,
            "angle": np.nan,
            "group": groups or ids,
            "width": 24,
            "height": 16,
            "sha256": ids,
        }
    )


@pytest.fixture
def easy_photos() -> Dataset:
    """24 photos of 16 x 24: dark ones labelled basalt, bright ones chalk, in eight groups."""
    rng = np.random.default_rng(3)
    labels = ["basalt", "chalk"] * 12
    level = np.where(np.array(labels) == "basalt", 60, 190)
    pixels = level[:, None, None, None] + rng.integers(-25, 25, (24, 16, 24, 3))
    groups = [f"g{i // 3}" for i in range(24)]
    return Dataset(pixels.astype(np.uint8), photo_table(labels, groups))


@pytest.fixture(scope="session")
def study_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with synthetic runs of every classifier on 60 photos, to be copied."""
    root = tmp_path_factory.mktemp("template")
    params = synthetic_params()
    write_study(root, params)
    (root / "params.yaml").write_text(yaml.safe_dump(params.model_dump(mode="json")))
    shutil.copytree(TOP / "data/paper", root / "data/paper")
    return root


@pytest.fixture
def study_folder(study_template: Path, tmp_path: Path) -> Path:
    """The same, to be spoilt."""
    return shutil.copytree(study_template, tmp_path / "study")


@pytest.fixture(scope="session")
def compared(study_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after the stage aggregate."""
    root = shutil.copytree(study_template, tmp_path_factory.mktemp("project") / "study")
    run_stage(root, "aggregate")
    return root


@pytest.fixture(scope="session")
def project(compared: Path) -> Path:
    """The same after the stage report too."""
    run_stage(compared, "report")
    return compared


@pytest.fixture
def not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made but not drawn: most of the time of a page."""
    from thinsection.report import drawing  # with matplotlib, which few tests need

    monkeypatch.setattr(drawing, "save", lambda figure, folder, name: "data:,")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Client"]:
    """A client of a page that nothing is kept on."""
    from serving import serving  # with Flask and its server, which few tests need

    with serving(tmp_path_factory.mktemp("serve") / "corrections") as client:
        yield client
