"""Training a design at each of its depths: what each held-out photo was named, and the signals."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.base.arrays import Bools
from thinsection.base.seeds import generator
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.families import FAMILIES
from thinsection.learning.contract import FitSettings, FoldResult
from thinsection.learning.examples.examples import Examples, as_vectors, read_examples
from thinsection.learning.examples.features import read_features
from thinsection.params import Params
from thinsection.study.settings import DesignSettings

MLP = "mlp"


@dataclass(frozen=True)
class Outcomes:
    """
    What a design reached.

    Attributes
    ----------
    right : (n_depths, n_repeats, n_samples) whether each held-out sample was named rightly
    networks : one row for each network: depth, repeat, fold, train_accuracy, epochs, and for FCNNs
        signal and weights (first hidden layer over the last one) and dead, at the first and the
        last epoch
    """

    right: Bools
    networks: pd.DataFrame


def trained(
    design: DesignSettings, examples: Examples, folds: list[Fold], params: Params
) -> Outcomes:
    """
    All networks of a design.

    Parameters
    ----------
    folds : of as many repeats as the design has
    params : of the product; the design changes some of a family
    """
    n_samples = len(examples.photos.table)
    right = np.zeros((len(design.depths), design.repeats, n_samples), bool)
    rows = []
    for place, depth in enumerate(design.depths):
        for result in _fitted(design, depth, examples, folds, params):
            named = result.probabilities.argmax(axis=1)
            held_out = result.fold.held_out
            right[place, result.fold.repeat, held_out] = named == examples.photos.labels[held_out]
            rows.append({"depth": depth, **_facts(result, depth)})
        print(f"depth {depth}: accuracy {right[place].mean():.3f}", flush=True)
    return Outcomes(right, pd.DataFrame(rows))


def examples_of(design: DesignSettings, photos: Dataset, params: Params, folder: Path) -> Examples:
    """
    What a design learns from.

    Parameters
    ----------
    folder : of the photos and their vectors (``photos.write_photos``)
    """
    if design.family == MLP:
        return Examples(photos, read_features("pixels", design.variants, folder / "features"))
    own = settings_of(design, params).own
    return read_examples(photos, own, design.variants, folder / "features")


def _fitted(
    design: DesignSettings, depth: int, examples: Examples, folds: list[Fold], params: Params
) -> Iterator[FoldResult]:
    if design.family == MLP:
        yield from _by_scikit_learn(depth, examples, folds, params.seed)
        return
    settings = settings_of(design, params)
    fit_folds = FAMILIES[design.family].fit_folds()
    yield from fit_folds(str(depth), examples, folds, settings)


def settings_of(design: DesignSettings, params: Params) -> FitSettings:
    """The settings of a family, with the changes of a design."""
    fit = params.fit_settings(design.family)
    own = fit.own.model_dump() | design.changes
    changed = type(fit.own).model_validate(own)
    return FitSettings(fit.seed, changed, fit.training, fit.operators, fit.compute)


def _by_scikit_learn(
    depth: int, examples: Examples, folds: list[Fold], seed: int
) -> Iterator[FoldResult]:
    """
    scikit-learn's MLPClassifier as Orange runs it: 200 neurons a layer, its own defaults otherwise.

    Glorot's first weights, Adam at 0.001, batches of 200, at most 200 epochs, an end when the loss has
    not fallen by 0.0001 for 10 epochs, a weight decay of 0.0001.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    vectors = as_vectors(examples)
    for fold in folds:
        rows, held_out = vectors.train_rows(fold), vectors.held_out_rows(fold)
        mean, std = vectors.x[rows].mean(axis=0), vectors.x[rows].std(axis=0)
        std[std < 1e-6] = 1
        rng = generator(seed, "study", MLP, depth, fold.repeat, fold.fold)
        network = MLPClassifier((200,) * depth, max_iter=200, random_state=int(rng.integers(2**31)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit((vectors.x[rows] - mean) / std, vectors.labels[rows])
        said = network.predict_proba((vectors.x[held_out] - mean) / std)
        learned = network.score((vectors.x[rows] - mean) / std, vectors.labels[rows])
        chances = np.zeros((len(said), len(examples.photos.classes)))
        chances[:, network.classes_] = said
        n_parameters = sum(each.size for each in (*network.coefs_, *network.intercepts_))
        history = [{"epoch": network.n_iter_, "train_accuracy": learned}]
        yield FoldResult(fold, chances, n_parameters, history)


def _facts(result: FoldResult, depth: int) -> dict[str, float]:
    last = result.history[-1]
    found = {
        "repeat": result.fold.repeat,
        "fold": result.fold.fold,
        "epochs": last["epoch"],
        "train_accuracy": last["train_accuracy"],
    }
    for name, epoch in (("first", 1), ("last", last["epoch"])):
        layers = {r["layer"]: r for r in result.gradients if r["epoch"] == epoch}
        if layers:
            first, deepest = layers[1], layers[depth]
            found[f"signal_{name}"] = first["signal_norm"] / max(deepest["signal_norm"], 1e-30)
            found[f"weights_{name}"] = first["gradient_norm"] / max(deepest["gradient_norm"], 1e-30)
            found[f"dead_{name}"] = max(layers[n]["dead_share"] for n in range(1, depth + 1))
    return found
