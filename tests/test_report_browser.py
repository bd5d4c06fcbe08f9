"""The page in a real browser, from disk, with no network."""

import json
import re
import shutil
import subprocess

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium here: apt-get install chromium lets the page be tested"
)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--virtual-time-budget=8000",
]  # fmt: skip
# Runs before anything else on the page: notes every error and every refused request.
WATCH = """<script>
window.trouble = [];
addEventListener("error", (event) => trouble.push(String(event.message || event.target.src)), true);
addEventListener("securitypolicyviolation", (event) => trouble.push(event.blockedURI));
</script>"""
# Runs last: presses headings and types into filters as a reader would.
TRY = """<script>
addEventListener("load", () => {
  const table = document.querySelector("table.sortable");
  const column = (n) => [...table.tBodies[0].rows].map((row) => row.cells[n].dataset.value);
  const press = (n) => table.tHead.rows[0].cells[n].querySelector("button").click();
  const found = {};
  press(1); found.up = column(1).map(Number);
  press(1); found.down = column(1).map(Number);
  found.sorted = table.tHead.rows[0].cells[1].getAttribute("aria-sort");
  press(0); found.names = column(0);
  const filter = document.querySelector(".filter");
  filter.value = "resnet 18"; filter.dispatchEvent(new Event("input"));
  const rows = [...filter.closest(".table").querySelector("tbody").rows];
  found.filtered = rows.filter((row) => !row.hidden).map((row) => row.cells[0].textContent);
  found.images = [...document.images].filter((image) => !image.naturalWidth).length;
  found.no_alt = [...document.images].filter((image) => !image.alt).length;
  found.requests = performance.getEntriesByType("resource").map((entry) => entry.name)
    .filter((name) => !name.startsWith("data:"));
  found.wide = document.documentElement.scrollWidth - innerWidth;
  found.trouble = trouble;
  const note = document.createElement("pre");
  note.id = "found"; note.textContent = JSON.stringify(found);
  document.body.append(note);
});
</script>"""


def opened(page, folder, width):
    """What the page did in the browser, and what the browser wrote to its console."""
    watched = (
        page.read_text().replace("<head>", "<head>" + WATCH).replace("</body>", TRY + "</body>")
    )
    copy = folder / "watched.html"
    copy.write_text(watched)
    ran = subprocess.run(
        [BROWSER, *FLAGS, f"--user-data-dir={folder}/profile", f"--window-size={width},900",
         "--dump-dom", copy.as_uri()],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    note = re.search(r'<pre id="found">(.*?)</pre>', ran.stdout, re.S)
    assert note, ran.stderr[-2000:]
    console = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(note.group(1).replace("&amp;", "&").replace("&gt;", ">")), console


@pytest.mark.parametrize("width", [1280, 500])  # headless Chromium is never narrower than 500
def test_page_opens_sorts_and_filters_without_error_or_request(project, tmp_path, width):
    found, console = opened(project / "reports/report.html", tmp_path, width)
    assert console == []
    assert found["trouble"] == []
    assert found["requests"] == []
    assert found["images"] == 0  # that could not be drawn
    assert found["no_alt"] == 0
    assert found["wide"] <= 0  # nothing sticks out: tables scroll by themselves
    assert found["up"] == sorted(found["up"])
    assert found["down"] == sorted(found["down"], reverse=True)
    assert found["sorted"] == "descending"
    assert found["names"] == sorted(found["names"], key=str.lower)
    assert found["filtered"] == ["ResNet-18"]
