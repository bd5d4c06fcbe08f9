"""The real dvc.yaml at work: what runs again after which change, what can be had back."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from dvc.repo import Repo
from PIL import Image

from forked_python import forked_python
from tiny import TOP, tiny_params

# what stands behind the runs, and so follows every change of one
FOLLOWERS = {"best", "learning_curve", "aggregate", "final", "report"}


class Project:
    """A copy of the project's code with small photos and tiny parameters."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        ignored = shutil.ignore_patterns(
            ".git",
            ".venv",
            "data",
            "metrics",
            "reports",
            "scratch",
            "dvc.lock",
            "cache",
            "tmp",
            ".*_cache",
            "docs",
        )
        shutil.copytree(TOP, self.folder, ignore=ignored)
        shutil.copytree(TOP / "data" / "paper", self.folder / "data" / "paper")
        shutil.copy(TOP / "data/environment.json", self.folder / "data")
        self.env = os.environ | {
            "DVC_NO_ANALYTICS": "1",
            "PYTHONPATH": str(self.folder / "src"),
            "PATH": os.pathsep.join(
                [str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "DVC_SITE_CACHE_DIR": str(folder / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(folder / "config"),
        }
        self.put_back()
        self.run("git", "init", "--quiet")
        (self.folder / "photos").mkdir()
        _write_photos(self.folder / "photos")

    def put_back(self) -> None:
        """The parameters of the first run."""
        self.params = tiny_params()
        self.params["dataset"]["path"] = "photos"
        self.params["render"] |= {"specimens": 2, "fields": 1, "width": 64, "height": 48}
        self.write_params()

    def change(self, section: str, **entries: Any) -> None:
        """Parameters of a section; ``put_back`` undoes it."""
        self.params[section] |= entries
        self.write_params()

    def write_params(self) -> None:
        text = yaml.safe_dump(self.params, sort_keys=False)
        (self.folder / "params.yaml").write_text(text, encoding="utf-8")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True
        )

    @contextmanager
    def repo(self) -> Iterator[Repo]:
        """The project as DVC sees it, in this process: DVC's start takes longer than its answers."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR"):
                patch.setenv(name, self.env[name])
            patch.chdir(self.folder)
            with Repo() as repo:
                yield repo

    def repro(self, *arguments: str) -> list[str]:
        """Names of the stages whose commands ran."""
        ran = self.run(sys.executable, "-m", "dvc", "repro", *arguments)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return [
            line.split("'")[1]
            for line in ran.stdout.splitlines()
            if line.startswith("Running stage")
        ]

    def changed(self) -> set[str]:
        """
        Names of the stages whose parameters, code or other inputs changed since they ran.

        ``dvc repro`` would run these, and of the others at most those behind them.
        """
        with self.repo() as repo:
            told = repo.status()
        # the pipelines of pretrain/ and study/ never ran here
        return {name for name in told if not name.startswith(("pretrain", "study"))}

    def fails(self, *arguments: str) -> str:
        """What `dvc repro` says when it stops."""
        ran = self.run(sys.executable, "-m", "dvc", "repro", *arguments)
        assert ran.returncode != 0, ran.stdout
        return ran.stdout + ran.stderr

    def outs(self) -> dict[str, str]:
        """Hashes of the outputs of the stages that dvc.yaml names with these parameters."""
        lock = yaml.safe_load((self.folder / "dvc.lock").read_text(encoding="utf-8"))
        with self.repo() as repo:
            named = {stage.addressing for stage in repo.index.stages}
        stages = [entry for name, entry in lock["stages"].items() if name in named]
        return {out["path"]: out["md5"] for stage in stages for out in stage["outs"]}


def _write_photos(folder: Path, n: int = 8) -> None:
    rng = np.random.default_rng(0)
    for label, level in (("basalt", 60), ("chalk", 190)):
        (folder / label).mkdir(parents=True)
        for i in range(n):
            # broad patches: photos that differ as photos do, not in noise alone
            patches = rng.integers(-50, 50, (4, 6, 3)) + level
            photo = Image.fromarray(patches.clip(0, 255).astype(np.uint8)).resize((60, 40))
            photo.save(folder / label / f"{label}_{i}.png")


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("pipeline")
    (folder / "bin").mkdir()
    with forked_python(folder / "bin"):
        project = Project(folder)
        project.repro()
        yield project


@pytest.fixture
def project(run_once: Project) -> Project:
    """One project, run once, with the parameters of that run."""
    run_once.put_back()
    return run_once


def models_of(project: Project) -> str:
    return (project.folder / "metrics/tables/models.csv").read_text(encoding="utf-8")


def test_nothing_runs_twice(project: Project) -> None:
    assert project.repro() == []


@pytest.mark.parametrize("left", [0, 3000], ids=["empty", "cut short"])
def test_a_dvc_lock_that_was_being_written_is_told_and_had_back(
    project: Project, left: int
) -> None:
    lock = project.folder / "dvc.lock"
    whole, outs = lock.read_bytes(), project.outs()
    content = yaml.safe_load(whole)
    del content["stages"]["fcnn@2"], content["stages"]["aggregate"]  # run since the last commit
    lock.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    project.run("git", "add", "dvc.lock")
    lock.write_bytes(whole[:left])
    told = project.run(sys.executable, "-c", "from thinsection.cli import main; main()", "params")
    assert told.returncode == 1
    assert told.stderr.startswith(f"ERROR: dvc.lock is {'cut short' if left else 'empty'}: ")
    assert "Run `git checkout dvc.lock` and then `dvc repro`" in told.stderr
    assert project.run("git", "checkout", "dvc.lock").returncode == 0
    assert project.repro() == ["aggregate"]  # trains nothing; its tables are in no cache
    assert project.outs() == outs


def test_one_more_depth_trains_that_depth_alone(project: Project) -> None:
    project.change("fcnn", hidden_layers=[2, 3, 1])
    assert project.changed() - FOLLOWERS == {"params", "fcnn@1"}


def test_a_baseline_s_own_parameter_runs_that_baseline_alone(project: Project) -> None:
    tree = project.params["baselines"]["decision_tree"]
    project.change("baselines", decision_tree=tree | {"min_leaf": 3})
    assert project.changed() - FOLLOWERS == {"params", "baseline@decision_tree"}


def test_a_new_metric_retrains_nothing(project: Project) -> None:
    metrics = project.folder / "src" / "thinsection" / "evidence" / "metrics.py"
    before = metrics.read_text(encoding="utf-8")
    metrics.write_text(before + "\n\ndef another_metric():\n    return 1\n", encoding="utf-8")
    try:
        changed = project.changed()
    finally:
        metrics.write_text(before, encoding="utf-8")
    # none of a run, and none that stands before the runs, where a new output would train them again
    assert changed == {"average@transfer", "best", "aggregate", "final", "report"}


def test_a_change_of_the_width_runs_the_fcnns_and_what_follows_alone(project: Project) -> None:
    before = project.outs()
    project.change("fcnn", width=8, hidden_layers=[2, 3, 1])
    ran = set(project.repro("report"))  # all but the final fit, which has nothing to add here
    assert ran - FOLLOWERS == {"params", "fcnn@1", "fcnn@2", "fcnn@3"}
    assert {"aggregate", "report"} <= ran
    assert "fcnn-1" in models_of(project)
    # and going back restores the networks from the cache without training
    project.put_back()
    assert not [stage for stage in project.repro("report") if "@" in stage]
    assert project.outs() == before
    # and leaves nothing of the depth that is named no more
    assert "fcnn-1" not in models_of(project)
    assert not (project.folder / "data" / "runs" / "fcnn" / "1").exists()


# ---- what stops, last: it leaves the project with stages to be run again


def test_a_final_model_that_can_not_be_made_costs_no_report(project: Project) -> None:
    script, page = project.folder / "stages/final.py", project.folder / "reports/report.html"
    before = script.read_text(encoding="utf-8"), page.read_bytes()
    script.write_text("raise SystemExit('can not be exported')\n", encoding="utf-8")
    project.change("evidence", confidence=0.8)  # for which a new report is due
    try:
        said = project.fails()
    finally:
        script.write_text(before[0], encoding="utf-8")
    assert "can not be exported" in said
    assert page.read_bytes() != before[1]


def test_a_wrong_parameter_stops_before_anything_runs(project: Project) -> None:
    project.change("fcnn", widht=100)
    project.params["seed"] = 5
    project.write_params()
    said = project.fails()
    assert "fcnn.widht is not a known key. Did you mean width?" in said
    assert "Traceback" not in said
    assert "Running stage 'params'" in said
    assert "Running stage 'split'" not in said


@pytest.mark.parametrize(
    ("stage", "section", "entries", "message"),
    [
        ("split", "split", {"folds": 9}, "class basalt has 8 photos, fewer than split.folds = 9"),
        ("resnet@18", "resnet", {"weights": "none.pth"}, "'none.pth': no such file. Give the path"),
        ("fcnn@2", "fcnn", {"learning_rate": 1e30}, "the training loss is nan at learning rate"),
    ],
)
def test_what_can_not_be_trained_says_so_and_leaves_nothing_half_written(
    project: Project, stage: str, section: str, entries: dict[str, Any], message: str
) -> None:
    project.change(section, **entries)
    said = project.fails(stage)
    assert message in said
    assert "Traceback" not in said
    assert not list(project.folder.rglob("*.partial"))
