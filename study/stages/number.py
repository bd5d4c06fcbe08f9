"""Stage number: one classifier on few and on many specimens (<study>/data/numbers/<name>)."""

from pathlib import Path

import numpy as np

from thinsection.base.files import writing_folder
from thinsection.console.stage import log_cost, run
from thinsection.dataset.packed import read_dataset
from thinsection.params import load_params


def main(study: str, name: str) -> None:
    """Train the classifier with this name in params.yaml of the study's folder."""
    from thinsection.study.designs.numbers import draws_of, trained
    from thinsection.study.settings import read_settings

    settings = read_settings(Path(study))
    numbers = settings.numbers
    assert numbers is not None, "the study asks nothing of the number of specimens"
    seed = settings.photos[numbers.photos].seed
    params = load_params().model_copy(update={"seed": seed})
    folder = Path(study) / "data/photos" / numbers.photos
    photos = read_dataset(folder)
    draws = draws_of(photos, numbers, seed)
    with writing_folder(Path(study) / "data/numbers" / name) as partial, log_cost(f"study-{name}"):
        np.save(partial / "right.npy", trained(numbers.runs[name], photos, draws, params, folder))


if __name__ == "__main__":
    run(main)
