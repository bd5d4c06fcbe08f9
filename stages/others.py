"""Stage others: rendered photos of other minerals, for the final model to tell apart (data/others)."""

from pathlib import Path

from thinsection.console.arithmetic import same_arithmetic
from thinsection.console.stage import run


def main() -> None:
    """Render them if the photos are the renderer's own; otherwise write an empty folder."""
    same_arithmetic()
    # imported here, because every worker process imports the top level of this script
    from thinsection.base.files import writing_folder
    from thinsection.base.places import DEMO, OTHERS
    from thinsection.params import load_params
    from thinsection.render.others import write_others

    params = load_params()
    rendered = Path(params.dataset.path).resolve() == DEMO.resolve()
    if not rendered or params.final.other_minerals == "none":
        with writing_folder(OTHERS):
            print("no photos of other minerals")
        return
    n_photos = write_others(OTHERS, params.seed, params.render, workers=params.compute.threads)
    print(f"rendered {n_photos} photos of other minerals")


if __name__ == "__main__":
    run(main)
