"""
What photos at several angles of the stage add, and which photo made of them is the best to have.

    python benchmarks/turned_stage.py FOLDER

FOLDER is a project whose stages up to `split` have run, of samples at three angles or more between
crossed polarisers (`thinsection render photos --angles 0,30,60`). Accuracy on the held-out samples of
the same folds:

- a photo in plane-polarised light (ppl), one between crossed polarisers (xpl), or all angles of it;
- brightest: each pixel at the angle where it is brightest, as ingestion makes it;
- extinction: brightness at that angle, amplitude, and how near the angle of extinction is to the field's mean,
  as three channels that turns and flips of a photo leave as they are.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.base.arrays import Bytes
from thinsection.dataset.extinction import BRIGHTEST, LUMA, Extinction, encoded, extinction
from thinsection.dataset.folds import read_folds
from thinsection.dataset.packed import Dataset, read_dataset
from thinsection.families import FAMILIES
from thinsection.learning.examples.examples import Examples
from thinsection.learning.examples.features import Features, as_features, extract
from thinsection.params import load_params

CLASSIFIERS = (
    ("baseline", "random_forest"),
    ("petrographic", "random_forest"),
    ("petrographic", "svm"),
    ("transfer", "linear"),
)
KINDS = ("pixels", "colour_texture", "embedding")
XPL, ONE, MADE = "xpl", "one xpl", "extinction"
SHOWN = (
    ("ppl",), (ONE,), (XPL,), (BRIGHTEST,), (MADE,),
    ("ppl", ONE), ("ppl", XPL), ("ppl", XPL, BRIGHTEST), ("ppl", XPL, MADE),
    ("ppl", XPL, BRIGHTEST, MADE),
)  # fmt: skip


def picture(found: Extinction) -> Bytes:
    """(H, W, 3) uint8: brightness, amplitude, and the cosine of four times the angle to the mean."""
    phase = 4 * np.radians(found.angle_deg)
    mean = np.angle((found.amplitude * np.exp(1j * phase)).sum())
    near = 0.5 + 0.5 * np.cos(phase - mean) * found.contrast
    channels = [encoded(found.brightest @ LUMA), encoded(2 * found.amplitude)]
    return np.stack([*channels, np.rint(255 * near).astype(np.uint8)], axis=-1)


def with_pictures(photos: Dataset) -> Dataset:
    """The photos, and those of extinction, under a light that ingestion knows by another name."""
    table, made = photos.photos, []
    rows = []
    for sample, members in table[table["light"] == XPL].groupby("sample", sort=True):
        stack = photos.pixels[members.index]
        made.append(picture(extinction(stack, members["angle"].tolist())))
        rows.append(members.iloc[0].to_dict() | {"photo_id": f"{sample} ({MADE})", "light": ""})
    pixels = np.concatenate([photos.pixels, np.stack(made)])
    return Dataset(pixels, pd.concat([table, pd.DataFrame(rows)], ignore_index=True))


def shown(photos: Dataset, lights: tuple[str, ...]) -> np.ndarray:
    """Which photos a classifier is shown."""
    light = photos.photos["light"].replace("", MADE)
    first = ~photos.photos.assign(light=light).duplicated(["sample", "light"])
    kept = light.isin(lights) | ((light == XPL) & first & (ONE in lights))
    return np.flatnonzero(kept)


def main() -> None:
    """Print one line for each choice of lights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    params = load_params(folder / "params.yaml")
    photos = with_pictures(read_dataset(folder / "data/ingested"))
    vectors = {
        kind: extract(kind, photos.pixels, params.pixels, params.embedding) for kind in KINDS
    }
    for lights in SHOWN:
        rows = shown(photos, lights)
        some = Dataset(photos.pixels[rows], photos.photos.iloc[rows].reset_index(drop=True))
        folds = [
            fold for fold in read_folds(some.table, folder / "data/folds.csv") if not fold.repeat
        ]
        figures = []
        for family, name in CLASSIFIERS:
            settings = params.fit_settings(family)
            parts = [
                as_features(vectors[kind][rows], vectors[kind][:0], np.empty(0, np.int64))
                for kind in settings.own.kinds
            ]
            joined = Features(
                np.concatenate([part.x for part in parts], axis=1),
                parts[0].parents,
                sizes=tuple(part.x.shape[1] for part in parts) if len(parts) > 1 else (),
            )
            fit_folds = FAMILIES[family].fit_folds()
            results = fit_folds(name, Examples(some, joined), folds, settings)
            right = [
                result.probabilities.argmax(axis=1) == some.labels[result.fold.held_out]
                for result in results
            ]
            figures.append(f"{family}-{name} {np.concatenate(right).mean():.3f}")
        print(f"{' + '.join(lights)}: {', '.join(figures)}", flush=True)


if __name__ == "__main__":
    main()
