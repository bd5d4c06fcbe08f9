"""Stage train: one design at all of its depths (<study>/data/designs/<name>)."""

from pathlib import Path

import numpy as np

from thinsection.base.files import writing_folder
from thinsection.console.stage import log_cost, run
from thinsection.dataset.packed import read_dataset
from thinsection.params import load_params


def main(study: str, name: str) -> None:
    """Train the design with this name in params.yaml of the study's folder."""
    from thinsection.study.designs.networks import examples_of, trained
    from thinsection.study.designs.photos import folds_of
    from thinsection.study.settings import read_settings

    settings = read_settings(Path(study))
    design = settings.designs[name]
    seed = settings.photos[design.photos].seed
    params = load_params().model_copy(update={"seed": seed})
    folder = Path(study) / "data/photos" / design.photos
    photos = read_dataset(folder)
    examples = examples_of(design, photos, params, folder)
    folds = folds_of(photos, settings.folds, design.repeats, seed)
    with writing_folder(Path(study) / "data/designs" / name) as partial, log_cost(f"study-{name}"):
        found = trained(design, examples, folds, params)
        np.save(partial / "right.npy", found.right)
        found.networks.to_csv(partial / "networks.csv", index=False, float_format="%.8g")


if __name__ == "__main__":
    run(main)
