"""What workflows, containers and packages say of the project, and the scripts that they call."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

import thinsection
from tiny import TOP

PYPROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]


def ran(script: str, *arguments: str, at: Path = TOP) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(at / ".ci" / script), *arguments]
    return subprocess.run(command, cwd=at, capture_output=True, encoding="utf-8")


def copied(folder: Path) -> Path:
    for name in (".ci", "src/thinsection/__init__.py", "CITATION.cff", "CHANGELOG.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, folder / name)
        else:
            shutil.copy(TOP / name, folder / name)
    return folder


def test_a_release_needs_one_version_everywhere(tmp_path: Path) -> None:
    tag = f"v{thinsection.__version__}"
    assert ran("check_tag.py", tag).returncode == 0
    wrong = ran("check_tag.py", f"{tag}.1")
    assert wrong.returncode == 1
    assert f"{tag}.1 is not the version in these files" in wrong.stderr
    top = copied(tmp_path)
    (top / "CITATION.cff").write_text("version: 0.0.1\n", encoding="utf-8")
    one = ran("check_tag.py", tag, at=top)
    assert one.returncode == 1
    assert one.stderr.splitlines()[1:] == ["  CITATION.cff: 0.0.1"]


def test_a_pull_request_is_told_what_it_changes(tmp_path: Path) -> None:
    top = copied(tmp_path)

    def call(*words: str) -> None:
        subprocess.run(words, cwd=top, check=True, capture_output=True)

    author = ("-c", "user.name=a", "-c", "user.email=a@b")
    (top / "params.yaml").write_text("epochs: 3\n", encoding="utf-8")
    call("git", "init", "-q")
    call(sys.executable, "-m", "dvc", "init", "-q")
    call("git", "add", "-A")
    call("git", *author, "commit", "-qm", "first")
    (top / "params.yaml").write_text("epochs: 5\n", encoding="utf-8")
    said = ran("changes.py", "HEAD", at=top)
    assert said.returncode == 0, said.stderr
    assert "Parameters: 1 changed" in said.stdout
    assert re.search(r"\| params.yaml +\| epochs +\| 3 +\| 5 +\|", said.stdout)
    assert "Metrics: none changed." in said.stdout
    unknown = ran("changes.py", "no-such-version", at=top)
    assert unknown.returncode == 1
    assert "dvc params diff no-such-version:" in unknown.stderr


def test_workflows_call_scripts_and_targets_that_exist() -> None:
    targets = re.findall(r"^([\w-]+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.M)
    called = []
    for path in (TOP / ".github/workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            called += [step["run"] for step in job["steps"] if "run" in step]
    scripts = {name for run in called for name in re.findall(r"python (\S+\.py)", run)}
    made = {
        name
        for run in called
        for words in re.findall(r"^make (.+)$", run, re.M)
        for name in words.split()
    }
    assert scripts == {".ci/changes.py", ".ci/check_tag.py"}
    assert [name for name in scripts if not (TOP / name).is_file()] == []
    assert made
    assert made <= set(targets)


def test_every_python_that_is_allowed_is_tried() -> None:
    workflow = (TOP / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    tried = yaml.safe_load(workflow)["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert f">={tried[0]}" == PROJECT["requires-python"]
    assert {"3.11", "3.12", "3.13", "3.14"} <= {*tried}


def test_the_conda_recipe_asks_for_what_prediction_needs() -> None:
    recipe = yaml.safe_load((TOP / "conda/recipe.yaml").read_text(encoding="utf-8"))
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["predict"]]
    asked = [run.replace(" ", "") for run in recipe["requirements"]["run"]]
    assert asked[0] == "python>=${{python_min}}"
    assert sorted(asked[1:]) == sorted(wanted)
    builders = {run.replace(" ", "") for run in recipe["requirements"]["host"]}
    assert {*PYPROJECT["build-system"]["requires"]} <= builders
    assert recipe["context"]["version"] == thinsection.__version__
