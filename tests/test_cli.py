import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tiny import TOP

HEAVY = ("torch", "sklearn", "pandas", "matplotlib", "scipy", "dvc")


def thinsection(*arguments: str, cwd: Path = TOP) -> subprocess.CompletedProcess[str]:
    code = "from thinsection.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, text=True
    )


def test_help_imports_nothing_heavy() -> None:
    # what makes it answer at once: the time itself is in benchmarks/startup.py
    code = f"import sys, thinsection.cli; print([m for m in {HEAVY} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
    shown = thinsection("--help")
    assert shown.returncode == 0
    for command in ("params", "models"):
        assert command in shown.stdout


def test_params_says_what_will_run() -> None:
    shown = thinsection("params")
    assert shown.returncode == 0
    assert "24 classifiers" in shown.stdout
    assert "  ResNets: ResNet-18, ResNet-34, ResNet-152\n" in shown.stdout


def test_a_mistake_is_one_message_without_a_traceback(changed_params: Callable[..., Path]) -> None:
    shown = thinsection("params", str(changed_params(fcnn__epochs=0)))
    assert shown.returncode == 1
    assert shown.stderr.startswith("ERROR: ")
    assert "fcnn.epochs is 0" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_models_before_any_run_says_what_to_do(tmp_path: Path) -> None:
    shown = thinsection("models", cwd=tmp_path)
    assert shown.returncode == 1
    assert "no such table. Run `dvc repro`" in shown.stderr
