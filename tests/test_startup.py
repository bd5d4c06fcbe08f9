"""What is loaded before any work (PyTorch takes seconds), and that loading changes nothing else."""

import json
import os
import subprocess
import sys

from tiny import TOP

# whose scripts load none of the heavy libraries; of the others none loads PyTorch, which reads as it
# is loaded what console.stage.run says about its threads
OTHERS = ["augment", "learning_curve", "final", "report"]
STAGES = ["params", "render", "ingest", "split", "features", "fit", "best", "leakage", "aggregate"]
# One process for all, since each start costs seconds: the first stage that loads one of these
# brings it for all after it.
LOADS = f"""
import json, runpy, sys
from thinsection.console import stage
stage.run = lambda main: None
found = {{}}
for name in {STAGES}:
    runpy.run_path(f"stages/{{name}}.py", run_name="__main__")
    if name == "fit":
        from thinsection.families import FAMILIES
        FAMILIES["baseline"].fit_folds()
    found[name] = sorted({{"torch", "sklearn", "skimage", "matplotlib"}} & set(sys.modules))
for name in {OTHERS}:
    runpy.run_path(f"stages/{{name}}.py", run_name="__main__")
    found[name] = sorted({{"torch"}} & set(sys.modules))
print(json.dumps(found))
"""

# Other packages set variables and filters as they are loaded. So ours are loaded twice, the second
# time with all else in place, and only what that time changes is ours.
IMPORTS = """
import importlib, logging, os, pkgutil, sys, warnings

def load_ours():
    import thinsection
    for module in pkgutil.walk_packages(thinsection.__path__, "thinsection."):
        importlib.import_module(module.name)

def of_the_process():
    root = logging.getLogger()
    return [
        dict(os.environ), list(warnings.filters), root.level, list(root.handlers),
        logging.root.manager.disable, os.getcwd(), sys.path[:],
    ]

untouched = dict(os.environ)
load_ours()
for name in [name for name in sys.modules if name.partition(".")[0] == "thinsection"]:
    del sys.modules[name]
os.environ.clear()
os.environ.update(untouched)
warnings.resetwarnings()
before = of_the_process()
load_ours()
assert len([name for name in sys.modules if name.startswith("thinsection.")]) > 100
for old, new in zip(before, of_the_process()):
    assert old == new, (old, new)
"""


def test_importing_the_package_changes_nothing_of_the_process() -> None:
    env = os.environ | {"PYTHONPATH": str(TOP / "src")}
    env.pop("GOMP_SPINCOUNT", None)
    ran = subprocess.run([sys.executable, "-c", IMPORTS], env=env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_no_stage_loads_pytorch_before_its_time() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOADS],
        cwd=TOP,
        env=os.environ | {"PYTHONPATH": str(TOP / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout) == {name: [] for name in [*STAGES, *OTHERS]}
