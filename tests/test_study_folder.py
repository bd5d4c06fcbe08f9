"""A study folder on the installed package: made and renewed (check_reproducible.py runs one)."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import thinsection
from ingesting import two_classes
from thinsection.base.errors import InputError
from thinsection.console import installed
from thinsection.console.installed import check_installed
from thinsection.params import load_params
from thinsection.setup import template
from thinsection.setup.folder import init, upgrade
from tiny import TOP


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("studies")
    init(top / "study", two_classes(top / "photos"))
    return top / "study"


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Path:
    """A copy without git and DVC, which an upgrade doesn't need."""
    for name in ("params.yaml", "dvc.yaml", "installed/version.txt", "installed/learning.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((made / name).read_bytes())
    return tmp_path


def edited(path: Path, change: Callable[[str], str]) -> None:
    old = path.read_text(encoding="utf-8")
    new = change(old)
    assert new != old
    path.write_text(new, encoding="utf-8")


def test_its_settings_are_the_repositorys_but_for_the_photos(made: Path) -> None:
    own, ours = load_params(made / "params.yaml"), load_params(TOP / "params.yaml")
    assert own.dataset.path == "../photos"
    dataset = own.dataset.model_copy(update={"path": ours.dataset.path})
    assert own.model_copy(update={"dataset": dataset}).model_dump() == ours.model_dump()
    lines = (TOP / "params.yaml").read_text(encoding="utf-8").splitlines()[3:]
    kept = (made / "params.yaml").read_text(encoding="utf-8").splitlines()
    changed = [line for line in lines if line and line not in kept]
    assert [line.split(":")[0] for line in changed] == [
        "  path"
    ]  # every other line and comment stays


def test_its_pipeline_is_the_repositorys_with_hashes_for_code(made: Path) -> None:
    ours = yaml.safe_load((TOP / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    own = yaml.safe_load((made / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert list(own) == list(ours)
    for name, stage in ours.items():
        assert own[name]["cmd"] == re.sub(
            r"python stages/(\w+).py", r"thinsection stage \1", stage["cmd"]
        )
        assert own[name].get("params") == stage.get("params")
        assert len(own[name]["deps"]) == len(stage["deps"])
        code = [dep for dep in own[name]["deps"] if dep.startswith("installed/")]
        assert len(code) == sum(dep.startswith(("src/", "stages/")) for dep in stage["deps"])
        assert all((made / dep).stat().st_size for dep in code)
    assert "python" not in (made / "dvc.yaml").read_text(encoding="utf-8")


def test_git_and_dvc_are_set_up(made: Path) -> None:
    status = subprocess.run(["dvc", "status", "params"], cwd=made, capture_output=True, text=True)
    assert "changed outs" in status.stdout, status.stderr  # DVC reads it, and nothing was run
    changed = subprocess.check_output(["git", "status", "--porcelain"], cwd=made, text=True)
    committed = not changed.strip()
    assert committed or {line[:2] for line in changed.splitlines()} == {"A "}  # git knows no user


def test_a_place_that_is_taken_is_refused_and_left_alone(made: Path, tmp_path: Path) -> None:
    before = sorted(made.rglob("*"))
    with pytest.raises(InputError, match=r"study exists and is not empty. Name a new folder"):
        init(made)
    with pytest.raises(InputError, match=r"lies in the repository .*study, and a study is"):
        init(made / "inner")
    with pytest.raises(InputError, match=r"--photos: .*nowhere doesn't exist"):
        init(tmp_path / "new", tmp_path / "nowhere")
    assert sorted(made.rglob("*")) == before
    assert not (tmp_path / "new").exists()


def test_without_git_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="git is not installed"):
        init(tmp_path / "study")


def test_an_upgrade_adds_settings_and_keeps_values_and_comments(study: Path) -> None:
    params = study / "params.yaml"
    edited(params, lambda text: re.sub(r"  precision: .*\n", "", text, count=1))
    edited(params, lambda text: text.replace("pixels: #", "old: 1\npixels: # ours:"))
    edited(params, lambda text: text.replace("  folds: 3", "  folds: 5 # as in the thesis"))
    edited(params, lambda text: text.replace("labels: {}", "labels: {Ol: olivine}"))
    edited(study / "installed/version.txt", lambda text: "0.0.9\n" + text.partition("\n")[2])
    edited(study / "installed/learning.txt", lambda text: text[64:])
    renewed = upgrade(study)
    assert renewed.old == "0.0.9"
    assert renewed.added == ["resnet.precision"]
    assert renewed.removed == ["old"]
    # the other files of hashes were missing in this copy
    assert {"learning", "families.resnet"} <= set(renewed.code)
    text = params.read_text(encoding="utf-8")
    assert "  folds: 5 # as in the thesis\n" in text
    assert "  precision: float32 # float32 | bfloat16" in text
    assert "pixels: # ours:" in text
    own = load_params(params)
    assert own.dataset.labels == {"Ol": "olivine"}
    assert own.split.folds == 5
    again = upgrade(study)
    assert (again.added, again.removed, again.code) == ([], [], [])
    assert params.read_text(encoding="utf-8") == text


def test_a_study_of_another_version_runs_no_stage(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_installed(study)
    monkeypatch.setattr(installed, "__version__", "0.9.0")
    with pytest.raises(
        InputError, match=r"set up for thinsection .* and 0.9.0 is installed. Run `thins"
    ):
        check_installed(study)
    monkeypatch.undo()
    edited(study / "installed/version.txt", lambda text: text[:-3] + "\n")
    with pytest.raises(InputError, match=r"is installed, whose code has changed since. Run"):
        check_installed(study)


def test_a_study_of_a_newer_version_and_no_study_are_refused(study: Path, tmp_path: Path) -> None:
    edited(study / "installed/version.txt", lambda text: "99.1\n" + text.partition("\n")[2])
    before = (study / "dvc.yaml").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"made with thinsection 99.1, and .*pipx upgrade"):
        upgrade(study)
    assert (study / "dvc.yaml").read_text(encoding="utf-8") == before
    with pytest.raises(InputError, match="is no study folder: it has no installed"):
        upgrade(tmp_path / "elsewhere")


def test_files_of_hashes_change_with_the_code_that_they_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = template.code_files()
    assert before["version.txt"].startswith(f"{thinsection.__version__}\n")
    package = tmp_path / "thinsection"
    source = TOP / "src/thinsection"
    for path in source.rglob("*.py"):
        copy = package / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(template, "PACKAGE", package)
    same = template.code_files()
    edited(package / "learning/examples/augment.py", lambda text: text + "# edited\n")
    after = template.code_files()
    changed = {name for name in after if after[name] != same[name]}
    assert changed == {"learning.txt", "learning.examples.txt"}
