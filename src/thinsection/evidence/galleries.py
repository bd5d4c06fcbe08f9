"""The photos that the report shows: examples, errors, doubtful labels. Trains nothing."""

import numpy as np
import pandas as pd

from thinsection.base.arrays import Floats, Ints
from thinsection.base.tables import PROBABILITY
from thinsection.evidence.paper import PAPER_NETWORKS, PAPER_SWEEP
from thinsection.evidence.runs import OutOfFold, Study

# Photos in each gallery; the paper's figures have 8.
EXAMPLES, MISTAKES, WORST = 8, 8, 12
CONFUSIONS, OF_EACH = 6, 8  # pairs of classes that are confused, photos for each pair
FIRST_REPEAT = 0  # galleries show the predictions of this repeat


def gallery_table(
    study: Study, best: dict[str, str], features: Floats, rng: np.random.Generator
) -> pd.DataFrame:
    """
    gallery.csv: the photos of each gallery, in order.

    ``examples`` and ``mistakes`` are drawn at random from the best FCNN's held-out photos (the
    paper's Figures 2 and 4), ``resnet`` from the deepest ResNet's (Figure 8). ``worst`` are the
    most confident mistakes of the best model of each family, ``confusions`` those of the best
    model overall by pair of classes, the most frequent pair first.

    Parameters
    ----------
    best : family -> its best model, the best family first
    features : (n_photos, n_features) colour and texture, for finding similar photos
    """
    parts = []
    if PAPER_SWEEP in best:
        fcnn = study.result(best[PAPER_SWEEP])
        parts.append(_rows(study, fcnn, "examples", _by_lot(fcnn, EXAMPLES, rng)))
        wrong = np.flatnonzero(~fcnn.repeats[FIRST_REPEAT].right)
        chosen = np.sort(rng.permutation(wrong)[:MISTAKES])
        parts.append(_rows(study, fcnn, "mistakes", chosen))
    resnets = [r for r in study.results if r.run.family == PAPER_NETWORKS]
    if resnets:
        deepest = max(resnets, key=lambda r: r.run.depth or 0)
        parts.append(_rows(study, deepest, "resnet", _by_lot(deepest, EXAMPLES, rng)))
    for model in best.values():
        result = study.result(model)
        parts.append(_rows(study, result, "worst", _most_confident_mistakes(result)[:WORST]))
    very_best = study.result(next(iter(best.values())))
    parts.append(_rows(study, very_best, "confusions", _commonest_confusions(very_best)))
    table = pd.concat(parts, ignore_index=True)
    return _with_similar_photos(table, study, _standardised(features))


def _by_lot(result: OutOfFold, n: int, rng: np.random.Generator) -> Ints:
    """Rows of ``n`` random photos, taken from the classes in turn."""
    labels = result.repeats[FIRST_REPEAT].labels
    shuffled = rng.permutation(len(labels))
    turn = pd.Series(labels[shuffled]).groupby(labels[shuffled]).cumcount().to_numpy()
    chosen = shuffled[np.argsort(turn, kind="stable")][:n]
    return chosen[np.argsort(labels[chosen], kind="stable")]


def _most_confident_mistakes(result: OutOfFold) -> Ints:
    outcomes = result.repeats[FIRST_REPEAT]
    confidence = outcomes.probabilities[np.arange(len(outcomes.labels)), outcomes.predicted]
    wrong = np.flatnonzero(~outcomes.right)
    return wrong[np.argsort(-confidence[wrong], kind="stable")]


def _commonest_confusions(result: OutOfFold) -> Ints:
    outcomes = result.repeats[FIRST_REPEAT]
    wrong = _most_confident_mistakes(result)
    pairs = pd.DataFrame({"label": outcomes.labels[wrong], "named": outcomes.predicted[wrong]})
    by_pair = pairs.groupby(["label", "named"])
    commonest = by_pair.size().sort_values(ascending=False, kind="stable").index[:CONFUSIONS]
    of_pairs = [wrong[by_pair.indices[pair][:OF_EACH]] for pair in commonest]
    return np.concatenate([np.empty(0, int), *of_pairs])


def _rows(study: Study, result: OutOfFold, gallery: str, photos: Ints) -> pd.DataFrame:
    outcomes = result.repeats[FIRST_REPEAT]
    classes = np.array(study.dataset.classes)
    frame = pd.DataFrame(
        {
            "gallery": gallery,
            "model": result.run.model,
            "place": np.arange(len(photos)),
            "sample": study.dataset.table["sample"].to_numpy()[photos],
            "fold": study.folds[FIRST_REPEAT][photos],
            "label": classes[outcomes.labels[photos]],
            "predicted": classes[outcomes.predicted[photos]],
            "loss": result.losses[FIRST_REPEAT][photos],
        }
    )
    columns = [f"{PROBABILITY}{name}" for name in classes]
    return frame.join(pd.DataFrame(outcomes.probabilities[photos], columns=columns))


def _with_similar_photos(table: pd.DataFrame, study: Study, vectors: Floats) -> pd.DataFrame:
    """Add the training photo most similar to each of the worst mistakes, and its label."""
    worst = table["gallery"] == "worst"
    rows = pd.Index(study.dataset.table["sample"]).get_indexer(table["sample"].to_list())
    names, labels = study.dataset.table["sample"], study.dataset.table["label"]
    folds = study.folds[FIRST_REPEAT]
    table = table.assign(similar_sample="", similar_label="")
    for place in np.flatnonzero(worst):
        row = rows[place]
        distance = ((vectors - vectors[row]) ** 2).sum(axis=1)
        distance[folds == folds[row]] = np.inf  # only photos that the model was trained on
        nearest = int(distance.argmin())
        table.loc[place, "similar_sample"] = names[nearest]
        table.loc[place, "similar_label"] = labels[nearest]
    return table


def _standardised(features: Floats) -> Floats:
    """(n_photos, n_features): each feature with mean 0 and standard deviation 1."""
    vectors = features.astype(float)
    mean, spread = vectors.mean(axis=0), vectors.std(axis=0)
    standardised: Floats = (vectors - mean) / np.where(spread > 0, spread, 1)
    return standardised


def doubtful_labels(study: Study, best: dict[str, str]) -> pd.DataFrame:
    """
    doubtful.csv: photos whose label the classifiers contradict, the most doubtful first.

    Confident learning (Northcutt et al. 2021, JAIR 70, 1373-1411) by cleanlab, on out-of-fold
    probabilities averaged over repeats and over the best model of each family. This
    suggests photos to check: it can't distinguish a wrong label from a hard photo.
    """
    columns = ["sample", "label", "suggested", "p_label", "p_suggested"]
    dataset = study.dataset
    sizes = np.bincount(dataset.labels)
    if len(sizes) < 2:
        return pd.DataFrame(columns=columns)
    from cleanlab.filter import find_label_issues

    mean = np.mean(
        [o.probabilities for model in best.values() for o in study.result(model).repeats], axis=0
    )
    mean = mean / mean.sum(axis=1, keepdims=True)
    found = find_label_issues(
        dataset.labels, mean, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    classes = np.array(dataset.classes)
    suggested = mean.argmax(axis=1)
    found = np.array([i for i in found if suggested[i] != dataset.labels[i]], int)
    return pd.DataFrame(
        {
            "sample": dataset.table["sample"].to_numpy()[found],
            "label": classes[dataset.labels[found]],
            "suggested": classes[suggested[found]],
            "p_label": mean[found, dataset.labels[found]],
            "p_suggested": mean[found, suggested[found]],
        },
        columns=columns,
    )
