"""The packed photos: a memory-mapped array, a row of photos.csv for each, and their samples."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.base.arrays import Bytes, Ints, read_array
from thinsection.base.errors import InputError
from thinsection.base.places import AUGMENTED, INGESTED
from thinsection.base.tables import PHOTOS, VARIANTS, read_table
from thinsection.dataset.samples import Lights, samples_of


@dataclass(frozen=True)
class Dataset:
    """
    Photos, and the samples that they show: what is labelled, split, classified and counted.

    Where each photo is a sample of its own, rows of ``table`` and of ``photos`` are the same.

    Attributes
    ----------
    pixels : (n_photos, height, width, 3) uint8, sRGB, memory-mapped
    photos : the rows of photos.csv, in the order of ``pixels``
    """

    pixels: Bytes
    photos: pd.DataFrame

    @cached_property
    def _samples(self) -> tuple[pd.DataFrame, Lights]:
        return samples_of(self.photos)

    @property
    def table(self) -> pd.DataFrame:
        """One row per sample (``samples_of``)."""
        return self._samples[0]

    @property
    def lights(self) -> Lights:
        """Which photo shows which sample, in which light."""
        return self._samples[1]

    @cached_property
    def first_photos(self) -> Ints:
        """(n_samples,) int64: the photo by which each sample is shown where there is room for one."""
        return np.unique(self.lights.sample_of, return_index=True)[1]

    @property
    def classes(self) -> list[str]:
        """The class names, sorted: the order of every probability column."""
        return sorted(self.table["label"].unique())

    @property
    def labels(self) -> Ints:
        """(n_samples,) int64: the index of each sample's label in ``classes``."""
        return np.searchsorted(self.classes, self.table["label"].to_numpy(str)).astype(np.int64)


@dataclass(frozen=True)
class Variants:
    """
    Augmented photos.

    Attributes
    ----------
    pixels : (n_variants, height, width, 3) uint8, memory-mapped
    parents : (n_variants,) int64, the row of each variant's photo in the data set
    """

    pixels: Bytes
    parents: Ints


def read_dataset(folder: Path = INGESTED) -> Dataset:
    """The data set that ingest packed into ``folder`` (photos.csv, pixels.npy)."""
    table = read_table(folder / "photos.csv", PHOTOS)
    pixels = read_array(folder / "pixels.npy", mapped=True)
    if len(pixels) != len(table):
        raise InputError(
            f"{folder}: {len(table)} rows in photos.csv, {len(pixels)} photos in pixels.npy; "
            "the numbers must be equal. Run `dvc repro -f ingest`."
        )
    return Dataset(pixels, table)


def read_variants(dataset: Dataset, folder: Path = AUGMENTED) -> Variants:
    """The variants of a data set's photos (variants.csv, pixels.npy)."""
    table = read_table(folder / "variants.csv", VARIANTS)
    row_of = pd.Series(np.arange(len(dataset.photos)), index=dataset.photos["photo_id"])
    parents = row_of.reindex(table["photo_id"])
    if parents.isna().any():
        orphan = table.loc[parents.isna().to_numpy(), "variant_id"].iloc[0]
        raise InputError(
            f"{folder}/variants.csv: the photo of variant {orphan} is not in photos.csv. "
            "Run `dvc repro -f augment`."
        )
    return Variants(read_array(folder / "pixels.npy", mapped=True), parents.to_numpy(np.int64))


def write_packed(path: Path, shape: tuple[int, ...], chunks: Iterable[Bytes]) -> None:
    """
    Write photos to an .npy file chunk by chunk, so that memory does not grow with their number.

    Parameters
    ----------
    shape : (n_photos, height, width, 3)
    chunks : arrays (n, height, width, 3) uint8 with ``n_photos`` rows in total
    """
    written = 0
    with path.open(
        "wb"
    ) as file:  # an empty array mapped: on a full disk a mapped file kills the process
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            file.write(np.ascontiguousarray(chunk, np.uint8).data)
            written += len(chunk)
    assert written == shape[0], f"{written} photos, {shape[0]} expected"


def _memory_mapped(path: Path) -> Bytes:
    try:
        pixels: Bytes = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file. Run `dvc repro` to make it.") from None
    except ValueError:  # an empty array can't be memory-mapped
        pixels = np.load(path, allow_pickle=False)
    return pixels
