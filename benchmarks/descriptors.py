"""
Which descriptors help classifiers of colour and texture?

Every candidate is added to the first 74 numbers of ``colour_texture`` (without its joint histograms,
which are a candidate themselves) of the photos of a project whose stage ``split`` has run. A support
vector machine and a random forest are judged by folds inside the training part of every fold, so
the photos held out there decide nothing. Differences are given with their standard error over
specimens.

    python benchmarks/descriptors.py [project folder [repeats of the inner folds, 4 by default]]
    python benchmarks/descriptors.py noise FOLDER    # of a folder of photos with a photos.csv
"""

import os
import sys
import warnings
from collections.abc import Callable
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage
from skimage.color import rgb2gray, rgb2lab
from skimage.feature import graycomatrix, local_binary_pattern
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from thinsection.base.arrays import Bytes, Floats, Ints
from thinsection.dataset.colour_texture import colour_texture, hue_chroma_lightness
from thinsection.dataset.folds import read_folds
from thinsection.dataset.packed import read_dataset
from thinsection.learning.examples.examples import groups_of
from thinsection.render.chart import interference_colours

PERCENTS = (2, 10, 25, 50, 75, 90, 98)
ORDER_ENDS_NM = (0, 60, 120, 180, 240, 300, 360, 430, 500, 551, 620, 700, 800, 900, 1000, 1102, 1250,
                 1400, 1653, 2300)  # fmt: skip


def co_occurrence(photo: Bytes) -> Floats:
    """Of grey levels at four distances: six properties, mean and range over four directions."""
    levels = (rgb2gray(photo) * 31.99).astype(np.uint8)
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    shares = graycomatrix(levels, [1, 2, 4, 8], angles, 32, symmetric=True, normed=True)
    apart = np.abs(np.subtract.outer(np.arange(32), np.arange(32)))[..., None, None]
    contrast = (shares * apart**2).sum((0, 1))
    each = [
        contrast,
        (shares * apart).sum((0, 1)),
        (shares / (1 + apart**2)).sum((0, 1)),
        np.sqrt((shares**2).sum((0, 1))),
        -(shares * np.log2(shares + 1e-12)).sum((0, 1)),
        1 - contrast / (2 * levels.var() + 1e-6),
    ]
    return np.concatenate([part for x in each for part in (x.mean(1), np.ptp(x, axis=1))])


def wider_patterns(photo: Bytes) -> Floats:
    """Uniform local binary patterns at radius 2 and 4."""
    grey = (rgb2gray(photo) * 255).astype(np.uint8)
    each = [
        np.bincount(
            local_binary_pattern(grey, n, r, "uniform").astype(int).ravel(), minlength=n + 2
        )
        for n, r in ((8, 2), (16, 4))
    ]
    shares: Floats = np.concatenate(each) / grey.size
    return shares


def gabor(photo: Bytes) -> Floats:
    """Energy at four wavelengths, and how much one of six directions has more of it."""
    grey = rgb2gray(photo)
    spectrum = np.fft.fft2(grey - grey.mean())
    energy = np.abs(np.fft.ifft2(spectrum * _bank(*grey.shape))).mean((1, 2)).reshape(4, 6)
    return np.concatenate([np.log(energy.mean(1) + 1e-5), energy.max(1) / (energy.mean(1) + 1e-9)])


@cache
def _bank(height: int, width: int) -> Floats:
    y, x = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)
    turned = [
        (f, x * np.cos(a) + y * np.sin(a), y * np.cos(a) - x * np.sin(a))
        for f in (0.35, 0.2, 0.11, 0.06)
        for a in np.pi * np.arange(6) / 6
    ]
    return np.stack([np.exp(-((u - f) ** 2 + v**2) / (2 * (0.3 * f) ** 2)) for f, u, v in turned])


def direction(photo: Bytes) -> Floats:
    """How much the gradients of a neighbourhood agree, as along cleavage, at three sizes."""
    grey = rgb2gray(photo)
    y, x = ndimage.sobel(grey, 0), ndimage.sobel(grey, 1)
    found = []
    for sigma in (1.5, 4, 10):
        xx, yy, xy = (ndimage.gaussian_filter(p, sigma) for p in (x * x, y * y, x * y))
        agreement = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (xx + yy + 1e-6)
        found += [agreement.mean(), *np.percentile(agreement, (25, 50, 75))]
    return np.array(found)


def lab_percentiles(photo: Bytes) -> Floats:
    """Percentiles of CIE L, a, b and chroma."""
    lab = rgb2lab(photo).reshape(-1, 3).T
    found: Floats = np.percentile([*lab, np.hypot(lab[1], lab[2])], PERCENTS, axis=1)
    return found.ravel()


def interference_order(photo: Bytes) -> Floats:
    """Shares of the retardations whose interference colours are nearest, and how near they are."""
    nm, distance = _nearest_retardations()
    r, g, b = (photo >> 3).astype(int).reshape(-1, 3).T
    cells = (r * 32 + g) * 32 + b
    found = nm[cells]
    shares = np.histogram(found, ORDER_ENDS_NM)[0] / len(found)
    return np.array([*shares, *np.percentile(found, PERCENTS), distance[cells].mean()])


@cache
def _nearest_retardations() -> tuple[Floats, Floats]:
    """Of 32 levels of each channel: retardation in nanometres, distance in CIE Lab."""
    nm = np.arange(0, 2200, 10.0)
    curve = rgb2lab(interference_colours(nm))
    levels = (np.arange(32) + 0.5) / 32
    cube = rgb2lab(np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1)).reshape(-1, 3)
    squares = np.stack([((cube - colour) ** 2 @ (0.25, 1, 1)) for colour in curve], 1)
    return nm[squares.argmin(1)], np.sqrt(squares.min(1))


def dark_and_colourless(photo: Bytes) -> Floats:
    """Shares of pixels below and above lightnesses, as in extinction, and below chromas."""
    lightness, a, b = rgb2lab(photo).reshape(-1, 3).T
    chroma = np.hypot(a, b)
    below = [(lightness < t).mean() for t in (5, 10, 15, 20, 30)]
    above = [(lightness > t).mean() for t in (80, 90, 95)]
    return np.array(below + above + [(chroma < t).mean() for t in (3, 6, 12)])


def fine_colour(photo: Bytes) -> Floats:
    """Spread of a and b in CIE Lab within one pixel or two: also what a camera's noise has."""
    return _bands(photo, (1, 2), (0, 1, 2))


def coarse_colour(photo: Bytes) -> Floats:
    """Spread of L, a and b in CIE Lab in bands of 4 to 16 pixels."""
    return _bands(photo, (0, 1, 2), (4, 8, 16))


def _bands(photo: Bytes, channels: tuple[int, ...], sigmas: tuple[int, ...]) -> Floats:
    lab = rgb2lab(photo)
    each = [[ndimage.gaussian_filter(lab[..., c], sigma) for sigma in sigmas] for c in channels]
    return np.array([np.log((a - b).std() + 0.05) for of in each for a, b in pairwise(of)])


CANDIDATES: dict[str, Callable[[Bytes], Floats]] = {
    "hue, chroma, lightness together": hue_chroma_lightness,
    "interference order": interference_order,
    "Lab percentiles": lab_percentiles,
    "dark and colourless": dark_and_colourless,
    "co-occurrence": co_occurrence,
    "wider binary patterns": wider_patterns,
    "Gabor": gabor,
    "direction": direction,
    "coarse colour texture": coarse_colour,
    "fine colour texture": fine_colour,
}


def right(x: Floats, labels: Ints, groups: Ints, train: list[Ints], forest: bool, n: int) -> Floats:
    """Share of the inner folds' classifiers that are right, of each photo."""
    hits, times = np.zeros(len(labels)), np.zeros(len(labels))
    for number, rows in enumerate(train):
        for repeat in range(n):
            state = 100 * number + repeat
            inner = StratifiedGroupKFold(3, shuffle=True, random_state=state)
            for learned, judged in inner.split(rows, labels[rows], groups[rows]):
                model = (
                    RandomForestClassifier(100, random_state=repeat, n_jobs=-1)
                    if forest
                    else make_pipeline(StandardScaler(), SVC(C=3))
                )
                a, b = rows[learned], rows[judged]
                hits[b] += model.fit(x[a], labels[a]).predict(x[b]) == labels[b]
                times[b] += 1
    return hits / times


def standard_error(difference: Floats, groups: Ints) -> float:
    """Of a mean over photos, as specimens vary."""
    by_group = np.bincount(groups, difference - difference.mean())
    return float(np.sqrt((by_group**2).sum()) / len(difference))


def noise_alone(folder: str) -> None:
    """
    How well the noise of one channel tells two classes apart in plane-polarised light.

    The noise is the median spread within 7 x 7 pixels of what is finer than 1.5 pixels, in the
    files as they are, for resizing changes it.
    """
    photos = pd.read_csv(Path(folder) / "photos.csv").query("light == 'ppl'")
    labs = [rgb2lab(Image.open(Path(folder) / file).convert("RGB")) for file in photos["file"]]
    for channel, name in enumerate("Lab"):
        noise = np.array([_noise(lab[..., channel]) for lab in labs])
        for pair in combinations(sorted(photos["label"].unique()), 2):
            among = photos["label"].isin(pair).to_numpy()
            auc = roc_auc_score(photos["label"][among] == pair[0], noise[among])
            print(f"noise of {name}, {pair[0]} and {pair[1]}: AUC {max(auc, 1 - auc):.3f}")


def _noise(values: Floats) -> float:
    fine = values - ndimage.gaussian_filter(values, 1.5)
    return float(np.median(np.sqrt(ndimage.uniform_filter(fine**2, 7).clip(0))))


def main(folder: str = ".", repeats: str = "4") -> None:
    """Print a line for each candidate."""
    os.chdir(folder)
    warnings.filterwarnings("ignore", "The least populated class")
    photos = read_dataset()
    labels, groups = photos.labels, groups_of(photos)
    train = [fold.train for fold in read_folds(photos.table)]
    plain = np.stack([colour_texture(photo)[:74] for photo in photos.pixels])
    vectors = {"colour_texture without the last 52": plain}
    for name, candidate in CANDIDATES.items():
        more = np.stack([candidate(photo) for photo in photos.pixels])
        vectors[f"+ {name}"] = np.hstack([plain, np.nan_to_num(more)])
    first: dict[bool, Floats] = {}
    for name, x in vectors.items():
        line = f"{name:36} {x.shape[1]:4}"
        for forest in (False, True):
            found = right(x, labels, groups, train, forest, int(repeats))
            gain = found - first.setdefault(forest, found)
            line += f"   {'forest' if forest else 'SVM'} {found.mean():.3f} "
            line += f"({gain.mean():+.3f} ± {standard_error(gain, groups):.3f})"
        print(line, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["noise"]:
        noise_alone(sys.argv[2])
    else:
        main(*sys.argv[1:])
