"""
What makes a frozen network name photos well: which one, the size of photos, views, the two kinds.

    python benchmarks/transfer.py [FOLDER] [--sizes 96x144,192x288] [--backbones lite0,lite2]

FOLDER is a project whose stages up to `split` have run. Accuracy on the held-out photos of its
folds, of logistic regression as in transfer-linear: on the embedding alone; beside colour and
texture, with every number alike; and with each kind counting alike. Photos that are packed smaller
than a size are enlarged.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from thinsection.dataset.folds import Fold, read_folds
from thinsection.dataset.packed import Dataset, read_dataset
from thinsection.families.transfer.logistic import fit_logistic
from thinsection.learning.examples.embedding import embed
from thinsection.learning.examples.examples import groups_of
from thinsection.learning.examples.features import extract
from thinsection.params import load_params
from thinsection.settings import EmbeddingSettings


def accuracy(x: np.ndarray, sizes: tuple[int, ...], photos: Dataset, folds: list[Fold]) -> float:
    """Share of the held-out photos named rightly."""
    strengths, groups = load_params().transfer.linear.c, groups_of(photos)
    right = []
    for fold in folds:
        fitted = fit_logistic(
            x[fold.train], photos.labels[fold.train], groups[fold.train], strengths, 0, sizes=sizes
        )
        logits = (x[fold.held_out] - fitted.mean) / fitted.std @ fitted.weight.T + fitted.bias
        right.append(logits.argmax(axis=1) == photos.labels[fold.held_out])
    return float(np.concatenate(right).mean())


def main() -> None:
    """Print one line for each network, size and number of views."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=".", type=Path)
    parser.add_argument("--sizes", default="96x144,192x288")
    parser.add_argument("--backbones", default="lite0,lite2")
    given = parser.parse_args()
    photos = read_dataset(given.folder / "data/ingested")
    folds = read_folds(photos.table, given.folder / "data/folds.csv")
    params = load_params()
    described = extract("colour_texture", photos.pixels, params.pixels, params.embedding)
    alone = accuracy(described, (), photos, folds)
    print(f"{len(photos.labels)} photos; colour and texture alone: {alone:.3f}")
    for backbone in given.backbones.split(","):
        for size in given.sizes.split(","):
            height, width = map(int, size.split("x"))
            for views in (1, 8):
                own = EmbeddingSettings(
                    backbone=backbone, weights="pretrained", height=height, width=width, views=views
                )
                started = time.perf_counter()
                x = embed(photos.pixels, own)
                seconds = time.perf_counter() - started
                both, kinds = np.hstack([x, described]), (x.shape[1], described.shape[1])
                print(
                    f"{backbone} {size} views {views}: {1000 * seconds / len(x):.0f} ms a photo; "
                    f"embedding {accuracy(x, (), photos, folds):.3f}, with colour and texture "
                    f"{accuracy(both, (), photos, folds):.3f}, each kind alike "
                    f"{accuracy(both, kinds, photos, folds):.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
