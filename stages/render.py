"""Stage render: demo photos from the physics of polarised light -> data/demo."""

from pathlib import Path

from thinsection.console.stage import run
from thinsection.params import load_params
from thinsection.render.dataset import write_dataset


def main() -> None:
    """Render what params.yaml asks for."""
    params = load_params()
    n_photos = write_dataset(
        Path("data/demo"), params.seed, params.render, workers=params.compute.threads
    )
    print(f"rendered {n_photos} photos of {len(params.render.minerals)} minerals")


if __name__ == "__main__":
    run(main)
