"""
Stage params: stops the pipeline where params.yaml is wrong, before anything is trained.

Its output never changes, so that the stages after it run again only for the entries they use.
"""

from pathlib import Path

from thinsection.files import writing
from thinsection.params import load_params
from thinsection.render.minerals import check_minerals
from thinsection.stage import run


def main() -> None:
    """Check the whole file."""
    params = load_params()
    check_minerals(params.render.minerals, "params.yaml: render.minerals")
    with writing(Path("data/params.ok")) as file:
        file.write_text("params.yaml holds what it should\n", encoding="utf-8")


run(main)
