"""
How hard the demo photos are: classical models on 32 x 32 raw pixels, 5-fold.

    python benchmarks/difficulty.py [data/demo] [more folders ...]
    python benchmarks/difficulty.py --resnet [data/demo]      # also a ResNet-18 from random weights

Prints accuracy with folds drawn at random and with specimens kept whole, and what a tree makes of
file size and mean brightness alone. The ResNet is the project's own, trained on the same folds;
it takes some ten minutes on two cores. A GPU is found and used by itself.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.learning.crossval import cross_validate
from thinsection.learning.examples.examples import Examples
from thinsection.params import load_params

SEED = 0
RESNET_SIZE = 64, 96  # height, width


def models():
    return {
        "random forest": RandomForestClassifier(300, random_state=SEED),
        "naive Bayes": GaussianNB(),
        "SVC": SVC(C=10),
        "MLP": make_pipeline(
            StandardScaler(), MLPClassifier((100,), max_iter=300, random_state=SEED)
        ),
        "tree": DecisionTreeClassifier(random_state=SEED),
        "AdaBoost": AdaBoostClassifier(random_state=SEED),
    }


def read(folder):
    with (folder / "photos.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pixels, plain = [], []
    for row in rows:
        path = folder / row["file"]
        photo = Image.open(path).convert("RGB")
        small = photo.resize((32, 32), Image.Resampling.BOX)
        pixels.append(np.asarray(small, np.float32).ravel() / 255)
        plain.append([path.stat().st_size, np.asarray(photo).mean()])
    labels = np.array([row["label"] for row in rows])
    specimens = np.array([row["specimen"] for row in rows])
    return np.array(pixels), np.array(plain), labels, specimens


def random_folds(labels):
    return list(StratifiedKFold(5, shuffle=True, random_state=SEED).split(labels, labels))


def grouped_folds(labels, specimens):
    folds = GroupKFold(5, shuffle=True, random_state=SEED)
    return list(folds.split(labels, labels, specimens))


def accuracy(model, features, labels, folds):
    return cross_val_score(model, features, labels, cv=folds).mean()


def resnet_accuracy(folder, folds, epochs):
    """Mean over the folds, as of the other models."""
    rows = pd.read_csv(folder / "photos.csv", dtype=str, keep_default_na=False)
    height, width = RESNET_SIZE
    pixels = np.stack([_small(folder / name, width, height) for name in rows["file"]])
    table = rows.assign(photo_id=rows["file"], group=rows["specimen"])
    params = load_params()
    resnet = {"height": height, "width": width, "weights": "none", "epochs": epochs}
    params = params.model_copy(update={"resnet": params.resnet.model_copy(update=resnet)})
    numbered = [Fold(0, number, *sides) for number, sides in enumerate(folds)]
    from thinsection.families.resnet import training as family  # torch: for this model alone

    examples = Examples(Dataset(pixels, table), None)
    fit_settings = params.fit_settings("resnet")
    fitted = cross_validate(family.fit_folds, "18", examples, numbered, fit_settings)
    found = fitted.predictions
    return (found["label"] == found["predicted"]).groupby(found["fold"]).mean().mean()


def _small(path, width, height):
    with Image.open(path) as photo:
        return np.asarray(photo.convert("RGB").resize((width, height), Image.Resampling.BOX))


def shown(name, ways, scores):
    each = "".join(f"  {way} {score:.3f}" for way, score in zip(ways, scores, strict=True))
    print(f"  {name:22s}{each}", flush=True)


def main(folders, resnet, epochs):
    for folder in folders:
        pixels, plain, labels, specimens = read(folder)
        ways = {"random": random_folds(labels), "grouped": grouped_folds(labels, specimens)}
        chance = np.unique(labels, return_counts=True)[1].max() / len(labels)
        print(f"{folder}: {len(labels)} photos, chance {chance:.2f}")
        best = np.zeros(len(ways))
        for name, model in models().items():
            scores = [accuracy(model, pixels, labels, folds) for folds in ways.values()]
            best = np.maximum(best, scores)
            shown(name, ways, scores)
        shown("best pixel model", ways, best)
        if resnet:
            scores = [resnet_accuracy(folder, folds, epochs) for folds in ways.values()]
            shown(f"ResNet-18, {epochs} epochs", ways, scores)
        tree = make_pipeline(
            StandardScaler(), DecisionTreeClassifier(max_depth=4, random_state=SEED)
        )
        for name, columns in (("size+brightness", [0, 1]), ("brightness", [1]), ("size", [0])):
            scores = [accuracy(tree, plain[:, columns], labels, f) for f in ways.values()]
            shown(f"tree, {name}", ways, scores)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*", type=Path, default=[Path("data/demo")])
    parser.add_argument("--resnet", action="store_true")
    parser.add_argument("--epochs", type=int, default=20)
    given = parser.parse_args()
    main(given.folders, given.resnet, given.epochs)
