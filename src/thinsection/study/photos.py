"""The photos of the study: rendered, or a folder of real ones, with their vectors and variants."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from thinsection.base.files import writing_folder
from thinsection.base.tables import PHOTOS, VARIANTS, write_table
from thinsection.dataset.folds import Fold, as_folds, assign_folds
from thinsection.dataset.packed import Dataset, read_dataset, read_variants, write_packed
from thinsection.ingest.pack import scratch_files, write_pixels
from thinsection.ingest.survey import pack_settings, survey
from thinsection.learning.examples.augment import stored_variants
from thinsection.learning.examples.examples import Examples
from thinsection.learning.examples.features import read_features, write_features
from thinsection.params import Params
from thinsection.render.dataset import write_dataset
from thinsection.study.settings import DesignSettings, StudySettings

KINDS = ("pixels", "embedding")


def write_photos(folder: Path, settings: StudySettings, params: Params) -> int:
    """
    Write the photos, their variants, and the vectors of both, each photo a sample of its own.

    Returns
    -------
    n_photos : number of photos
    """
    with writing_folder(folder) as partial, TemporaryDirectory(dir=folder.parent) as scratch:
        source = Path(settings.real or Path(scratch) / "rendered")
        if not settings.real:
            rendered = {"specimens": settings.photos.specimens, "fields": settings.photos.fields}
            wanted = params.render.model_copy(update=rendered | {"lights": "apart"})
            write_dataset(source, settings.seed, wanted)
        where = params.dataset.model_copy(update={"path": str(source)})
        ingest = params.ingest.model_copy(update={"lights": "apart"})
        with scratch_files(partial) as packed:
            found = survey(where, ingest, packed)
            write_pixels(packed, found.rows, (), pack_settings(ingest), partial / "pixels.npy")
        write_table(found.photos, partial / "photos.csv", PHOTOS)
        photos = read_dataset(partial)
        ids = list(photos.photos["photo_id"])
        chunks, table = stored_variants(
            photos.pixels, ids, params.augment, settings.photos.variants, settings.seed
        )
        (partial / "variants").mkdir()
        write_packed(
            partial / "variants/pixels.npy", (len(table), *photos.pixels.shape[1:]), chunks
        )
        write_table(table, partial / "variants/variants.csv", VARIANTS)
        variants = read_variants(photos, partial / "variants")
        for kind in KINDS:
            (partial / "features" / kind).mkdir(parents=True)
            write_features(
                kind,
                photos,
                variants,
                partial / "features" / kind,
                asked="photos and variants" if kind == "pixels" else "photos",
                pixels=params.pixels,
                embedding=params.embedding,
            )
    return len(photos.photos)


def read_examples(folder: Path, design: DesignSettings) -> Examples:
    """What a design learns from."""
    photos = read_dataset(folder)
    if design.family == "resnet":
        return Examples(photos)
    kind = design.changes.get("features", "pixels")
    return Examples(photos, read_features(kind, design.variants, folder / "features"))


def folds_of(photos: Dataset, settings: StudySettings, repeats: int) -> list[Fold]:
    """Folds that keep specimens whole, the same for all designs."""
    table = assign_folds(photos.table, "grouped", settings.folds, repeats, settings.seed)
    return as_folds(table, photos.table)


def groups_of(photos: Dataset) -> np.ndarray:
    """(n_samples,) int: the specimen of each sample."""
    return np.unique(photos.table["group"].to_numpy(str), return_inverse=True)[1]
