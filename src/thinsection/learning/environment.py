"""What results depend on beside settings, data and code: versions, processor, threads."""

import platform
import sys
from importlib.metadata import version
from pathlib import Path

from thinsection.base.cores import n_cores
from thinsection.base.errors import InputError
from thinsection.base.files import read_json, write_json
from thinsection.base.places import ENVIRONMENT
from thinsection.settings import ComputeSettings

MODULES = {"numpy": "numpy", "scikit-learn": "sklearn", "torch": "torch"}
PROCESSORS = Path("/proc/cpuinfo")


def environment(settings: ComputeSettings) -> dict[str, str]:
    """
    What rounding depends on in this process: of the packages in ``MODULES`` those that are loaded.

    Rounding alone moves a network's accuracy by a few hundredths, because training amplifies it.
    """
    found = {
        "processor": processor_name(),
        "threads": str(settings.threads or n_cores()),
        "python": platform.python_version(),
    }
    return found | {
        package: version(package) for package, module in MODULES.items() if module in sys.modules
    }


def write_environment(settings: ComputeSettings, path: Path = ENVIRONMENT) -> bool:
    """
    Write what ``compute.same_environment`` requires, which DVC watches for every stage that trains.

    With ``warn`` that is nothing, so a result of any machine counts as up to date.

    Returns
    -------
    Whether the file changed, and so all classifiers will be trained again.
    """
    wanted = _required(settings) if settings.same_environment == "require" else {}
    if path.is_file() and read_json(path) == wanted:
        return False
    write_json(wanted, path)
    return True


def check_environment(settings: ComputeSettings, path: Path = ENVIRONMENT) -> None:
    """
    Stop if ``compute.same_environment`` requires another machine or other versions than these.

    Raises
    ------
    InputError
        With each difference.
    """
    if settings.same_environment != "require":
        return
    wanted, here = read_json(path) if path.is_file() else {}, _required(settings)
    differing = [
        f"{name}: {wanted.get(name, 'nothing')} there, {here[name]} here"
        for name in here
        if wanted.get(name) != here[name]
    ]
    if differing:
        raise InputError.of_all(
            f"compute.same_environment is require, and {path} names another environment. Run `thinsection "
            "params` to train everything again in this one, or set it to warn",
            differing,
        )


def _required(settings: ComputeSettings) -> dict[str, str]:
    """The environment of a process in which all packages are loaded."""
    versions = {package: version(package) for package in MODULES}
    return environment(settings) | versions | {"device": settings.device}


def processor_name() -> str:
    """The name of the processor, as far as the system tells it."""
    if PROCESSORS.is_file():
        for line in PROCESSORS.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
