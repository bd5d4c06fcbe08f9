"""Results by class, by pair of classes and by specimen; and where the runs were trained."""

import numpy as np
import pandas as pd

from thinsection.evidence.metrics import (
    auc_per_class,
    confusion,
    f1_per_class,
    precision_per_class,
    recall_per_class,
)
from thinsection.evidence.result_tables import ENVIRONMENT
from thinsection.evidence.runs import Study


def per_class_table(study: Study) -> pd.DataFrame:
    """per_class.csv: precision, recall, F1 and AUC of each class, averaged over repeats."""
    photos = study.dataset.table
    n_photos = photos["label"].value_counts()
    n_specimens = photos.groupby("label")["group"].nunique()
    once = np.ones((1, len(photos)))
    rows = []
    for result in study.results:
        tables = np.array([confusion(o, once)[0] for o in result.repeats])
        areas = np.mean([auc_per_class(o, once)[0] for o in result.repeats], axis=0)
        for place, label in enumerate(study.dataset.classes):
            rows.append(
                {
                    "model": result.run.model,
                    "label": label,
                    "n_photos": n_photos[label],
                    "n_specimens": n_specimens[label],
                    "precision": precision_per_class(tables)[:, place].mean(),
                    "recall": recall_per_class(tables)[:, place].mean(),
                    "f1": f1_per_class(tables)[:, place].mean(),
                    "auc": areas[place],
                }
            )
    return pd.DataFrame(rows)


def environments_table(study: Study) -> pd.DataFrame:
    """
    environments.csv: where each run was trained, as it says itself; empty where it says nothing.

    A run that uses no network needs no PyTorch, and so has no version of it. A mean of other runs has no
    training of its own.
    """
    rows = []
    for result in study.results:
        told = result.model | result.model.get("environment", {})
        known = {name: str(told.get(name, "")) for name in ENVIRONMENT}
        rows.append({"model": result.run.model} | known)
    return pd.DataFrame(rows)


def confusion_table(study: Study) -> pd.DataFrame:
    """confusion.csv: photos by true and predicted class (mean of repeats), share of the row."""
    once = np.ones((1, len(study.dataset.table)))
    classes = study.dataset.classes
    rows = []
    for result in study.results:
        counts = np.mean([confusion(o, once)[0] for o in result.repeats], axis=0)
        shares = counts / counts.sum(axis=1, keepdims=True)
        for i, label in enumerate(classes):
            for j, predicted in enumerate(classes):
                rows.append(
                    {
                        "model": result.run.model,
                        "label": label,
                        "predicted": predicted,
                        "n_photos": counts[i, j],
                        "share": shares[i, j],
                    }
                )
    return pd.DataFrame(rows)


def specimens_table(study: Study, best: str) -> pd.DataFrame:
    """
    specimens.csv: share of each specimen's photos classified correctly, by class, the hardest
    first.

    A specimen here is a group, which folds never split. It has the name in ``specimen`` if all its
    photos share one, otherwise that of its first photo. ``right_of_all`` is the mean of all models,
    ``right`` the share of ``best``, ``mostly_named`` the class that ``best`` predicts most often.
    """
    photos = study.dataset.table.reset_index(drop=True)
    classes = np.array(study.dataset.classes)
    # (n_models, n_photos): share of the repeats
    right = np.mean([[o.right for o in r.repeats] for r in study.results], axis=1)
    place = [result.run.model for result in study.results].index(best)
    named = np.array([o.predicted for o in study.results[place].repeats])  # (n_repeats, n_photos)
    rows = []
    for (group, label), own in photos.groupby(["group", "label"]):
        members = own.index.to_numpy()
        names = set(own["specimen"])
        rows.append(
            {
                "specimen": names.pop() if len(names) == 1 and "" not in names else group,
                "label": label,
                "n_photos": len(members),
                "right": right[place, members].mean(),
                "right_of_all": right[:, members].mean(),
                "mostly_named": classes[np.bincount(named[:, members].ravel()).argmax()],
            }
        )
    return pd.DataFrame(rows).sort_values(["right_of_all", "specimen", "label"], ignore_index=True)
