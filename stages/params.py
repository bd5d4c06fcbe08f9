"""
Stage params: stops the pipeline where params.yaml is wrong, before anything is trained.

It also writes what params.yaml asks for in parts (data/plan), each of which changes only when
what it says does, so that the stages that depend on one run again for nothing else.
"""

from thinsection.base.files import write_json, writing_folder
from thinsection.base.places import PLAN
from thinsection.console.stage import run
from thinsection.params import load_params
from thinsection.render.minerals import check_minerals


def main() -> None:
    """Check the whole file and write its parts."""
    params = load_params()
    check_minerals(params.render.minerals, "params.yaml: render.minerals")
    with writing_folder(PLAN) as folder:
        for name, content in params.plan().items():
            write_json(content, folder / f"{name}.json")


if __name__ == "__main__":
    run(main)
