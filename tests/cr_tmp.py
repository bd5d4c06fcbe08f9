"""
Proof that a result can be had again: a tiny run in a fresh clone and one in a study folder, equal hashes.

The study folder is made by `thinsection init` of a package that was built and installed by itself, and
run by `thinsection repro`. Every output that dvc.lock names must have the same hash in both. Says which
differ and exits with 1 if any do. Then the final model of the study names photos, as a user would.
"""

import os
import subprocess
import sys
import contextlib
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from tiny import TOP, tiny_params


def main() -> None:
    started = time.monotonic()
    with contextlib.nullcontext(tempfile.mkdtemp(dir="/work/run")) as name, ThreadPoolExecutor(2) as pool:
        top = Path(name)
        # side by side, for each uses one core; they share no file but what pip installed
        clone, study = pool.submit(_run_clone, top), pool.submit(_run_study, top)
        first, second = clone.result(), study.result()
    differing = [key for key in sorted(first | second) if first.get(key) != second.get(key)]
    seconds = round(time.monotonic() - started)
    if differing:
        sys.exit("not reproducible, these outputs differ:\n  " + "\n  ".join(differing))
    print(
        f"reproducible: {len(first)} outputs of a clone and a study folder have equal hashes ({seconds} s)"
    )


def _run_clone(top: Path) -> dict[str, str]:
    """Hash of every output of a tiny run in a fresh clone, by stage and path."""
    clone = top / "clone"
    subprocess.run(["git", "clone", "--quiet", TOP, clone], check=True)
    _make_tiny(clone)
    # the committed one names stages that the tiny parameters don't have
    (clone / "dvc.lock").unlink()
    env = _environment(top, "clone", clone / "src")
    command = [sys.executable, "-m", "dvc", "repro", "--force"]
    subprocess.run(command, cwd=clone, env=env, check=True)
    return _hashes(clone)


def _run_study(top: Path) -> dict[str, str]:
    """The same of a study folder, with the package as a wheel has it, and nothing of this clone."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", top / "wheel", TOP]
    subprocess.run([*pip, *map(str, build)], check=True)
    (wheel,) = (top / "wheel").glob("*.whl")
    installed = top / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--target", installed, wheel], check=True)
    env = _environment(top, "study", installed)
    env["PATH"] = os.pathsep.join([str(installed / "bin"), env["PATH"]])

    def thinsection(*arguments: str, cwd: Path) -> str:
        command = [sys.executable, "-c", "from thinsection.cli import main; main()", *arguments]
        ran = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
        if ran.returncode:
            sys.exit(f"thinsection {' '.join(arguments)}: {ran.stdout}{ran.stderr}")
        return ran.stdout

    study = top / "study"
    thinsection("init", str(study), cwd=top)
    _make_tiny(study)
    thinsection("repro", "--force", cwd=study)
    thinsection("check", "data/demo", cwd=study)
    named = thinsection("predict", "data/demo/olivine", cwd=study)
    assert "unlike anything seen" in named, named
    return _hashes(study)


def _make_tiny(folder: Path) -> None:
    text = yaml.safe_dump(tiny_params(), sort_keys=False)
    (folder / "params.yaml").write_text(text, encoding="utf-8")


def _environment(top: Path, name: str, source: Path) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(source),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(top / f"{name}-site"),
    }


def _hashes(folder: Path) -> dict[str, str]:
    lock = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))
    return {
        f"{stage} {out['path']}": out["md5"]
        for stage, entry in lock["stages"].items()
        for out in entry.get("outs", [])
    }


if __name__ == "__main__":
    main()
