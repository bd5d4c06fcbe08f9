"""``thinsection init`` and ``thinsection upgrade``: study folders beside the installed package."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from packaging.version import Version
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from thinsection import __version__
from thinsection.base.errors import InputError
from thinsection.base.files import write_json, writing, writing_folder
from thinsection.base.places import ENVIRONMENT
from thinsection.console.installed import INSTALLED, VERSION
from thinsection.params import PARAMS_FILE
from thinsection.setup.template import COPIED, PLOTS, SOURCE, code_files, parameters, pipeline

PIPELINE = Path("dvc.yaml")
IGNORED_BY_GIT = "/data/*\n!/data/environment.json\n!/data/paper\n/models\n/reports\n/corrections\n/scratch\n*.partial\n"
IGNORED_BY_DVC = "*.partial\n/scratch\n"
DVC_CONFIG = """\
[core]
    analytics = false
    check_update = false
[plots]
    html_template = plots/offline.html
"""
README = """\
# A study with thinsection

- `params.yaml`: all settings. Most studies change `dataset.path` alone.
- `thinsection check PHOTOS`: what is in a folder of photos, and what would spoil a comparison.
- `thinsection params`: what will run, how long it takes, how much memory it needs.
- `thinsection repro`: the whole comparison. Then open `reports/report.html`.
- `thinsection models`: the ranking; `--format latex` for a paper.
- `thinsection predict NEW_PHOTOS`: the final model, `models/final`, on new photos.
- `thinsection upgrade`: after the package was upgraded.

Commit `params.yaml`, `dvc.yaml`, `dvc.lock`, `installed` and `metrics` with git: they are the study.
"""
MOST_CHANGED = """\
# Every number that a result depends on. `thinsection params` explains and checks this file. Most studies
# change a few lines: dataset.path, and where file names tell specimens dataset.specimen_pattern;
# split.folds and split.repeats; and which classifiers take part: fcnn.hidden_layers, resnet.depths.
# `render` is for demo photos alone.
"""


@dataclass(frozen=True)
class Renewed:
    """
    What an upgrade changed.

    Attributes
    ----------
    old : the version before
    added, removed : keys of params.yaml, such as ``resnet.precision``
    code : parts of the program that are others now, such as ``families.fcnn``
    """

    old: str
    added: list[str]
    removed: list[str]
    code: list[str]


def init(study: Path, photos: Path | None = None) -> None:
    """
    Make a study folder: settings, pipeline, git and DVC.

    Raises
    ------
    InputError
        If the folder has anything in it or lies in another repository, if there are no such photos,
        or git is not installed.
    """
    _check_place(study)
    if photos is not None and not photos.exists():
        raise InputError(f"--photos: {photos} doesn't exist. Correct the path, or leave it out.")
    text = MOST_CHANGED + "\n" + parameters().partition("\n\n")[2]
    if photos is not None:
        text = _with_photos(text, photos, study)
    with writing_folder(study) as folder:
        _fill(folder, text)


def _fill(folder: Path, settings: str) -> None:
    _run(folder, "git", "init", "--quiet")
    _run(folder, sys.executable, "-m", "dvc", "init", "--quiet")
    _write(folder / ".dvc/config", DVC_CONFIG)
    _write(folder / ".dvcignore", IGNORED_BY_DVC)
    _write(folder / ".gitignore", IGNORED_BY_GIT)
    _write(folder / "README.md", README)
    _write(folder / PARAMS_FILE, settings)
    write_json({}, folder / ENVIRONMENT)
    _write_pipeline(folder)
    _run(folder, "git", "add", "--all")
    subprocess.run(  # whoever has not told git a name commits later
        ["git", "commit", "--quiet", "--message", f"A study with thinsection {__version__}"],
        cwd=folder,
        capture_output=True,
        check=False,
    )


def upgrade(study: Path = Path()) -> Renewed:
    """
    Renew a study folder for the installed version: its pipeline, and new settings with their defaults.

    Values and comments of the user stay.

    Raises
    ------
    InputError
        If this is no study folder, or one of a newer version.
    """
    file = study / INSTALLED / VERSION
    if not file.is_file():
        raise InputError(
            f"{study.resolve()} is no study folder: it has no {INSTALLED / VERSION}. Change to one, or make "
            "one with `thinsection init my-study`. A clone of the repository is upgraded with `git pull`."
        )
    old = file.read_text(encoding="utf-8").partition("\n")[0]
    if Version(old) > Version(__version__):
        raise InputError(
            f"This study was made with thinsection {old}, and {__version__} is installed. Upgrade the package: "
            "`pipx upgrade thinsection`, `uv tool upgrade thinsection` or `pip install --upgrade thinsection`."
        )
    before = {path.name: path.read_text(encoding="utf-8") for path in file.parent.glob("*.txt")}
    added, removed = _renew_parameters(study / PARAMS_FILE)
    _write_pipeline(study)
    changed = [name for name, text in code_files().items() if before.get(name) != text]
    return Renewed(
        old,
        added,
        removed,
        sorted(name.removesuffix(".txt") for name in changed if name != VERSION),
    )


def is_study(folder: Path = Path()) -> bool:
    """Whether a folder was made by ``init``."""
    return (folder / INSTALLED / VERSION).is_file()


def _check_place(study: Path) -> None:
    if shutil.which("git") is None:
        raise InputError(
            "git is not installed, and DVC needs it. Install it from your system's packages."
        )
    if study.exists() and (not study.is_dir() or any(study.iterdir())):
        raise InputError(
            f"{study} exists and is not empty. Name a new folder; a study of an older version is renewed by "
            "`thinsection upgrade` in its folder."
        )
    here = study.resolve()
    above = next(
        (each for each in here.parents if (each / ".git").exists() or (each / ".dvc").is_dir()),
        None,
    )
    if above is not None:
        raise InputError(
            f"{here} lies in the repository {above}, and a study is a repository of its own. Name a folder "
            f"outside of it, such as {above.parent / study.name}."
        )


def _with_photos(text: str, photos: Path, study: Path) -> str:
    """params.yaml with the photos, by a path relative to the study."""
    try:
        path = Path(os.path.relpath(photos, study)).as_posix()
    except ValueError:  # on another drive of Windows
        path = photos.resolve().as_posix()
    yaml = _round_trip()
    content = yaml.load(text)
    content["dataset"]["path"] = path
    return _dumped(yaml, content)


def _write_pipeline(study: Path) -> None:
    """What belongs to the version: dvc.yaml, hashes of the code, tables of the paper, plots."""
    for name in (*COPIED, *PLOTS):
        (study / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOURCE / name, study / name)
    installed = study / INSTALLED
    installed.mkdir(exist_ok=True)
    files = code_files()
    for path in installed.glob("*.txt"):
        if path.name not in files:
            path.unlink()
    _write(study / PIPELINE, pipeline())
    version = files.pop(VERSION)
    for name, text in files.items():
        _write(installed / name, text)
    _write(installed / VERSION, version)  # last: until then, it is of the old version


def _renew_parameters(path: Path) -> tuple[list[str], list[str]]:
    """Add what the file lacks of the package's settings, and take away what these don't know."""
    yaml = _round_trip()
    own = yaml.load(path.read_text(encoding="utf-8"))
    new = yaml.load(parameters())
    added, removed = _merged(own, new, "")
    if added or removed:
        _write(path, _dumped(yaml, own))
    return added, removed


def _merged(own: CommentedMap, new: CommentedMap, above: str) -> tuple[list[str], list[str]]:
    """Change ``own`` in place; returns the keys that were added, and those that were removed."""
    added: list[str] = []
    removed: list[str] = []
    for key in [key for key in own if key not in new]:
        removed.append(f"{above}{key}")
        del own[key]
    for place, (key, value) in enumerate(new.items()):
        if key not in own:
            added.append(f"{above}{key}")
            own.insert(min(place, len(own)), key, value)
            if key in new.ca.items:
                own.ca.items[key] = new.ca.items[key]
        elif value and isinstance(value, CommentedMap) and isinstance(own[key], CommentedMap):
            more, less = _merged(own[key], value, f"{above}{key}.")
            added += more
            removed += less
    return added, removed


def _round_trip() -> YAML:
    """A reader and writer that keeps comments, quotes and the way numbers are written."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1000

    def null(representer: Any, _: None) -> Any:
        return representer.represent_scalar("tag:yaml.org,2002:null", "null")

    yaml.representer.add_representer(type(None), null)
    return yaml


def _dumped(yaml: YAML, content: CommentedMap) -> str:
    text = StringIO()
    yaml.dump(content, text)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    with writing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
