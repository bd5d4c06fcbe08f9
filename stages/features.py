"""Stage features: photos and variants as vectors of one kind (data/features/<kind>)."""

import json

from thinsection.base.files import writing_folder
from thinsection.base.places import FEATURES, PLAN
from thinsection.console.stage import log_cost, run
from thinsection.dataset.packed import read_dataset, read_variants
from thinsection.learning.examples.features import write_features
from thinsection.params import load_params


def main(kind: str) -> None:
    """Make the vectors that are needed."""
    asked = json.loads((PLAN / f"{kind}.json").read_text(encoding="utf-8"))["asked"]
    params, photos = load_params(), read_dataset()
    with writing_folder(FEATURES / kind) as folder, log_cost(f"features-{kind}"):
        write_features(
            kind,
            photos,
            read_variants(photos),
            folder,
            asked=asked,
            pixels=params.pixels,
            embedding=params.embedding,
        )


if __name__ == "__main__":
    run(main)
