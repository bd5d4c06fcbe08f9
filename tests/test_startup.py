"""What a stage loads before it works: PyTorch takes seconds, so only those load it that use it."""

import json
import os
import subprocess
import sys

from tiny import TOP

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
print(json.dumps(found))
"""


def test_stages_that_train_no_network_load_no_pytorch():
    ran = subprocess.run(
        [sys.executable, "-c", LOADS],
        cwd=TOP,
        env=os.environ | {"PYTHONPATH": str(TOP / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout) == {name: [] for name in STAGES}
