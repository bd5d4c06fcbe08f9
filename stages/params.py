"""
Stage params: stops the pipeline where params.yaml is wrong, before anything is trained.

Its output never changes, so that the stages after it run again only for the entries they use.
"""

from pathlib import Path

from thinsection.base.files import writing
from thinsection.console.stage import run
from thinsection.params import load_params
from thinsection.render.minerals import check_minerals


def main() -> None:
    """Check the whole file."""
    params = load_params()
    check_minerals(params.render.minerals, "params.yaml: render.minerals")
    with writing(Path("data/params.ok")) as file:
        file.write_text("params.yaml holds what it should\n", encoding="utf-8")


run(main)
