"""Pretrained networks in the comparison: the linear classifier, fine-tuning, and their average."""

from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from modelling import (
    cross_validated,
    dark_and_bright,
    eight_views,
    examples_of,
    folds_of,
    make_model,
    small_params,
)
from thinsection.base.errors import InputError
from thinsection.dataset.folds import Fold
from thinsection.evidence.average import average_of
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.families.transfer.fine_tuned import new_network
from thinsection.families.transfer.linear import LinearNetwork
from thinsection.families.transfer.logistic import fit_logistic
from thinsection.learning.crossval import CrossValidation
from thinsection.params import params_of
from thinsection.predict import Predictor
from tiny import tiny_params

LINEAR, TUNED, AVERAGE = (
    Run("transfer", "linear"),
    Run("transfer", "fine_tuned"),
    Run("average", "transfer"),
)


def clusters(
    n: int = 60, n_classes: int = 3, d: int = 4
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % n_classes
    x = rng.normal(0, 1, (n, d)) + 2 * np.eye(n_classes, d)[labels]
    return x.astype(np.float32), labels, np.arange(n) // 4


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_regression_is_scikit_learns_on_standardised_features(n_classes: int) -> None:
    x, labels, groups = clusters(n_classes=n_classes)
    fitted = fit_logistic(x, labels, groups, [0.5], 0)
    scaled = (x - x.mean(0)) / x.std(0)
    expected = LogisticRegression(C=0.5, max_iter=2000).fit(scaled, labels).predict_proba(scaled)
    network = LinearNetwork(fitted)
    with torch.inference_mode():
        found = network(torch.from_numpy(x)).softmax(1).numpy()
    assert np.allclose(found, expected, atol=1e-4)


def test_inner_folds_prefer_strong_ridge_where_features_say_nothing() -> None:
    x, labels, groups = clusters()
    noise = np.random.default_rng(1).normal(0, 1, (60, 200)).astype(np.float32)
    strengths = [1e-4, 1.0, 1e4]
    assert fit_logistic(noise, labels, groups, strengths, 0).c == 1e-4
    assert fit_logistic(x, labels, groups, strengths, 0).c > 1e-4


def test_kinds_of_features_count_alike_however_long_they_are() -> None:
    x, labels, groups = clusters(d=4)
    long = np.repeat(x, 25, axis=1)  # 100 numbers that say what 4 say
    fitted = fit_logistic(np.hstack([long, x]), labels, groups, [0.1], 0, sizes=(100, 4))
    # the spread by which a number is divided is five times as large: sqrt(100 / 4)
    assert np.allclose(fitted.std[:25], 5 * fitted.std[100], rtol=1e-5)
    # a class's logit owes as much to the one kind as to the other
    share = fitted.weight / fitted.std
    assert np.allclose(share[:, :25].sum(1), share[:, 100], rtol=0.02, atol=1e-3)


def test_balanced_classes_count_alike() -> None:
    x, labels, groups = clusters()
    rare = np.flatnonzero((labels != 2) | (np.arange(60) < 9))
    plain, even = (
        fit_logistic(x[rare], labels[rare], groups[rare], [1.0], 0, weights=weights)
        for weights in (None, len(rare) / 3 / np.bincount(labels[rare]))
    )
    of_rare = x[labels == 2]
    logits = [
        of_rare @ (f.weight / f.std).T + f.bias - f.mean @ (f.weight / f.std).T
        for f in (plain, even)
    ]
    named = [(each.argmax(1) == 2).mean() for each in logits]
    assert named[1] > named[0]


def test_the_last_layer_of_a_tuned_network_is_fitted_first() -> None:
    photos, params = dark_and_bright(), small_params()
    fold = folds_of(photos)[1][0]
    settings = params.fit_settings("transfer")
    own = settings.own.fine_tuned
    from thinsection.dataset.reduction import reduced
    from thinsection.learning.examples.augment import as_batch

    small = reduced(photos.pixels, own.height, own.width)
    network = new_network(examples_of(photos, TUNED, params), settings, small, fold).eval()
    with torch.inference_mode():
        named = network(as_batch(small[fold.train])).argmax(1).numpy()
    assert (named == photos.labels[fold.train]).mean() > 0.9  # before any step


def test_normalisation_keeps_the_statistics_that_it_came_with() -> None:
    from thinsection.learning.examples.backbones import build_backbone

    params = small_params()
    photos = dark_and_bright()
    (result,) = FAMILIES["transfer"].fit_folds()(
        "fine_tuned",
        examples_of(photos, TUNED, params),
        folds_of(photos)[1][:1],
        params.fit_settings("transfer"),
    )
    assert result.classifier is not None
    own = build_backbone(params.transfer.fine_tuned).network
    tuned = dict(result.classifier.model.named_buffers())
    weights = dict(result.classifier.model.named_parameters())
    for name, buffer in own.named_buffers():
        (found,) = [value for key, value in tuned.items() if key.endswith(f"network.0.{name}")]
        assert torch.equal(found, buffer)
    (moved,) = [
        value for key, value in weights.items() if key.endswith("network.0.conv_stem.weight")
    ]
    assert not torch.equal(moved, own.get_parameter("conv_stem.weight"))
    assert result.heatmaps is not None
    assert isinstance(result.classifier.model, nn.Module)
    assert "Apache" in result.classifier.contains


@pytest.fixture(scope="module")
def trained() -> dict[str, CrossValidation]:
    photos, params = dark_and_bright(), small_params(**eight_views())
    folds = folds_of(photos)[1]
    return {
        run.name: cross_validated(
            "transfer", run.name, examples_of(photos, run, params), folds, params
        )
        for run in (LINEAR, TUNED)
    }


def of_fold(trained: CrossValidation, fold: Fold) -> pd.DataFrame:
    """The probabilities of the photos that a fold holds out, in its order."""
    rows = trained.predictions.query("fold == @fold.fold").set_index("sample")
    names = dark_and_bright().table["sample"].iloc[fold.held_out]
    return rows.loc[names, ["p_basalt", "p_chalk"]]


def test_held_out_photos_are_named(trained: dict[str, CrossValidation]) -> None:
    for run in trained.values():
        assert (run.predictions["label"] == run.predictions["predicted"]).mean() > 0.85


def test_a_linear_classifier_counts_the_network_below_it(
    trained: dict[str, CrossValidation],
) -> None:
    assert trained["linear"].facts["n_parameters"] >= 2 * (1280 + 126)


def test_an_average_is_the_mean_of_its_members(
    trained: dict[str, CrossValidation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = dark_and_bright()
    numbers, _ = folds_of(photos)
    monkeypatch.chdir(tmp_path)
    for name, result in trained.items():
        result.write(Path("data/runs/transfer") / name)
    average_of(AVERAGE, [LINEAR, TUNED], photos, numbers).write(AVERAGE.folder())
    found = pd.read_csv(AVERAGE.folder() / "predictions.csv").set_index("sample")
    members = [
        result.predictions.set_index("sample").loc[found.index] for result in trained.values()
    ]
    mean = sum(member["p_basalt"] for member in members) / 2
    assert np.allclose(found["p_basalt"], mean, atol=1e-6)
    (Path("data/runs/transfer/linear/predictions.csv")).unlink()
    with pytest.raises(
        InputError, match="frozen pretrained network can't be averaged, .*take transfer out of"
    ):
        average_of(AVERAGE, [LINEAR, TUNED], photos, numbers)


@pytest.mark.parametrize("run", [LINEAR, AVERAGE], ids=lambda run: run.model)
def test_a_model_folder_answers_as_the_classifier_does(
    run: Run, trained: dict[str, CrossValidation], tmp_path: Path
) -> None:
    photos, params = dark_and_bright(), small_params(**eight_views())
    fold = folds_of(photos)[1][0]
    folder = make_model(tmp_path / "model", run, photos, fold, **eight_views())
    graph = onnx.load(folder / "model.onnx")
    assert [each.name for each in graph.graph.input] == ["photos", "colour_texture"]
    members = params.members(run)
    expected = [of_fold(trained[member.name], fold) for member in members]
    answers = Predictor.load(folder).probabilities(photos.pixels[fold.held_out], calibrated=False)
    assert np.abs(answers - np.mean(expected, axis=0)).max() < 1e-4
    card = (folder / "README.md").read_text()
    assert "Apache-2.0" in card
    names = {path.name for path in folder.iterdir() if path.suffix == ".safetensors"}
    one, several = {"weights.safetensors"}, {f"{m.name}.weights.safetensors" for m in members}
    assert names == (several if run is AVERAGE else one)


def test_an_average_needs_two_members() -> None:
    raw = tiny_params()
    raw["transfer"]["models"] = ["linear"]
    with pytest.raises(
        ValueError, match=r"average.of is \['transfer'\], but 'transfer' is no family"
    ):
        params_of(raw)
    raw["average"]["of"] = []
    assert params_of(raw).runs[-1] == LINEAR


def test_networks_that_nobody_uses_are_not_looked_for() -> None:
    assert set(small_params().backbones) == {"embedding", "transfer.fine_tuned"}
    raw = tiny_params()
    raw["transfer"]["models"], raw["average"]["of"] = ["fine_tuned"], []
    assert set(params_of(raw).backbones) == {"transfer.fine_tuned"}


def test_folds_do_not_share_a_network(trained: dict[str, CrossValidation]) -> None:
    photos, params = dark_and_bright(), small_params(**eight_views())
    second = folds_of(photos)[1][1]
    examples = examples_of(photos, TUNED, params)
    alone = cross_validated("transfer", "fine_tuned", examples, [second], params)
    assert of_fold(alone, second).equals(of_fold(trained["fine_tuned"], second))
