"""`dvc plots show` draws without a network."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from browser import NEEDS_BROWSER, browsing
from tiny import TOP

COLOURS = """[...document.querySelectorAll("canvas.marks")].map((canvas) => {
  const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return new Set(new Uint32Array(all.buffer)).size;
})"""


@pytest.fixture(scope="module")
def plots_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dvc_plots/index.html of the committed metrics, by the committed template."""
    root = tmp_path_factory.mktemp("plots")
    shutil.copytree(TOP / ".dvc/plots", root / ".dvc/plots")
    for name in (".dvc/config", "dvc.yaml", "params.yaml"):
        shutil.copy(TOP / name, root / name)
    (root / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    shutil.copytree(TOP / "metrics/plots", root / "metrics/plots")
    own = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(root / "site"),
           "DVC_GLOBAL_CONFIG_DIR": str(root / "settings")}  # fmt: skip
    command = [sys.executable, "-m", "dvc", "plots", "show"]
    subprocess.run(command, cwd=root, env=os.environ | own, check=True, capture_output=True)
    return root / "dvc_plots/index.html"


def test_no_script_comes_from_elsewhere(plots_page: Path) -> None:
    page = plots_page.read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link)\b[^>]*(?:src|href)\s*=[^>]*>", page) == []
    assert page.count("vegaEmbed('#") == 4  # of dvc.yaml


@NEEDS_BROWSER
def test_every_plot_is_drawn_with_the_network_off(plots_page: Path, tmp_path: Path) -> None:
    with browsing(tmp_path / "profile") as page:
        page.offline()
        page.viewport(1280)
        page.open(plots_page.as_uri())
        page.wait_for("document.querySelectorAll('canvas.marks').length == 4")
        colours = page.run(COLOURS)
        assert min(colours) > 20  # curves, axes and names with soft edges: not blank
        assert page.requests == [plots_page.as_uri()]
        # DVC's own templates have layers without data until the mouse is over them: Vega warns
        assert [said for said in page.console if not said.startswith("warning: WARN ")] == []
