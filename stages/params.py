"""
Stage params: stops the pipeline if params.yaml is wrong, before any training, and tells how long it takes.

It also writes the content of params.yaml in parts (data/plan). Each part changes only when its own
content does, so that stages that depend on it run again only then.
"""

from thinsection.base.errors import InputError
from thinsection.base.files import write_json, writing_folder
from thinsection.base.places import PLAN
from thinsection.console.stage import run
from thinsection.forecast.cost import n_photos_to_come, told
from thinsection.params import load_params
from thinsection.render.minerals import check_minerals


def main() -> None:
    """Check the whole file and write its parts."""
    params = load_params()
    check_minerals(params.render.minerals, "params.yaml: render.minerals")
    for key, settings in params.backbones.items():
        # Imported here: it loads PyTorch, for which `run` prepares.
        from thinsection.learning.examples.backbones import check_backbone

        try:
            check_backbone(settings)
        except InputError as error:
            raise InputError(f"params.yaml: {key}: {error}") from None
    n_photos = n_photos_to_come(params)
    for line in told(n_photos, params) if n_photos else []:
        print(line)
    with writing_folder(PLAN) as folder:
        for name, content in params.plan().items():
            write_json(content, folder / f"{name}.json")


if __name__ == "__main__":
    run(main)
