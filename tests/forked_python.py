"""
A ``python`` that is there at once: a fork of a process that has the libraries loaded already.

    with forked_python(folder):
        subprocess.run(command, env=os.environ | {"PATH": f"{folder}{os.pathsep}..."})

Most of a small stage's time goes into the imports of PyTorch and others. Whoever tests what DVC runs,
not how a process starts, need not wait for them. The project's own code is loaded anew each time.
Elsewhere than on Linux ``folder`` stays empty, and the usual ``python`` is found.
"""

import gc
import json
import os
import runpy
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from thinsection.learning.examples.resnets import torchvision_models

LIBRARIES = (
    *("captum.attr", "cleanlab.filter", "matplotlib.pyplot", "pandas", "pydantic"),
    *("scipy.stats", "skimage.feature", "skl2onnx", "sklearn.calibration", "sklearn.ensemble"),
    *("skops.io", "timm", "torch._dynamo"),
)
# What the shell starts as `python`: it hands its streams, folder and environment to the server.
PYTHON = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b"."], [0, 1, 2])
    with server.makefile("rw") as line:
        print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]), file=line, flush=True)
        sys.exit(int(line.readline()))
"""


@contextmanager
def forked_python(folder: Path) -> Iterator[None]:
    """While the block lasts, ``folder`` holds a program ``python`` that runs scripts."""
    if sys.platform != "linux":
        yield
        return
    address = f"\0{folder}"  # a name, no file
    (folder / "python").write_text(PYTHON.format(python=sys.executable, address=address))
    (folder / "python").chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        number = listener.fileno()
        server = subprocess.Popen([sys.executable, __file__, str(number)], pass_fds=[number])
    # the server alone listens from here on: whoever asks it after its end is refused
    try:
        yield
    finally:
        server.terminate()
        server.wait()


def serve(listener: socket.socket) -> None:
    """Run what clients ask for, each in a process of its own."""
    torchvision_models()
    for library in LIBRARIES:
        import_module(library)
    for module in [name for name in sys.modules if name.partition(".")[0] == "thinsection"]:
        del sys.modules[module]
    gc.freeze()  # else each process would look through all of it again when it ends
    while True:
        client, _ = listener.accept()
        if os.fork() == 0:
            _, streams, _, _ = socket.recv_fds(client, 1, 3)
            with client.makefile("rw") as line:
                arguments, folder, environment = json.loads(line.readline())
                script = os.fork()
                if script == 0:
                    break
                _, status = os.waitpid(script, 0)
                print(os.waitstatus_to_exitcode(status), file=line, flush=True)
            os._exit(0)
        client.close()
    listener.close()
    client.close()
    for stream, place in enumerate(streams):
        os.dup2(place, stream)
    # what wrote to a file may write to a pipe now, which Python's streams don't notice by themselves
    sys.stdout, sys.stderr = (
        os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2)
    )
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    sys.path[0] = str(Path(arguments[0]).resolve().parent)
    sys.path[1:1] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
