"""What the page refuses: foreign pages, and clients that send too much or too slowly."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from serving import OWN, RED, Client, picture, serving


def exchange(port: int, sent: bytes, seconds: float = 10) -> bytes:
    """The server's first words to some bytes; nothing if it only hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(sent)
        try:
            return connection.recv(4096)
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""]
)
def test_a_foreign_name_pointed_here_is_refused(page: Client, host: str) -> None:
    for method, path in (("GET", "/"), ("GET", "/corrections"), ("POST", "/answers")):
        assert page.ask(method, path, headers=OWN | {"Host": host})[0] == 403


@pytest.mark.parametrize("host", ["localhost:1234", "127.0.0.1", "192.168.1.7:8000", "[::1]:8000"])
def test_addresses_that_no_name_server_can_lead_here_are_answered(page: Client, host: str) -> None:
    assert page.raw("GET", "/", headers={"Host": host})[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        OWN | {"Origin": "http://evil.example"},
        OWN | {"Origin": "null"},
        OWN | {"Origin": "http://127.0.0.1:1"},  # another program of this machine
    ],
)
def test_what_a_foreign_page_sends_changes_nothing(page: Client, headers: dict[str, str]) -> None:
    for method, path in (
        ("POST", "/answers"),
        ("POST", "/corrections?label=augite"),
        ("DELETE", f"/corrections/{'0' * 64}"),
    ):
        assert page.ask(method, path, picture(RED), headers)[0] == 403
    assert page.ask("GET", "/corrections")[1]["corrections"] == []


def test_our_own_origin_is_answered(page: Client) -> None:
    assert page.ask("POST", "/answers", picture(RED), OWN | {"Origin": page.url})[0] == 200


def test_no_foreign_page_is_told_that_it_may_ask(page: Client) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Headers": "x-thinsection"}
    _, _, headers = page.raw("OPTIONS", "/answers", headers=asked)
    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_a_body_too_large_is_refused_before_it_is_sent(page: Client) -> None:
    head = f"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {10**9}\r\n\r\n"
    assert exchange(page.port, head.encode()).startswith(b"HTTP/1.1 413")


def test_a_body_of_unsaid_length_is_refused_once_it_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thinsection.serve.server.MAX_PHOTO_BYTES", 10_000)
    with serving(tmp_path / "c") as client:
        head = b"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        said = exchange(client.port, head + b"3000\r\n" + b"x" * 0x3000 + b"\r\n")
        assert said.startswith(b"HTTP/1.1 413")


def test_headers_without_end_are_refused(page: Client) -> None:
    endless = (
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 17_000
    )  # all read by the time it is refused
    assert exchange(page.port, endless).startswith(b"HTTP/1.0 431")


def test_a_client_that_falls_silent_or_trickles_is_hung_up_on(tmp_path: Path) -> None:
    limits: dict[str, Any] = {"idle_seconds": 1, "receive_seconds": 2, "cleanup_seconds": 0}
    begun = b"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
    with serving(tmp_path / "c", **limits) as client:
        started = time.monotonic()
        assert exchange(client.port, begun) == b""
        assert 0.9 < time.monotonic() - started < 6
        with socket.create_connection(("127.0.0.1", client.port), timeout=10) as trickle:
            trickle.sendall(begun)
            started = time.monotonic()
            with pytest.raises(OSError):  # noqa: PT011 - a reset or a broken pipe
                while time.monotonic() - started < 8:
                    trickle.sendall(b"x")  # never silent as long as idle_seconds
                    time.sleep(0.2)
            assert 1.9 < time.monotonic() - started < 7


def test_slow_clients_keep_nobody_waiting(page: Client) -> None:
    begun = b"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
    slow = [socket.create_connection(("127.0.0.1", page.port), timeout=5) for _ in range(40)]
    try:
        for connection in slow:
            connection.sendall(begun)
        assert page.answer(picture(RED))[1]["label"] == "augite"
    finally:
        for connection in slow:
            connection.close()
