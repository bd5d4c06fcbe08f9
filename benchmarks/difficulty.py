"""
How hard the demo photos are: classical models on 32 x 32 raw pixels, 5-fold.

    python benchmarks/difficulty.py [data/demo] [more folders ...]

Prints accuracy with folds drawn at random and with specimens kept whole, and what a tree makes of
file size and mean brightness alone.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

SEED = 0


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


def main(folders):
    for folder in folders:
        pixels, plain, labels, specimens = read(folder)
        ways = {"random": random_folds(labels), "grouped": grouped_folds(labels, specimens)}
        chance = np.unique(labels, return_counts=True)[1].max() / len(labels)
        print(f"{folder}: {len(labels)} photos, chance {chance:.2f}")
        for name, model in models().items():
            scores = [accuracy(model, pixels, labels, folds) for folds in ways.values()]
            print(
                f"  {name:14s}"
                + "".join(f"  {w} {s:.3f}" for w, s in zip(ways, scores, strict=True)),
                flush=True,
            )
        tree = make_pipeline(
            StandardScaler(), DecisionTreeClassifier(max_depth=4, random_state=SEED)
        )
        for name, columns in (("size+brightness", [0, 1]), ("brightness", [1]), ("size", [0])):
            scores = [accuracy(tree, plain[:, columns], labels, f) for f in ways.values()]
            print(
                f"  tree, {name:16s}"
                + "".join(f"  {w} {s:.3f}" for w, s in zip(ways, scores, strict=True))
            )


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:] or ["data/demo"]])
