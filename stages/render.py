"""Stage render: demo photos from the physics of polarised light (data/demo)."""

from thinsection.console.arithmetic import same_arithmetic
from thinsection.console.stage import run


def main() -> None:
    """Render the photos that params.yaml describes."""
    same_arithmetic()
    # imported here, because every worker process imports the top level of this script
    from thinsection.base.places import DEMO
    from thinsection.params import load_params
    from thinsection.render.dataset import write_dataset

    params = load_params()
    n_photos = write_dataset(DEMO, params.seed, params.render, workers=params.compute.threads)
    print(f"rendered {n_photos} photos of {len(params.render.minerals)} minerals")


if __name__ == "__main__":
    run(main)
