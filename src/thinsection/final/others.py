"""Photos of none of the classes, as the stage ``others`` renders them."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from thinsection.base.arrays import Bytes
from thinsection.decode.photo import decode_photo, fit_to_size
from thinsection.settings import IngestSettings


def read_others(
    folder: Path, height: int, width: int, ingest: IngestSettings, classes: Collection[str]
) -> Bytes:
    """
    (n, height, width, 3) uint8: the photos, prepared as ingestion prepares its own; may be none.

    Parameters
    ----------
    folder : of class folders
    classes : of the model, whose photos are left out, by the name of their folder
    """
    found = [
        np.asarray(
            fit_to_size(
                decode_photo(path, (height, width), ingest.max_megapixels).image,
                height,
                width,
                ingest.fit,
            )
        )
        for path in sorted(folder.glob("*/*.jpg"))
        if path.parent.name not in classes
    ]
    return np.stack(found) if found else np.empty((0, height, width, 3), np.uint8)
