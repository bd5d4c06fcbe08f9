"""
A headless Chromium that tests drive through the DevTools protocol, over a pipe: no driver needed.

    with browsing(profile) as page:
        page.offline()
        page.viewport(400)
        page.open(file.as_uri())
        assert page.run("document.title") == "..."
        assert page.console == []

https://chromedevtools.github.io/devtools-protocol/ has the methods that ``Page.send`` takes.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
NEEDS_BROWSER = pytest.mark.skipif(
    BROWSER is None or os.name != "posix",
    reason="no Chromium here that the tests can drive: on Linux, `make browser` lets pages be tested",
)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-sync", "--disable-extensions", "--disable-background-networking",
    "--disable-component-update", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]  # fmt: skip
PATIENCE_S = 30  # a busy machine starts a browser in about 5


class BrowserError(Exception):
    """The browser refused a method, a script threw, or nothing came in time."""


class Page:
    """
    One tab.

    Attributes
    ----------
    console : what the page or the browser wrote to the console, uncaught errors among it
    requests : addresses that the page asked for, in order: its own first, ``data:`` left out
    """

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self.console: list[str] = []
        self.requests: list[str] = []
        self._to, self._from = to_browser, from_browser
        self._received = b""
        self._number = 0
        self._session: str | None = None
        self._loaded = False
        tab = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=tab, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **values: Any) -> dict[str, Any]:
        """The answer to one method of the protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        ends = time.monotonic() + PATIENCE_S
        while True:
            answer = self._receive(ends, method)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return dict(answer["result"])

    def viewport(
        self, width: int, height: int = 900, *, dark: bool = False, still: bool = False
    ) -> None:
        """The window's size in CSS pixels, the colour scheme and the motion that a reader prefers."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        prefers = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in prefers.items()]
        self.send("Emulation.setEmulatedMedia", features=features)

    def offline(self) -> None:
        """From now on no network at all, this machine's own servers included."""
        self.send(
            "Network.emulateNetworkConditions",
            offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1,
        )  # fmt: skip

    def open(self, address: str) -> None:
        """Load an address and wait until it is loaded."""
        self._loaded = False
        answer = self.send("Page.navigate", url=address)
        if "errorText" in answer:
            raise BrowserError(f"{address}: {answer['errorText']}")
        ends = time.monotonic() + PATIENCE_S
        while not self._loaded:
            self._receive(ends, f"loading {address}")

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression; of a promise, what it resolves to."""
        answer = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(_thrown(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait_for(self, script: str, seconds: float = PATIENCE_S) -> Any:
        """The value of an expression, as soon as it is true."""
        ends = time.monotonic() + seconds
        while not (value := self.run(script)):
            if time.monotonic() > ends:
                raise BrowserError(f"not true after {seconds} s: {script}")
            time.sleep(0.05)
        return value

    def text(self, selector: str) -> str:
        """What an element says; nothing where it is not shown."""
        element = f"document.querySelector({json.dumps(selector)})"
        return str(self.run(f"{element}?.checkVisibility() ? {element}.innerText : ''"))

    def focus(self) -> str:
        """The element that has the keyboard: its id or class."""
        return str(self.run("document.activeElement.id || document.activeElement.className"))

    def key(self, name: str, code: int, text: str = "") -> None:
        """Press and let go of a key."""
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name,
                windowsVirtualKeyCode=code, text=text if kind == "keyDown" else "",
            )  # fmt: skip

    def tab(self) -> str:
        """Press the tabulator; what has the keyboard then."""
        self.key("Tab", 9)
        return self.focus()

    def enter(self) -> None:
        """Press the enter key."""
        self.key("Enter", 13, "\r")

    def write(self, text: str) -> None:
        """Type a text."""
        self.send("Input.insertText", text=text)

    def choose_files(self, selector: str, *files: Path) -> None:
        """As if files were chosen in the <input type=file> that a CSS selector finds."""
        node = self.send("DOM.getDocument")["root"]["nodeId"]
        found = self.send("DOM.querySelector", nodeId=node, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=found, files=[str(f.resolve()) for f in files])

    def drop_files(self, selector: str, *files: Path) -> None:
        """As if files were dragged from the desktop onto the element that a selector finds."""
        middle = self.run(
            "(() => { const found = document.querySelector(" + json.dumps(selector) + ");"
            "found.scrollIntoView({block: 'center'}); const box = found.getBoundingClientRect();"
            "return {x: box.x + box.width / 2, y: box.y + box.height / 2}; })()"
        )
        data = {"items": [], "files": [str(f.resolve()) for f in files], "dragOperationsMask": 1}
        for step in ("dragEnter", "dragOver", "drop"):
            self.send("Input.dispatchDragEvent", type=step, data=data, **middle)

    def screenshot(self, file: Path, *, whole: bool = False) -> None:
        """A PNG of the window, or of the whole page."""
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))

    def paper(self, file: Path) -> None:
        """The page as it prints, a PDF."""
        printed = self.send("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        file.write_bytes(base64.b64decode(printed["data"]))

    def close(self) -> None:
        """End the browser."""
        self._session = None
        with suppress(BrowserError, OSError):  # it may be gone before it answers
            self.send("Browser.close")

    def _receive(self, ends: float, awaited: str) -> dict[str, Any]:
        """The next message; those that tell of the page are noted on the way."""
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._from], [], [], max(0, ends - time.monotonic()))
            more = os.read(self._from, 1 << 20) if ready else b""
            if not more:
                raise BrowserError(f"{awaited}: {'the browser ended' if ready else 'no answer'}")
            self._received += more
        line, _, self._received = self._received.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "Runtime.consoleAPICalled":
            words = [str(part.get("value", part.get("description"))) for part in told["args"]]
            self.console.append(f"{told['type']}: {' '.join(words)}")
        elif event == "Runtime.exceptionThrown":
            self.console.append(_thrown(told["exceptionDetails"]))
        elif event == "Log.entryAdded":
            entry = told["entry"]
            self.console.append(f"{entry['level']}: {entry['text']} {entry.get('url', '')}")
        elif event == "Network.requestWillBeSent":
            address = told["request"]["url"]
            if not address.startswith("data:"):
                self.requests.append(address)
        elif event == "Page.loadEventFired":
            self._loaded = True


def _thrown(details: dict[str, Any]) -> str:
    return f"uncaught: {details.get('exception', {}).get('description', details['text'])}"


@contextmanager
def browsing(profile: Path) -> Iterator[Page]:
    """
    A fresh browser with one empty tab, ended afterwards.

    Parameters
    ----------
    profile : folder for what the browser stores, e.g. ``tmp_path / "profile"``
    """
    from_us, to_browser = os.pipe()
    from_browser, to_us = os.pipe()
    # Chromium reads commands from descriptor 3 and answers on 4; the shell puts them there
    command = [
        "sh", "-c", f'exec "$@" 3</dev/fd/{from_us} 4>/dev/fd/{to_us}', "sh",
        str(BROWSER), *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank",
    ]  # fmt: skip
    with (profile.parent / f"{profile.name}.log").open("wb") as log:
        browser = subprocess.Popen(command, pass_fds=(from_us, to_us), stdout=log, stderr=log)
    os.close(from_us)
    os.close(to_us)
    try:
        page = Page(to_browser, from_browser)
        yield page
        page.close()
    finally:
        os.close(to_browser)
        os.close(from_browser)
        try:
            browser.wait(timeout=10)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()
