"""
Nothing leaves the machine: what programs look up and contact, native code included.

Each program runs with this_machine_only.c preloaded, which refuses and writes down whatever is not
this machine, and with a bare environment: ONNX Runtime and DVC are silent by themselves where CI is
set. ONNX Runtime reports some seconds after it was imported, so the programs live until one that
imports it bare was seen to try, or for ``REPORTS_WITHIN_S``.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving import RED, Client, picture
from tiny import TOP

CC = shutil.which("cc")
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or CC is None, reason="needs Linux and a C compiler (cc)"
)
PATIENCE_S = 60  # for a program to be ready: on a busy machine some take 15
REPORTS_WITHIN_S = 30  # ONNX Runtime 1.32 does 9 s after its import
MARGIN_S = 2

STAY = "import time; print('ready', flush=True); time.sleep(600)"
FOREIGN = f"""
import socket
datagram = socket.socket(type=socket.SOCK_DGRAM)
for attempt, *whom in (
    (socket.getaddrinfo, "example.invalid", 443),
    (socket.gethostbyname_ex, "example.invalid"),
    (socket.create_connection, ("192.0.2.1", 443)),  # an address of documents, nobody's
    (datagram.sendto, b"", ("127.0.0.53", 53)),
    (datagram.sendmsg, [b""], [], 0, ("192.0.2.1", 514)),
):
    try:
        attempt(*whom)
    except OSError as error:
        print(error)
{STAY}
"""
BARE = f"import onnxruntime; {STAY}"
FINAL = f"""
import sys
from pathlib import Path
from modelling import Run, make_model
make_model(Path(sys.argv[1]), Run("transfer", "linear"))  # with the weights of the package
{STAY}
"""
COMMAND = f"""
import sys
from thinsection.cli import app
app(sys.argv[1:], standalone_mode=False)
{STAY}
"""


class Watched:
    """Programs that run side by side, each with a home of its own in ``folder``."""

    def __init__(self, folder: Path) -> None:
        assert CC is not None
        self.folder = folder
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self._preloaded = folder / "this_machine_only.so"
        source = TOP / "tests" / "this_machine_only.c"
        subprocess.run([CC, "-shared", "-fPIC", "-o", self._preloaded, source, "-ldl"], check=True)

    def start(self, name: str, *arguments: str | Path) -> Path:
        """Run Python with ``arguments`` in the program's home, which is returned."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        (home / "contacts").touch()
        environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join(str(TOP / part) for part in ("src", "tests")),
            "HOME": str(home),
            "DVC_SITE_CACHE_DIR": str(home / "site"),
            "OMP_NUM_THREADS": "1",
            # or DVC's dvc/types.py hides Python's own from its reporter, which then dies unheard
            "PYTHONSAFEPATH": "1",
            "LD_PRELOAD": str(self._preloaded),
            "CONTACTS": str(home / "contacts"),
        }
        with (home / "output").open("wb") as output:
            self._programs[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=home,
                env=environment,
                stdout=output,
                stderr=output,
            )
        return home

    def said(self, name: str, word: str) -> str:
        """The line in which a program says ``word``, as soon as it does."""
        wait_for(lambda: word in self._output(name) or self._programs[name].poll() is not None)
        lines = self._output(name).splitlines()
        return next((line for line in lines if word in line), None) or pytest.fail("\n".join(lines))

    def code(self, name: str) -> int:
        """The exit code of a program, as soon as it has ended."""
        return self._programs[name].wait(PATIENCE_S)

    def contacts(self, name: str) -> list[str]:
        """What a program tried beyond this machine, so far."""
        return (self.folder / name / "contacts").read_text().splitlines()

    def close(self) -> None:
        """End the programs."""
        for program in self._programs.values():
            program.kill()
            program.wait()

    def _output(self, name: str) -> str:
        return (self.folder / name / "output").read_text()


def wait_for(done: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    ends = time.monotonic() + seconds
    while not done() and time.monotonic() < ends:
        time.sleep(0.1)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """All programs, watched long enough."""
    watched = Watched(tmp_path_factory.mktemp("watched"))
    try:
        model, photo = watched.folder / "model", watched.folder / "photo.png"
        photo.write_bytes(picture(RED))
        watched.start("final", "-c", FINAL, model)
        start_dvc(watched)
        watched.start("foreign", "-c", FOREIGN)
        watched.said("final", "ready")
        watched.start("predict", "-c", COMMAND, "predict", str(photo), "--model", model)
        watched.start("serve", "-c", COMMAND, "serve", "--port", "0", "--model", model)
        address = watched.said("serve", "http://").split()[-1]
        port = int(address.rstrip("/").rpartition(":")[2])
        assert Client(port).answer(photo.read_bytes())[0] == 200
        for name in ("predict", "foreign"):
            watched.said(name, "ready")
        assert watched.code("dvc") == 0
        watched.start("bare", "-c", BARE)  # the last, so that it is heard of last
        wait_for(lambda: bool(watched.contacts("bare")), REPORTS_WITHIN_S)
        time.sleep(MARGIN_S)
        yield watched
    finally:
        watched.close()


def start_dvc(watched: Watched) -> None:
    """``dvc status`` in a copy of the project, with the settings that come with it."""
    project = watched.folder / "dvc"
    for part in (".dvc/config", "dvc.yaml", "params.yaml"):
        (project / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / part, project / part)
    subprocess.run(["git", "init", "--quiet", project], check=True)
    watched.start("dvc", "-m", "dvc", "status")


def test_the_watch_refuses_and_sees_what_is_foreign(watched: Watched) -> None:
    assert watched.contacts("foreign") == [
        "looks up example.invalid",
        "looks up example.invalid",
        "contacts 192.0.2.1 port 443",
        "contacts 127.0.0.53 port 53",
        "contacts 192.0.2.1 port 514",
    ]


def test_the_watch_lasts_until_onnx_runtime_would_report(watched: Watched) -> None:
    if not watched.contacts("bare"):
        pytest.skip(f"this ONNX Runtime reported nothing within {REPORTS_WITHIN_S} s")
    assert watched.contacts("bare")[0].startswith("looks up ")


@pytest.mark.parametrize("name", ["final", "predict", "serve", "dvc"])
def test_no_program_looks_up_or_contacts_anything(watched: Watched, name: str) -> None:
    assert watched.contacts(name) == []


@pytest.mark.parametrize("name", ["final", "predict", "serve"])
def test_no_identifier_is_made(watched: Watched, name: str) -> None:
    # what ONNX Runtime would send with each report, made when it is imported
    assert [file.name for file in (watched.folder / name).rglob("*deviceid*")] == []


def test_the_card_says_how_others_switch_it_off(watched: Watched) -> None:
    card = (watched.folder / "model" / "README.md").read_text()
    assert "set `ORT_DISABLE_TELEMETRY=1` in the environment" in card
