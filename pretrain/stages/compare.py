"""Stage compare: what the backbones are worth on real photos (pretrain/data/compared.csv)."""

from pathlib import Path
from tempfile import TemporaryDirectory

from thinsection.console.stage import run

BACKBONES = {
    "imagenet": "pretrained",
    "renders": "pretrain/data/scratch/renders.safetensors",
    "imagenet-renders": "pretrain/data/imagenet/renders.safetensors",
    "mean": "pretrain/data/imagenet/mean.safetensors",
}


def main() -> None:
    """Embed the photos with each backbone, cross-validate, compare with ImageNet's."""
    import numpy as np
    import pandas as pd

    from thinsection.dataset.colour_texture import colour_texture
    from thinsection.ingest.pack import scratch_files, write_pixels
    from thinsection.ingest.survey import pack_settings, survey
    from thinsection.learning.examples.embedding import embed
    from thinsection.params import load_params
    from thinsection.pretrain.compare import arms_of, differences, right_by_arm
    from thinsection.pretrain.settings import read_settings

    settings, params = read_settings(Path("pretrain/params.yaml")), load_params()
    own = settings.compare
    size = {"height": own.height, "width": own.width}
    ingest = params.ingest.model_copy(update=size | {"lights": "apart"})
    dataset = params.dataset.model_copy(update={"path": own.photos})
    with TemporaryDirectory() as place, scratch_files(Path(place)) as scratch:
        found = survey(dataset, ingest, scratch)
        write_pixels(scratch, found.rows, pack_settings(ingest), Path(place) / "pixels.npy")
        pixels = np.load(Path(place) / "pixels.npy")
    vectors = {
        name: embed(
            pixels,
            params.embedding.model_copy(
                update=size | {"backbone": "lite0", "weights": weights, "views": own.views}
            ),
        )
        for name, weights in BACKBONES.items()
    }
    colours = np.stack([colour_texture(photo) for photo in pixels])
    arms = arms_of(vectors, colours)
    right = right_by_arm(
        found.photos, arms, folds=own.folds, repeats=own.repeats, seed=settings.seed
    )
    groups = pd.factorize(found.photos["group"])[0]
    rows = differences(right, groups, "imagenet", own.bootstrap_draws, settings.seed)
    pd.DataFrame(rows).to_csv("pretrain/data/compared.csv", index=False, float_format="%.4f")
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    run(main)
