"""The page: made from tables, whole, offline, the same bytes each time."""

import runpy
import sys
from pathlib import Path

import pytest
import yaml

from synthetic_runs import PARAMS, synthetic_params, write_study

STAGES = Path(__file__).parents[1] / "stages"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose aggregate and report stages have run, with nineteen models on 60 photos."""
    root = tmp_path_factory.mktemp("project")
    params = synthetic_params()
    write_study(root, params)
    (root / "params.yaml").write_text(yaml.safe_dump(params.model_dump(mode="json")))
    (root / "data/paper").symlink_to(PARAMS.parent / "data/paper")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(sys, "argv", ["stage"])
        for name in ("aggregate", "report"):
            runpy.run_path(str(STAGES / f"{name}.py"), run_name="__main__")
    return root


def test_page_is_one_file_without_addresses(project):
    page = (project / "reports/report.html").read_text()
    assert len(page) < 10_000_000
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert 'src="data:' in page


def test_every_figure_is_there_as_png_and_svg(project):
    figures = project / "reports/figures"
    names = {path.stem for path in figures.glob("*.png")}
    assert {"ranking", "depth_sweep", "confusion", "roc", "resnet_loss", "gradients"} <= names
    assert names == {path.stem for path in figures.glob("*.svg")}
