"""
The pictures of docs/gallery.md: pages of the program, as a browser shows them.

    python docs/figures/pages.py report reports/report.html
    python docs/figures/pages.py serve models/final new/olivine/olivine-00-00-{ppl,xpl}.jpg

They are written beside this file. Chromium has to be there (`make browser`).
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1] / "tests"))

from browser import Page, browsing  # noqa: E402

WIDTH, MARGIN = 1100, 8  # pixels
REPORT = {  # name of the picture: the elements from which and to which it shows the report
    "report": ("h1", ".verdict"),
    "report-lights": ("#lights", "#figure-lights"),
    "report-photos": ("#galleries", "#galleries ~ * .card:nth-child(8)"),
}
ANSWER = ("h1", ".card")
ADDRESS = re.compile(r"http://\S+?/")


@contextmanager
def browser() -> Iterator[Page]:
    with tempfile.TemporaryDirectory() as folder, browsing(Path(folder) / "profile") as page:
        page.viewport(WIDTH, 900, still=True)
        yield page


def write(page: Page, name: str, first: str, last: str) -> None:
    """What lies between two elements, as a picture."""
    top = f"document.querySelector('{first}').getBoundingClientRect().top"
    bottom = f"document.querySelector('{last}').getBoundingClientRect().bottom"
    page.viewport(WIDTH, round(page.run(f"{bottom} - {top}")) + 2 * MARGIN, still=True)
    page.run(f"document.body.style.paddingBottom = '100vh', scrollBy(0, {top} - {MARGIN})")
    time.sleep(1)  # for pictures to be drawn
    with tempfile.TemporaryDirectory() as folder:
        page.screenshot(Path(folder) / "shot.png")
        shot = Image.open(Path(folder) / "shot.png").convert("RGB")
    shot.save(HERE / f"{name}.webp", quality=85, method=6)


def report(file: Path) -> None:
    with browser() as page:
        page.open(file.resolve().as_uri())
        for name, (first, last) in REPORT.items():
            write(page, name, first, last)


def serve(model: Path, photos: list[Path]) -> None:
    command = ["thinsection", "serve", "--model", model, "--port", "0"]
    with browser() as page, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            page.open(next(filter(None, map(ADDRESS.search, server.stdout)))[0])
            page.wait_for("document.body?.dataset.fit")  # its script has asked the server
            page.choose_files("#choose", *photos)
            page.wait_for(
                f"document.querySelectorAll('.card .beside').length === {len(photos) - 1}"
            )
            page.wait_for("document.querySelectorAll('.neighbours li').length")
            page.run("document.querySelector('.look').click()")
            page.wait_for("document.querySelector('.heat').naturalWidth")
            write(page, "serve", *ANSWER)
        finally:
            server.terminate()


if __name__ == "__main__":
    what, first, *rest = sys.argv[1:]
    report(Path(first)) if what == "report" else serve(Path(first), [Path(name) for name in rest])
