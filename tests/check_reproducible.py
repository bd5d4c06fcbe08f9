"""
Proof that a result can be had again: two fresh clones, a tiny run in each, equal hashes.

Every output that dvc.lock names must have the same hash in both, and so must every file of
metrics/. Says which differ and exits with 1 if any do.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from tiny import TOP, tiny_params


def main() -> None:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        # side by side, for each uses one core; they share no file but what pip installed
        first, second = pool.map(_run_clone, [Path(folder) / "first", Path(folder) / "second"])
    differing = [key for key in sorted(first | second) if first.get(key) != second.get(key)]
    seconds = round(time.monotonic() - started)
    if differing:
        sys.exit("not reproducible, these outputs differ:\n  " + "\n  ".join(differing))
    print(f"reproducible: {len(first)} outputs of two runs have equal hashes ({seconds} s)")


def _run_clone(clone: Path) -> dict[str, str]:
    """Hash of every output of a tiny run in a fresh clone, by stage and path."""
    subprocess.run(["git", "clone", "--quiet", TOP, clone], check=True)
    text = yaml.safe_dump(tiny_params(), sort_keys=False)
    (clone / "params.yaml").write_text(text, encoding="utf-8")
    # the committed one names stages that the tiny parameters don't have
    (clone / "dvc.lock").unlink()
    own = {
        "PYTHONPATH": str(clone / "src"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(clone.parent / f"{clone.name}-site"),
    }
    command = [sys.executable, "-m", "dvc", "repro", "--force"]
    said = None if clone.name == "first" else subprocess.DEVNULL  # the second says the same
    subprocess.run(command, cwd=clone, env=os.environ | own, check=True, stdout=said)
    lock = yaml.safe_load((clone / "dvc.lock").read_text(encoding="utf-8"))
    return {
        f"{stage} {out['path']}": out["md5"]
        for stage, entry in lock["stages"].items()
        for out in entry.get("outs", [])
    }


if __name__ == "__main__":
    main()
