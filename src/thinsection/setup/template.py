"""What a study folder is made from: the repository's own pipeline, as the package carries it."""

import re

from thinsection.console.installed import INSTALLED, PACKAGE, VERSION, hashes_of, version_and_code

CARRIED = PACKAGE / "setup/carried"  # in an installed package: see pyproject.toml
SOURCE = CARRIED if CARRIED.is_dir() else PACKAGE.parents[1]  # else this is a clone
STAGES = SOURCE / "stages"
COPIED = ("data/paper/table1.csv", "data/paper/table2.csv", "data/paper/table3.csv")
PLOTS = (
    ".dvc/plots/lines_by_family.json",
    ".dvc/plots/lines_by_model.json",
    ".dvc/plots/offline.html",
)
CODE = re.compile(r"^( +- )(?:src/thinsection|(stages))/([\w/]+?)(?:\.py)?$", re.MULTILINE)
COMMAND = re.compile(r"^( +cmd: )python stages/(\w+)\.py", re.MULTILINE)
HEADER = """\
# The stages, in the order of data flow, on the installed package: made by `thinsection init`, renewed
# by `thinsection upgrade`. Each stage names the parts of the program that its result depends on;
# installed/ has their hashes, so that a new version repeats only what it changes.

"""


def pipeline() -> str:
    """
    The dvc.yaml of a study folder, from the repository's.

    A dependency on code, such as ``src/thinsection/families/fcnn`` or ``stages/fit.py``, becomes one
    on a file of hashes, ``installed/families.fcnn.txt`` or ``installed/stages.fit.txt``.
    """
    text = (SOURCE / "dvc.yaml").read_text(encoding="utf-8")
    text = HEADER + text[text.index("stages:\n") :]
    text = COMMAND.sub(r"\1thinsection stage \2", text)
    return CODE.sub(
        lambda found: f"{found[1]}{INSTALLED.as_posix()}/{_room(*found.groups()[1:])}", text
    )


def parameters() -> str:
    """The params.yaml of the package, with its comments."""
    return (SOURCE / "params.yaml").read_text(encoding="utf-8")


def code_files() -> dict[str, str]:
    """Name of each file of ``installed/`` -> its content: the hashes of a part of the program."""
    text = (SOURCE / "dvc.yaml").read_text(encoding="utf-8")
    files = {VERSION: version_and_code()}
    for _, of_stages, name in CODE.findall(text):
        within = STAGES if of_stages else PACKAGE
        path = within / name
        found = hashes_of(path if path.is_dir() else path.with_suffix(".py"), within)
        lines = [f"{value}  {file}\n" for file, value in found.items()]
        files[_room(of_stages, name)] = "".join(lines)
    return files


def _room(of_stages: str | None, name: str) -> str:
    parts = [of_stages] * bool(of_stages) + name.split("/")
    return f"{'.'.join(str(part) for part in parts)}.txt"
