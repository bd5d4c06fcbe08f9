"""Stage train: one design at all of its depths (study/data/designs/<name>)."""

from pathlib import Path

import numpy as np

from thinsection.base.files import writing_folder
from thinsection.console.stage import log_cost, run
from thinsection.params import load_params


def main(name: str) -> None:
    """Train the design with this name in study/params.yaml."""
    from thinsection.study.photos import folds_of, read_examples
    from thinsection.study.settings import read_settings
    from thinsection.study.training import trained

    settings = read_settings()
    design = settings.designs[name]
    params = load_params().model_copy(update={"seed": settings.seed})
    examples = read_examples(Path("study/data/photos"), design)
    folds = folds_of(examples.photos, settings, design.repeats)
    with writing_folder(Path("study/data/designs") / name) as folder, log_cost(f"study-{name}"):
        found = trained(design, examples, folds, params)
        np.save(folder / "right.npy", found.right)
        found.networks.to_csv(folder / "networks.csv", index=False, float_format="%.8g")


if __name__ == "__main__":
    run(main)
