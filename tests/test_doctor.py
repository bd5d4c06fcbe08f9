"""What ``thinsection doctor`` says of an installation."""

import getpass
import platform
import socket
from importlib import metadata
from pathlib import Path

import pytest
import torch

from thinsection import __version__
from thinsection.setup import doctor


def test_it_names_versions_and_the_machine_and_no_person() -> None:
    lines = doctor.examined()
    said = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
    assert said["thinsection"].startswith(f"{__version__}, in a clone")
    assert said["Python"].startswith(platform.python_version())
    assert f"torch {torch.__version__}" in said["packages"]
    assert said["extras"].split(", ") == ["count", "live", "pipeline", "predict", "serve"]
    assert "cores for this process" in said["processor"]
    assert said["memory"].split()[1] == "GB,"
    text = "\n".join(lines)
    assert "not found out" not in text
    for private in (str(Path.home()), socket.gethostname()):
        assert private not in text
    if getpass.getuser() != "root":
        assert getpass.getuser() not in text


def test_what_is_missing_or_broken_is_a_line_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> dict[str, bool]:
        raise RuntimeError("no such instruction")

    def version(package: str) -> str:
        if package == "timm":
            raise metadata.PackageNotFoundError(package)
        return metadata.version(package)

    monkeypatch.setattr(torch.cpu, "get_capabilities", broken)
    monkeypatch.setattr(doctor, "version", version)
    monkeypatch.chdir(tmp_path)
    text = "\n".join(doctor.examined())
    assert "processor    not found out (RuntimeError)" in text
    assert "timm missing" in text
    assert "in no study folder" in text
    assert "no repository here" in text
    (extras,) = [line for line in text.splitlines() if line.startswith("extras")]
    assert "pipeline" not in extras
