"""The real dvc.yaml: what it names, what runs again after which change, what can be had back."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from imports import imported_modules
from tiny import TOP, tiny_params

DVC_YAML = yaml.safe_load((TOP / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = DVC_YAML["stages"]
PARAMS = yaml.safe_load((TOP / "params.yaml").read_text(encoding="utf-8"))
# the leakage stage trains a baseline; learning_curve trains any family
MODULE_OF = {"fcnn": "fcnn", "resnet": "resnet", "baseline": "baselines", "leakage": "baselines"}
FAMILY_MODULES = {f"src/thinsection/models/{module}.py" for module in MODULE_OF.values()}
# what stands behind the runs, and so follows every change of one
FOLLOWERS = {"best", "learning_curve", "aggregate", "final", "report"}
NOT_CODE = {"src/thinsection/__init__.py"}  # the version; results don't depend on it


@pytest.mark.parametrize("stage", STAGES)
def test_every_module_that_a_stage_imports_is_among_its_deps(stage):
    script = STAGES[stage]["cmd"].split()[1]
    own = {f"src/thinsection/models/{MODULE_OF.get(stage)}.py"}
    siblings = FAMILY_MODULES - own if stage in MODULE_OF else set()
    imported = imported_modules(TOP / script, frozenset(NOT_CODE | siblings)) | {script}
    deps = STAGES[stage]["deps"]
    named = {m for m in imported if any(m == dep or m.startswith(f"{dep}/") for dep in deps)}
    assert sorted(imported - named) == []
    # and no module is named that isn't imported: editing it would train again for nothing
    unused = [
        dep
        for dep in deps
        if dep.startswith(("src/", "stages/"))
        and not any(m == dep or m.startswith(f"{dep}/") for m in imported)
    ]
    assert unused == []


def test_every_named_parameter_and_file_exists():
    made = {out for stage in STAGES.values() for out in _paths(stage)}
    for name, stage in STAGES.items():
        for key in stage.get("params", []):
            place = PARAMS
            for part in (
                key.replace("${item.model}", "svm")
                .replace("${evidence.leakage_model}", "svm")
                .split(".")
            ):
                assert part in place, f"{name} names {key}"
                place = place[part]
        for dep in stage["deps"]:
            is_made = any(out == dep or out.startswith(f"{dep}/") for out in made)
            assert is_made or dep == "${dataset.path}" or (TOP / dep).exists(), f"{name}: {dep}"


def test_a_change_of_any_result_parameter_is_noticed_by_a_stage():
    named = [key for stage in STAGES.values() for key in stage.get("params", [])]
    lists = {"fcnn.hidden_layers", "resnet.depths", "baselines.models"}
    for section, entries in PARAMS.items():
        keys = [f"{section}.{e}" for e in entries] if isinstance(entries, dict) else [section]
        for key in keys:
            if section == "compute":  # the machine, not the science
                assert key not in named
                continue
            wide = key.replace(f"{key.split('.')[-1]}", "${item.model}")
            assert key in named or section in named or key in lists or wide in named, key


def _paths(stage: dict) -> list[str]:
    outs = [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]
    return [next(iter(out)) if isinstance(out, dict) else out for out in outs]


# ---- a project of its own, run with tiny parameters on photos that are made here ----


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
        self.env = os.environ | {
            "DVC_NO_ANALYTICS": "1",
            "PYTHONPATH": str(self.folder / "src"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "DVC_SITE_CACHE_DIR": str(folder / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(folder / "config"),
        }
        self.params = tiny_params()
        self.params["dataset"]["path"] = "photos"
        self.params["render"] |= {"specimens": 2, "fields": 1, "width": 64, "height": 48}
        self.write_params()
        self.run("git", "init", "--quiet")
        (self.folder / "photos").mkdir()
        _write_photos(self.folder / "photos")

    def write_params(self) -> None:
        text = yaml.safe_dump(self.params, sort_keys=False)
        (self.folder / "params.yaml").write_text(text, encoding="utf-8")

    def run(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True
        )

    def repro(self, *arguments: str) -> list[str]:
        """Names of the stages whose commands ran."""
        ran = self.run(sys.executable, "-m", "dvc", "repro", *arguments)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return [
            line.split("'")[1]
            for line in ran.stdout.splitlines()
            if line.startswith("Running stage")
        ]

    def fails(self) -> str:
        """What `dvc repro` says when it stops."""
        ran = self.run(sys.executable, "-m", "dvc", "repro")
        assert ran.returncode != 0, ran.stdout
        return ran.stdout + ran.stderr

    def outs(self) -> dict[str, str]:
        lock = yaml.safe_load((self.folder / "dvc.lock").read_text(encoding="utf-8"))
        return {out["path"]: out["md5"] for s in lock["stages"].values() for out in s["outs"]}


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
def project(tmp_path_factory) -> Project:
    """One project, run once; the tests below change it and put it back."""
    project = Project(tmp_path_factory.mktemp("pipeline"))
    project.repro()
    return project


def with_change(project: Project, change: Callable[[dict], None]) -> list[str]:
    """Stages that run after a change of the parameters; the parameters are then put back."""
    before = yaml.safe_dump(project.params)
    change(project.params)
    project.write_params()
    try:
        return project.repro()
    finally:
        project.params = yaml.safe_load(before)
        project.write_params()


def test_nothing_runs_twice(project):
    assert project.repro() == []


def test_a_change_of_the_width_runs_the_fcnns_and_what_follows_alone(project):
    before = project.outs()
    ran = with_change(project, lambda params: params["fcnn"].update(width=8))
    assert set(ran) - FOLLOWERS == {"params", "fcnn@2", "fcnn@3"}
    assert {"aggregate", "report"} <= set(ran)
    # and going back restores the networks from the cache without training
    assert not [stage for stage in project.repro() if "@" in stage]
    assert project.outs() == before


def test_one_more_depth_trains_that_depth_alone(project):
    ran = with_change(project, lambda params: params["fcnn"].update(hidden_layers=[2, 3, 1]))
    assert set(ran) - FOLLOWERS == {"params", "fcnn@1"}
    models = (project.folder / "metrics" / "models.csv").read_text(encoding="utf-8")
    assert "fcnn-1" in models
    project.repro()
    models = (project.folder / "metrics" / "models.csv").read_text(encoding="utf-8")
    assert "fcnn-1" not in models
    assert not (project.folder / "data" / "runs" / "fcnn" / "1").exists()


def test_a_new_metric_retrains_nothing(project):
    metrics = project.folder / "src" / "thinsection" / "metrics.py"
    before = metrics.read_text(encoding="utf-8")
    metrics.write_text(before + "\n\ndef another_metric():\n    return 1\n", encoding="utf-8")
    try:
        ran = project.repro()
    finally:
        metrics.write_text(before, encoding="utf-8")
    assert not [stage for stage in ran if "@" in stage or stage in ("ingest", "split", "augment")]
    assert "aggregate" in ran
    project.repro()


def test_a_baseline_s_own_parameter_runs_that_baseline_alone(project):
    ran = with_change(
        project, lambda params: params["baselines"]["decision_tree"].update(min_leaf=3)
    )
    assert set(ran) - FOLLOWERS == {"params", "baseline@decision_tree"}
    project.repro()


def test_the_whole_again_gives_equal_hashes(project):
    before = project.outs()
    ran = project.repro("--force")
    assert "resnet@18" in ran
    assert project.outs() == before


def test_a_wrong_parameter_stops_before_anything_runs(project):
    before = yaml.safe_dump(project.params)
    project.params["fcnn"]["widht"] = 100
    project.params["seed"] = 5
    project.write_params()
    try:
        said = project.fails()
        assert "fcnn.widht is not a known key. Did you mean width?" in said
        assert "Traceback" not in said
        assert "Running stage 'params'" in said
        assert "Running stage 'split'" not in said
    finally:
        project.params = yaml.safe_load(before)
        project.write_params()
        project.repro()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda p: p["split"].update(folds=9),
            "class basalt has 8 photos, fewer than split.folds = 9",
        ),
        (
            lambda p: p["resnet"].update(weights="none.pth"),
            "'none.pth': no such file. Allowed: none",
        ),
        (
            lambda p: p["fcnn"].update(learning_rate=1e30),
            "the training loss is nan at learning rate",
        ),
    ],
)
def test_what_can_not_be_trained_says_so_and_leaves_nothing_half_written(project, change, message):
    before = yaml.safe_dump(project.params)
    change(project.params)
    project.write_params()
    try:
        said = project.fails()
        assert message in said
        assert "Traceback" not in said
        assert not list(project.folder.rglob("*.partial"))
    finally:
        project.params = yaml.safe_load(before)
        project.write_params()
        project.repro()
