"""The same photos on every x86 processor: NumPy's functions are those of AVX2, in every process."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from thinsection.console.arithmetic import SETTINGS
from tiny import TOP

# what is loaded, in this process and in a worker, once the block before has run
SAID = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import sys

def beyond_avx2(_=0):
    from numpy._core import _multiarray_umath as numpy
    on = [name for name in numpy.__cpu_dispatch__ if numpy.__cpu_features__[name]]
    return [name for name in on if name not in ("SSE41", "SSE42", "AVX", "F16C", "FMA3", "AVX2", "X86_V3")]

if __name__ == "__main__":
    {before}
    print(beyond_avx2())
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        print(*pool.map(beyond_avx2, [0]))
"""


def said_after(before: str, tmp_path: Path) -> list[str]:
    script = tmp_path / "script.py"
    script.write_text(SAID.format(before=before), encoding="utf-8")
    env = {k: v for k, v in os.environ.items() if k not in SETTINGS}
    env["PYTHONPATH"] = str(TOP / "src")
    command = [sys.executable, str(script)]
    return subprocess.check_output(command, env=env, cwd=TOP, text=True).splitlines()


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="of x86 alone")
@pytest.mark.parametrize("way", ["stages/render.py", "stages/others.py", "thinsection render"])
def test_photos_are_rendered_by_what_every_processor_has(way: str, tmp_path: Path) -> None:
    if way.startswith("stages"):
        before = (
            "import runpy; from thinsection.base.errors import InputError; "
            "from thinsection.console import stage; "
            "stage.run = lambda main: stop(main); "
            f"runpy.run_path({way!r}, run_name='__main__')"
        )
        before = before.replace("stop(main)", "main.__globals__['same_arithmetic']()")
    else:
        before = (
            "from contextlib import suppress; from thinsection.cli.photos import render; "
            "from thinsection.base.errors import InputError\n"
            "    with suppress(InputError): render(None, light='none')"
        )
    assert said_after(before, tmp_path) == ["[]", "[]"]
