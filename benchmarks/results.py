"""
Every benchmark of speed, one after the other, into one table: benchmarks/RESULTS.md.

    python benchmarks/results.py            all of them (`make bench`), half an hour
    python benchmarks/results.py resnet     some

What is not run again keeps its rows. Each row has the day and the processor that it was measured on.
"""

import os
import platform
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

from thinsection.base.cores import n_cores
from thinsection.learning.environment import processor_name

HERE = Path(__file__).parent
TABLE = HERE / "RESULTS.md"
HEAD = """\
# How fast, side by side

`make bench` writes this table; `python benchmarks/results.py NAME` measures one benchmark again. Each line compares two programs
in one run, for absolute times vary by half between hours on shared machines. What the benchmarks do is said at the top of each file.

| benchmark | measured | machine | result |
|---|---|---|---|
"""
COMMANDS = {  # those that measure speed, not results
    "startup": "startup.py",
    "threads": "threads.py",
    "memory": "memory.py",
    "fcnn": "fcnn.py",
    "augment": "augment.py",
    "resnet": "resnet.py",
    "gpu": "gpu.py",
    "kills": "kills.py",
    "render": "render.py",
    "render dataset": "render.py dataset",
    "ingest": "ingest.py --photos 2000 --large 20",
    "evidence": "evidence.py speed",
    "serve": "serve.py",
    "predict": "predict.py",
}


def machine() -> str:
    units = ""
    try:
        import torch

        units = ", AMX" if torch.cpu.get_capabilities().get("amx_bf16") else ""
    except ImportError:
        pass
    return (
        f"{processor_name()}{units}, {n_cores()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, torch {version('torch')}"
    )


def rows_of(name: str, where: str) -> list[str]:
    script, *options = COMMANDS[name].split()
    command = [sys.executable, HERE / script, *options]
    spins = {"GOMP_SPINCOUNT": "20000"}  # as the stages have it (console/stage.py)
    ran = subprocess.run(
        command,
        cwd=HERE.parent,
        env=os.environ | spins,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.strip().replace("|", "\\|") for line in ran.stdout.splitlines() if line.strip()]
    if ran.returncode:
        lines.append(f"stopped: {ran.stderr.strip().splitlines()[-1]}")
    print(f"{name}:", *lines, sep="\n  ", flush=True)
    return [f"| {name} | {date.today()} | {where} | {'<br>'.join(lines)} |\n"]


def main(names: list[str]) -> None:
    unknown = set(names) - set(COMMANDS)
    if unknown:
        sys.exit(f"{', '.join(unknown)}: no such benchmark; allowed: {', '.join(COMMANDS)}")
    kept: dict[str, list[str]] = {}
    if TABLE.is_file():
        for line in TABLE.read_text(encoding="utf-8").splitlines(keepends=True):
            cells = line.split(" | ")
            if line.startswith("| ") and cells[0][2:] in COMMANDS:
                kept[cells[0][2:]] = [line]
    where = machine()
    for name in names or list(COMMANDS):
        kept[name] = rows_of(name, where)
        rows = [row for key in COMMANDS for row in kept.get(key, [])]
        TABLE.write_text(HEAD + "".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
