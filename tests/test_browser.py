"""The driver notices what it is there to notice: else pages would pass that should not."""

from pathlib import Path

import pytest

from browser import NEEDS_BROWSER, BrowserError, browsing

pytestmark = NEEDS_BROWSER
PAGE = """<!doctype html><title>faulty</title>
<body style="margin: 0"><div style="width: 700px">wide</div>
<script src="https://example.org/library.js"></script>
<script>console.error("said", 3); setTimeout(() => { throw new Error("thrown") }, 0);</script>
<input type="file" multiple><div id="target" style="height: 90px">drop</div>
<script>
const target = document.getElementById("target");
target.ondragover = (event) => event.preventDefault();
target.ondrop = (event) => {
  event.preventDefault();
  event.dataTransfer.files[0].text().then((text) => { target.textContent = text; });
};
</script>"""


def test_errors_requests_overflow_and_files_are_noticed(tmp_path: Path) -> None:
    file = tmp_path / "faulty.html"
    file.write_text(PAGE)
    other = tmp_path / "photo.txt"
    other.write_text("a photo")
    with browsing(tmp_path / "profile") as page:
        page.offline()
        page.viewport(400, dark=True)
        page.open(file.as_uri())
        page.wait_for("document.readyState == 'complete'")
        assert page.requests == [file.as_uri(), "https://example.org/library.js"]
        page.choose_files("input", file, other)
        assert page.run("document.querySelector('input').files.length") == 2
        page.drop_files("#target", other)
        assert page.wait_for("target.textContent == 'a photo'")
        assert page.run("[innerWidth, document.documentElement.scrollWidth]") == [400, 700]
        assert page.run("matchMedia('(prefers-color-scheme: dark)').matches")
        told = "\n".join(page.console)
        assert "error: said 3" in told
        assert "Error: thrown" in told
        assert "ERR_INTERNET_DISCONNECTED" in told
        page.screenshot(tmp_path / "shot.png")
        assert (tmp_path / "shot.png").read_bytes()[1:4] == b"PNG"
        with pytest.raises(BrowserError, match="nowhere is not defined"):
            page.run("nowhere")
        with pytest.raises(BrowserError, match="not true"):
            page.wait_for("false", seconds=0.1)
