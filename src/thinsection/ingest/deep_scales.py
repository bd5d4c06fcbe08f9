"""
One scale for the deep photos of a specimen or a data set: a first pass over their files.

It keeps two numbers of each photo, not the photo.
"""

import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from thinsection.console.progress import progress
from thinsection.decode.deep import EACH, DeepPhotos, DeepScale, SampleRange, pooled
from thinsection.decode.photo import UnusablePhoto, deep_range
from thinsection.ingest.chunks import Chunk, entries_of_files


@dataclass(frozen=True)
class _Measured:
    """The range of the file in a row; none if it has none, or can't be read."""

    row: int
    found: SampleRange | None = None


def scales_of(
    paths: Sequence[Path],
    specimens: Sequence[str],
    deep_photos: DeepPhotos,
    max_megapixels: float,
    workers: int = 0,
) -> list[DeepScale]:
    """
    The scale of the deep photo in each file; files that are none are given one too.

    The scales depend neither on the order of the files nor on the number of workers.

    Parameters
    ----------
    paths : (n_files,)
    specimens : (n_files,) empty: unknown; such a photo has its own scale
    deep_photos : as in ``ingest.deep_photos``
    workers : processes; 0 for one per core
    """
    if deep_photos == "each":
        return [EACH] * len(paths)
    if not isinstance(deep_photos, str):
        return [scale_by_bits(deep_photos)] * len(paths)
    found = _ranges(list(paths), max_megapixels, workers)
    if deep_photos == "dataset":
        return [scale_of_data_set(pooled(each for each in found if each))] * len(paths)
    return by_specimen(found, specimens, "its specimen is unknown")


def scale_by_bits(bits: int) -> DeepScale:
    """The scale of a camera with so many bits."""
    return DeepScale(bits=bits, whose=f"{bits} bits by ingest.deep_photos")


def scale_of_data_set(ranges: dict[str, tuple[float, float]]) -> DeepScale:
    """The scale of all photos whose ranges were pooled."""
    return DeepScale(ranges=ranges, whose="one scale for the data set")


def by_specimen(
    found: Sequence[SampleRange | None], specimens: Sequence[str], unknown: str
) -> list[DeepScale]:
    """
    One scale for all photos of a specimen.

    Parameters
    ----------
    found : (n_files,) the range of each photo, if it is a deep one
    specimens : (n_files,)
    unknown : why the photos without a specimen have their own scales, for the notes
    """
    members: dict[str, list[SampleRange]] = defaultdict(list)
    for specimen, each in zip(specimens, found, strict=True):
        if each is not None:
            members[specimen].append(each)
    scales = {
        specimen: DeepScale(
            ranges=pooled(each),
            whose=f"one scale for the {len(each)} deep photo{'s'[: len(each) > 1]} of {specimen}",
        )
        for specimen, each in members.items()
    }
    scales[""] = DeepScale(whose=f"its own scale, for {unknown}")
    return [scales.get(specimen, EACH) for specimen in specimens]


def _ranges(paths: list[Path], max_megapixels: float, workers: int) -> list[SampleRange | None]:
    """(n_files,) the range of each deep photo."""
    work = partial(measure_chunk, max_megapixels=max_megapixels)
    found: list[SampleRange | None] = [None] * len(paths)
    with progress("scales of deep photos", len(paths)) as shown:
        for entries in entries_of_files(paths, work, _Measured, workers):
            for each in entries:
                found[each.row] = each.found
            shown.advance("", len(entries))
    return found


def measure_chunk(chunk: Chunk, max_megapixels: float) -> list[_Measured]:
    """The ranges of some files; what can't be read is told when it is decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoders' warnings about damaged files
        return [_Measured(row, range_if_readable(path, max_megapixels)) for row, path in chunk]


def range_if_readable(path: Path, max_megapixels: float) -> SampleRange | None:
    """The range of a deep photo; None for a file that is none or can't be read."""
    try:
        return deep_range(path, max_megapixels)
    except (UnusablePhoto, OSError):
        return None
