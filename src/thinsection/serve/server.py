"""The server: waitress, with limits suitable for a page with a few users."""

import logging
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from thinsection.base.errors import InputError

try:
    from waitress.adjustments import Adjustments
    from waitress.channel import HTTPChannel
    from waitress.parser import HTTPRequestParser
    from waitress.server import TcpWSGIServer
    from waitress.wasyncore import close_all

    from thinsection.serve.app import MAX_PHOTO_BYTES, make_app
except ModuleNotFoundError as error:
    if error.name not in ("flask", "waitress"):
        raise
    raise InputError(
        f"thinsection serve: the package {error.name} is not installed. Install it with "
        "`pip install 'thinsection[serve]'`."
    ) from None

from thinsection.serve.corrections import Corrections

if TYPE_CHECKING:
    from flask import Flask


THREADS = 4  # requests processed at once; others wait in a queue
CONNECTIONS = 100  # open at once; others wait to be accepted
MAX_HEADER_BYTES = 16_384
IDLE_SECONDS = 30  # without a byte before a connection is closed
RECEIVE_SECONDS = 120  # for a complete request to arrive
CLEANUP_SECONDS = 5  # between checks for connections to close
HERE_ONLY = ("127.0.0.1", "localhost", "::1")


class TimedRequest(HTTPRequestParser):
    """A request that records when its first byte arrived."""

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.started = time.time()


class TimedChannel(HTTPChannel):
    """A connection whose requests record when they began."""

    parser_class = TimedRequest


class Server(TcpWSGIServer):
    """
    A waitress server that also closes connections whose request takes too long to arrive.

    waitress closes idle connections, but one that sends a byte now and then would stay open. No
    thread waits for a slow client: a request is passed to a thread once it is complete.
    """

    channel_class = TimedChannel
    receive_seconds: float = RECEIVE_SECONDS

    def maintenance(self, now: float) -> None:
        """Mark the connections to be closed."""
        super().maintenance(now)
        for channel in list(self.active_channels.values()):
            request = channel.request
            if request is not None and request.started < now - self.receive_seconds:
                channel.will_close = True


def serve(
    model: Path | None, host: str, port: int, folder: Path, count: Path | None = None
) -> None:
    """
    Serve the page until it is interrupted.

    Parameters
    ----------
    model : a model folder; None: that of the count, or else models/final
    host, port : where to listen; port 0 means any free port
    folder : where corrected photos are saved
    count : a folder that `thinsection count` wrote, to name points by hand

    Raises
    ------
    InputError
        If the model or the folder can't be used, or the address is taken.
    """
    from thinsection.predict import Predictor

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    corrections = Corrections(folder)
    if model is None and count is not None:
        from thinsection.counting.session import model_of

        model = model_of(count)
    predictor = Predictor.load(model or Path("models/final"))
    app = make_app(predictor, corrections, host)
    with ExitStack() as stack:
        if count is not None:
            from thinsection.counting.session import Session
            from thinsection.serve.counting import counting_routes

            session = stack.enter_context(Session(count))
            app.register_blueprint(counting_routes(session, corrections))
        _run(app, predictor.card.title, host, port, folder, count)


def _run(app: "Flask", title: str, host: str, port: int, folder: Path, count: Path | None) -> None:
    server = make_server(app, host, port)
    name = f"[{host}]" if ":" in host else host
    print(f"{title} answers at http://{name}:{server.effective_port}/")
    if count is not None:
        print(f"Points of {count} are named at http://{name}:{server.effective_port}/count")
    print(f"Corrections are saved in {folder}. Press Ctrl-C to stop.", flush=True)
    if host not in HERE_ONLY:
        print(
            f"WARNING: --host {host} lets everyone on the network classify photos and save "
            "corrections here, unencrypted.",
            file=sys.stderr,
            flush=True,
        )
    try:
        server.run()
    finally:
        server.close()


def make_server(
    app: "Flask",
    host: str,
    port: int,
    idle_seconds: int = IDLE_SECONDS,
    receive_seconds: float = RECEIVE_SECONDS,
    cleanup_seconds: int = CLEANUP_SECONDS,
) -> Server:
    """
    A server that is already listening; ``run()`` starts to answer.

    Raises
    ------
    InputError
        If the address is in use or does not belong to this machine.
    """
    opened: dict[int, object] = {}
    try:
        settings = Adjustments(
            host=host,
            port=port,
            ident=None,
            threads=THREADS,
            connection_limit=CONNECTIONS,
            max_request_body_size=MAX_PHOTO_BYTES,
            max_request_header_size=MAX_HEADER_BYTES,
            channel_timeout=idle_seconds,
            cleanup_interval=cleanup_seconds,
            asyncore_use_poll=True,
        )
        server = Server(app, adj=settings, sockinfo=settings.listen[0], map=opened)
    except (OSError, ValueError) as error:
        close_all(opened)
        raise InputError(
            f"--host {host} --port {port}: can't listen there ({error}). Allowed: an address of "
            "this machine and a port that no other program uses. Try --port 0, which finds one."
        ) from None
    server.receive_seconds = receive_seconds
    # A browser sends six requests at once: no need to warn that some of them wait.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    return server
