"""The photos of a study: rendered, or a folder of real ones, with their vectors and variants."""

from pathlib import Path
from tempfile import TemporaryDirectory

from thinsection.base.files import writing_folder
from thinsection.base.tables import PHOTOS, VARIANTS, write_table
from thinsection.dataset.folds import Fold, as_folds, assign_folds
from thinsection.dataset.packed import Dataset, read_dataset, read_variants, write_packed
from thinsection.ingest.pack import scratch_files, write_pixels
from thinsection.ingest.survey import pack_settings, survey
from thinsection.learning.examples.augment import stored_variants
from thinsection.learning.examples.features import write_features
from thinsection.params import Params, params_of
from thinsection.render.dataset import write_dataset
from thinsection.study.settings import PhotoSettings


def write_photos(folder: Path, settings: PhotoSettings, params: Params) -> int:
    """
    Write the photos, their variants, and the vectors of both, each photo a sample of its own.

    Returns
    -------
    n_photos : number of photos
    """
    content = params.model_dump()
    for section, changes in settings.changes.items():
        content[section] |= changes
    params = params_of(content)
    with writing_folder(folder) as partial, TemporaryDirectory(dir=folder.parent) as scratch:
        source = Path(settings.folder or Path(scratch) / "rendered")
        if not settings.folder:
            rendered = {"specimens": settings.specimens, "fields": settings.fields}
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
            photos.pixels, ids, params.augment, settings.variants, settings.seed
        )
        (partial / "variants").mkdir()
        write_packed(
            partial / "variants/pixels.npy", (len(table), *photos.pixels.shape[1:]), chunks
        )
        write_table(table, partial / "variants/variants.csv", VARIANTS)
        variants = read_variants(photos, partial / "variants")
        for kind in settings.features:
            (partial / "features" / kind).mkdir(parents=True)
            write_features(
                kind,
                photos,
                variants,
                partial / "features" / kind,
                # an embedding of each variant would take as long as all trainings
                asked="photos" if kind == "embedding" else "photos and variants",
                pixels=params.pixels,
                embedding=params.embedding,
            )
    return len(photos.photos)


def folds_of(photos: Dataset, n_folds: int, repeats: int, seed: int) -> list[Fold]:
    """Folds that keep specimens whole, the same for all designs on these photos."""
    table = assign_folds(photos.table, "grouped", n_folds, repeats, seed)
    return as_folds(table, photos.table)
