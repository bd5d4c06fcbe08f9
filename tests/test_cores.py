"""How many cores a process may keep busy."""

import os
from pathlib import Path

import pytest

from thinsection.base import cores


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, 6),  # no container, or not on Linux
        ("max 100000", 6),
        ("900000 100000", 6),  # the time of nine cores, but bound to six
        ("250000 100000", 3),  # of two and a half: three threads keep them busy
        ("50000 100000", 1),
        ("", 6),
    ],
)
def test_cores_are_those_bound_to_and_granted(
    told: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(2, 8)), raising=False)
    monkeypatch.setattr(cores, "QUOTA", tmp_path / "cpu.max")
    if told is not None:
        (tmp_path / "cpu.max").write_text(told)
    assert cores.n_cores() == expected
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)  # a system that tells nothing
    assert cores.n_cores() == 1
