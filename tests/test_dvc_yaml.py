"""What the real dvc.yaml names: rooms, parameters and files."""

import ast
import re
from typing import Any

import pytest
import yaml

from imports import imported_modules
from thinsection.families import FAMILIES
from tiny import TOP

DVC_YAML = yaml.safe_load((TOP / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = DVC_YAML["stages"]
PARAMS = yaml.safe_load((TOP / "params.yaml").read_text(encoding="utf-8"))
KINDS = STAGES["features"]["matrix"]["kind"]
PACKAGE = "src/thinsection/"

# No result can depend on what these say: the version, how far a stage is and how long it will
# take, and how params.yaml is read, whose values DVC watches by themselves (test_params.py: nothing
# is converted).
NO_RESULT_DEPENDS_ON = ("__init__.py", "console/", "forecast/", "params.py", "settings.py")
# which families there are, which a stage that trains one of them needn't know
INDEX = ("families/__init__.py", "families/family.py", "families/run.py")
# the stages that train classifiers of one family, and the family's key
TRAINED = [key for key, family in FAMILIES.items() if family.exported_as != "mean"]
TRAINS = {name: name for name in TRAINED} | {"leakage": "baseline"}


def path_of_family(key: str) -> str:
    """The folder or file that holds a family."""
    name = FAMILIES[key].module.removeprefix("thinsection.families.").split(".")[0]
    folder = f"{PACKAGE}families/{name}"
    return folder if (TOP / folder).is_dir() else f"{folder}.py"


# what families of scikit-learn's classifiers share: an edit retrains these alone
SHARED = f"{PACKAGE}families/scikit_learn.py"
INNER_ROOMS = [f"{PACKAGE}learning/examples", SHARED, *map(path_of_family, FAMILIES)]


def own_code(stage: str) -> set[str]:
    """Every module that running the stage may import and that its result may depend on."""
    ignored = [f"{PACKAGE}{name}" for name in NO_RESULT_DEPENDS_ON]
    if stage == "params":
        ignored = [f"{PACKAGE}{name}" for name in ("__init__.py", "console/", "forecast/")]
    if stage in TRAINS:
        ignored += [f"{PACKAGE}{name}" for name in INDEX]
        ignored += [path_of_family(key) for key in FAMILIES if key != TRAINS[stage]]
    roots = [TOP / STAGES[stage]["cmd"].split()[1]]
    if stage in TRAINS:  # its family, which the index names in a string
        family = TOP / path_of_family(TRAINS[stage])
        roots += [family] if family.is_file() else sorted(family.rglob("*.py"))
    return imported_modules(roots, lambda path: path.startswith(tuple(ignored))) | {
        root.relative_to(TOP).as_posix() for root in roots[1:]
    }


def room_of(module: str) -> str:
    """
    The innermost room that a module lies in: a folder of the package, or one of ``INNER_ROOMS``.

    Of the families each is a room, so that an edit of one retrains no other.
    """
    inner = [room for room in INNER_ROOMS if f"{module}/".startswith(f"{room}/")]
    return inner[0] if inner else PACKAGE + module.removeprefix(PACKAGE).split("/")[0]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_names_the_rooms_that_it_imports_and_no_others(stage: str) -> None:
    # a package's __init__ that holds a docstring alone: to pass through it is not to enter the room
    entered = {room_of(m) for m in own_code(stage) if not _holds_a_docstring_alone(m)}
    named = {dep for dep in STAGES[stage]["deps"] if dep.startswith(PACKAGE)}
    covered = {name: {r for r in entered if f"{r}/".startswith(f"{name}/")} for name in named}
    assert sorted(entered - set().union(*covered.values())) == []
    # a room that isn't entered would run the stage again for nothing, and so would an outer room
    # where a single inner one is
    assert [name for name, rooms in covered.items() if not rooms] == []
    assert [n for n, rooms in covered.items() if n not in rooms and len(rooms) == 1] == []
    assert STAGES[stage]["cmd"].split()[1] in STAGES[stage]["deps"]


def _holds_a_docstring_alone(module: str) -> bool:
    if not module.endswith("/__init__.py"):
        return False
    return len(ast.parse((TOP / module).read_text(encoding="utf-8")).body) == 1


def test_no_stage_depends_on_what_only_people_see() -> None:
    for name, stage in STAGES.items():
        named = [dep.removeprefix(PACKAGE) for dep in stage["deps"]]
        assert not [dep for dep in named if f"{dep}/".startswith("console/")], name
        if name != "params":
            assert not {"params.py", "settings.py"} & set(named), name


def test_an_edit_of_a_family_retrains_no_other() -> None:
    for key in TRAINED:
        others = {path_of_family(other) for other in FAMILIES if other != key}
        deps = STAGES[key]["deps"]
        assert path_of_family(key) in deps
        assert not [dep for dep in deps if any(o == dep or o.startswith(f"{dep}/") for o in others)]


def test_every_family_has_a_stage_and_a_section() -> None:
    for key, family in FAMILIES.items():
        script = f"fit.py {key}" if key in TRAINED else f"{key}.py"
        assert STAGES[key]["cmd"].startswith(f"python stages/{script} ")
        runs = family.settings.RUN_LIST
        assert list(STAGES[key]["matrix"].values()) == [f"${{{family.section}.{runs}}}"]
        assert set(PARAMS[family.section]) == set(family.settings.model_fields)


def test_every_named_parameter_and_file_exists() -> None:
    made = {out for stage in STAGES.values() for out in _paths(stage)}
    made |= {out.replace("${item.kind}", kind) for out in made for kind in KINDS}
    for name, stage in STAGES.items():
        for key in stage.get("params", []):
            place = PARAMS
            for part in _with_an_item(key, stage).split("."):
                assert part in place, f"{name} names {key}"
                place = place[part]
        for dep in stage["deps"]:
            dep = _with_an_item(dep, stage)
            is_made = any(
                f"{out}/".startswith(f"{dep}/") or f"{dep}/".startswith(f"{out}/") for out in made
            )
            assert is_made or (TOP / dep).exists(), f"{name}: {dep}"


def _with_an_item(text: str, stage: dict[str, Any]) -> str:
    """A path or key as it reads for the first item of a matrix, and with params.yaml's values."""

    def value(match: re.Match[str]) -> str:
        if match[1] != "item":
            return str(PARAMS[match[1]][match[2]])
        items = stage["matrix"][match[2]]
        if isinstance(items, str):  # a list of params.yaml
            section, key = items.strip("${}").split(".")
            items = PARAMS[section][key]
        return str(items[0])

    return re.sub(r"\$\{(\w+)\.(\w+)\}", value, text)


def test_a_change_of_any_result_parameter_is_noticed_by_a_stage() -> None:
    named = [key for stage in STAGES.values() for key in stage.get("params", [])]
    lists = {f"{f.section}.{f.settings.RUN_LIST}" for f in FAMILIES.values()}
    for section, entries in PARAMS.items():
        keys = [f"{section}.{e}" for e in entries] if isinstance(entries, dict) else [section]
        for key in keys:
            if section == "compute":  # the machine, not the science
                assert key not in named
                continue
            wide = key.replace(f"{key.split('.')[-1]}", "${item.model}")
            assert key in named or section in named or key in lists or wide in named, key


def _paths(stage: dict[str, Any]) -> list[str]:
    outs = [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]
    return [next(iter(out)) if isinstance(out, dict) else out for out in outs]
