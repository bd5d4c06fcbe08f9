"""What the real dvc.yaml names: modules, parameters and files."""

import pytest
import yaml

from imports import imported_modules
from tiny import TOP

DVC_YAML = yaml.safe_load((TOP / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = DVC_YAML["stages"]
PARAMS = yaml.safe_load((TOP / "params.yaml").read_text(encoding="utf-8"))
# the leakage stage trains a baseline; learning_curve trains any family
MODULE_OF = {"fcnn": "fcnn", "resnet": "resnet", "baseline": "baselines", "leakage": "baselines"}
FAMILY_MODULES = {f"src/thinsection/models/{module}.py" for module in MODULE_OF.values()}
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
