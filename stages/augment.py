"""Stage augment: variants of every photo, for training only (data/augmented)."""

from thinsection.base.files import writing_folder
from thinsection.base.places import AUGMENTED
from thinsection.base.tables import VARIANTS, write_table
from thinsection.console.stage import run
from thinsection.dataset.packed import read_dataset, write_packed
from thinsection.params import load_params


def main() -> None:
    """Make the variants that FCNNs and baselines learn from."""
    # Imported here: it loads PyTorch, for which `run` prepares.
    from thinsection.learning.examples.augment import stored_variants

    params = load_params()
    dataset = read_dataset()
    photo_ids = list(dataset.photos["photo_id"])
    lights = dataset.lights
    chunks, table = stored_variants(
        dataset.pixels,
        photo_ids,
        params.augment,
        params.augment.variants,
        params.seed,
        lights.sample_of if lights.together else None,
    )
    with writing_folder(AUGMENTED) as folder:
        shape = (len(table), *dataset.pixels.shape[1:])
        write_packed(folder / "pixels.npy", shape, chunks)
        write_table(table, folder / "variants.csv", VARIANTS)


if __name__ == "__main__":
    run(main)
