"""Networks on samples in several lights: what they look at, learn from, and say without a light."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from conftest import photo_table
from thinsection.base.arrays import Floats
from thinsection.dataset.folds import Fold
from thinsection.dataset.packed import Dataset
from thinsection.dataset.samples import Lights, samples_of
from thinsection.families.resnet.training import fit_folds, recipe_of
from thinsection.families.transfer.fine_tuned import new_network as new_fine_tuned
from thinsection.final.pieces import OPSET
from thinsection.learning.checkpoints import Checkpoint
from thinsection.learning.contract import FitSettings, FoldResult
from thinsection.learning.examples.augment import draw_variants
from thinsection.learning.examples.examples import Examples
from thinsection.learning.examples.joining import slot_weights
from thinsection.learning.fusion import Chances, Fused, LateFusion
from thinsection.learning.photo_training import PhotoTraining
from thinsection.learning.shown import drawn_photos, weights_in_each_way
from thinsection.params import params_of
from tiny import tiny_params

LIGHTS = ("ppl", "xpl", "xpl", "xpl")  # of the photos of a sample, the last at three angles


def in_lights(n_samples: int = 12, lights: tuple[str, ...] = LIGHTS) -> Dataset:
    """Samples of two classes in six groups; the last has one photo only, in plane light."""
    n = n_samples * len(lights)
    sample = np.arange(n) // len(lights)
    table = photo_table(
        [("basalt", "chalk")[k % 2] for k in sample], [f"g{k // 2 % 6}" for k in sample]
    )
    table["sample"] = [f"s{k:02}" for k in sample]
    table["light"] = np.tile(lights, n_samples)
    table["angle"] = np.tile(np.arange(len(lights)) * 30.0, n_samples)
    rng = np.random.default_rng(0)
    pixels = (60 + 90 * (sample % 2))[:, None, None, None] + rng.integers(0, 90, (n, 16, 24, 3))
    kept = np.arange(n - len(lights) + 1)
    return Dataset(pixels[kept].astype(np.uint8), table.iloc[kept].reset_index(drop=True))


def settings(**changes: Any) -> FitSettings:
    raw = tiny_params()
    raw["resnet"] |= {"height": 16, "width": 24, "epochs": 2, "batch_size": 8} | changes
    return params_of(raw).fit_settings("resnet")


def fold_of(photos: Dataset) -> Fold:
    """The last third of the samples is held out."""
    rows = np.arange(len(photos.table))
    return Fold(0, 0, rows[: 2 * len(rows) // 3], rows[2 * len(rows) // 3 :])


def training_of(photos: Dataset, given: FitSettings) -> PhotoTraining:
    recipe, fold = recipe_of(18, 2, given), fold_of(photos)
    network = recipe.new_network(photos.pixels, fold, photos.lights)
    labels = torch.from_numpy(photos.labels)
    return PhotoTraining(recipe, network, fold, photos.pixels, labels, given, lights=photos.lights)


def fitted(photos: Dataset, folds: list[Fold], **kept: Checkpoint) -> list[FoldResult]:
    return list(fit_folds("18", Examples(photos), folds, settings(), **kept))


def small_network(n_slots: int = 2) -> Fused:
    """From photos of any size by their mean and greatest values."""

    class Trunk(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 5, 3, stride=2)

        def forward(self, photos: Tensor) -> Tensor:
            maps = self.convolution(photos).relu()
            return torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)

    torch.manual_seed(1)
    return Fused(Trunk(), LateFusion([nn.Linear(10, 3) for _ in range(n_slots)])).eval()


# two samples: the first in both lights, the second at one of them
WEIGHTS = torch.tensor([[[1.0, 0, 0], [0, 1, 0]], [[0, 0, 0], [0, 0, 1]]])


def test_a_sample_is_named_by_the_heads_of_the_lights_it_is_seen_in() -> None:
    network, photos = small_network(), torch.rand(3, 3, 9, 9)
    heads = list(network.fusion.get_submodule("heads").children())
    vectors = network.trunk(photos)
    expected = [(heads[0](vectors[0]) + heads[1](vectors[1])) / 2, heads[1](vectors[2])]
    assert torch.allclose(network(photos, WEIGHTS), torch.stack(expected), atol=1e-6)


def test_photos_at_several_angles_count_by_the_mean_of_their_vectors() -> None:
    network, photos = small_network(), torch.rand(3, 3, 9, 9)
    weights = torch.tensor([[[0.0, 0, 0], [1 / 3, 1 / 3, 1 / 3]]])
    head = network.fusion.get_submodule("heads.1")
    mean = network.trunk(photos).mean(dim=0)
    assert torch.allclose(network(photos, weights)[0], head(mean), atol=1e-6)


@pytest.mark.parametrize("n_views", [1, 8])
def test_neither_other_samples_nor_the_order_of_photos_matter(n_views: int) -> None:
    network = Chances(small_network(), n_views).eval()
    photos, order = torch.rand(3, 3, 8, 12), torch.tensor([2, 0, 1])
    both = network(photos, WEIGHTS)
    assert torch.allclose(network(photos[order], WEIGHTS[..., order]), both, atol=1e-6)
    alone = network(photos[2:], WEIGHTS[1:, :, 2:])
    assert torch.allclose(alone, both[1:], atol=1e-6)


def test_eight_views_are_the_mean_chance_of_the_turned_sample() -> None:
    network, photos = small_network(), torch.rand(3, 3, 8, 12)
    views = [
        torch.rot90(flipped, turns, (2, 3))
        for turns in range(4)
        for flipped in (photos, photos.flip(3))
    ]
    expected = torch.stack([network(view, WEIGHTS).softmax(dim=1) for view in views]).mean(dim=0)
    said = Chances(network, 8)(photos, WEIGHTS).exp()
    assert torch.allclose(said, expected, atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporter, as in `final`
@pytest.mark.parametrize("n_views", [1, 8])
def test_the_exported_network_takes_any_number_of_photos_and_samples(
    tmp_path: Path, n_views: int
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    network: nn.Module = small_network()
    if n_views > 1:
        network = Chances(network, n_views).eval()
    file = tmp_path / "network.onnx"
    torch.onnx.export(
        network,
        (torch.rand(3, 3, 8, 12), WEIGHTS),
        str(file),
        input_names=["photos", "weights"],
        output_names=["logits"],
        dynamic_axes={"photos": {0: "p"}, "weights": {0: "n", 2: "p"}, "logits": {0: "n"}},
        opset_version=OPSET,
        dynamo=False,
    )
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for data in (in_lights(3), in_lights(1)):  # the last is one photo
        samples = np.arange(len(data.table))
        weights = slot_weights(data.lights, samples, np.arange(len(data.pixels)))
        if data.lights.names == ("",):
            weights = np.concatenate([weights, 0 * weights], axis=1)
        photos = torch.rand(len(data.pixels), 3, 8, 12)
        (said,) = session.run(None, {"photos": photos.numpy(), "weights": weights})
        expected = network(photos, torch.from_numpy(weights)).detach().numpy()
        assert said == pytest.approx(expected, abs=1e-5)


def test_a_step_shows_one_photo_for_each_light_at_any_angle() -> None:
    lights = in_lights().lights
    samples, rng = np.array([11, 4, 2]), torch.Generator().manual_seed(0)
    drawn = [drawn_photos(lights, samples, rng) for _ in range(100)]
    for rows in drawn:
        assert sorted(zip(lights.sample_of[rows], lights.slot_of[rows], strict=True)) == [
            (2, 0), (2, 1), (4, 0), (4, 1), (11, 0)
        ]  # fmt: skip
    assert len(np.unique(drawn)) == 4 + 4 + 1  # each angle has its turn


def test_a_step_learns_from_all_lights_and_from_each_alone() -> None:
    photos = in_lights()
    training = training_of(photos, settings())
    samples = np.array([11, 4])
    (variants, weights), of = training.shown.variants(samples, training.operators, training.rng)
    assert of.tolist() == [11, 4, 11, 4, 4]  # the eleventh has no photo in xpl
    assert variants.shape == (3, 3, 16, 24)
    assert weights.sum(dim=2).tolist() == [[1, 0], [1, 1], [1, 0], [1, 0], [0, 1]]


def test_photos_of_one_sample_are_moved_alike() -> None:
    given = settings()
    photo = torch.rand(2, 3, 16, 24)
    still = given.operators.model_copy(update={"noise": 0.0})
    sample_of = torch.tensor([1, 0, 1])
    variants = draw_variants(photo[[0, 1, 0]], still, torch.Generator().manual_seed(3), sample_of)
    assert torch.equal(variants[0], variants[2])
    alone = draw_variants(photo[[0, 1, 0]], still, torch.Generator().manual_seed(3))
    assert not torch.equal(alone[0], alone[2])


def test_every_head_and_the_trunk_learn() -> None:
    training = training_of(in_lights(), settings())
    before = {name: value.clone() for name, value in training.network.named_parameters()}
    training.run_epoch()
    moved = {
        name
        for name, value in training.network.named_parameters()
        if not torch.equal(value, before[name])
    }
    assert {"fusion.heads.0.weight", "fusion.heads.1.weight", "trunk.network.conv1.weight"} <= moved


def test_an_epoch_has_as_many_steps_as_with_the_photos_apart() -> None:
    pairs = in_lights(13, ("ppl", "xpl"))
    training = training_of(pairs, settings(batch_size=4))
    assert len(training.fold.train) == 8
    assert training.n_steps == 4  # 16 photos, 4 at a time


def test_one_light_is_what_it_says_of_a_data_set_without_the_others() -> None:
    photos, given = in_lights(), settings(epochs=1)
    training = training_of(photos, given)
    training.run_epoch()
    result = training.result()
    assert result.classifier is not None
    assert result.classifier.lights == ("ppl", "xpl")
    assert list(result.one_light) == ["ppl", "xpl", "one angle"]
    held_out = result.fold.held_out
    for slot, name in enumerate(("ppl", "xpl")):
        rows = np.flatnonzero(
            np.isin(photos.lights.sample_of, held_out) & (photos.lights.slot_of == slot)
        )
        expected = chances(result.classifier.model, photos, rows, slot)
        said = result.one_light[name]
        seen = photos.lights.present[held_out, slot]
        assert np.isnan(said[~seen]).all()
        assert said[seen] == pytest.approx(expected, abs=1e-5)
    assert result.probabilities[-1] == pytest.approx(result.one_light["ppl"][-1])  # its only light
    assert result.probabilities[0] != pytest.approx(result.one_light["ppl"][0])


def chances(network: nn.Module, photos: Dataset, rows: np.ndarray, slot: int) -> Floats:
    """Of the samples of some photos in one slot, as a data set of these photos has them."""
    only = photos.photos.iloc[rows]
    _, lights = samples_of(only)  # one slot
    samples = np.arange(only["sample"].nunique())
    weights = np.zeros((len(samples), 2, len(rows)), np.float32)
    weights[:, [slot]] = slot_weights(lights, samples, np.arange(len(rows)))
    batch = torch.from_numpy(photos.pixels[rows]).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        logits = network(batch, torch.from_numpy(weights))
    said: Floats = logits.softmax(dim=1).numpy()
    return said


def test_samples_at_several_angles_of_one_light_are_judged_at_one_angle_too() -> None:
    photos = in_lights(12, ("xpl", "xpl"))
    training = training_of(photos, settings(epochs=1))
    training.run_epoch()
    result = training.result()
    assert list(result.one_light) == ["one angle"]
    assert not np.array_equal(result.one_light["one angle"], result.probabilities)
    assert result.classifier is not None
    assert result.classifier.lights == ("xpl",)
    assert np.isfinite(result.probabilities).all()


def test_weights_in_each_way_show_all_lights_and_then_each() -> None:
    lights = Lights(("ppl", "xpl"), np.array([0, 0, 1]), np.array([0, 1, 1]))
    weights = weights_in_each_way(
        lights, np.array([0, 1]), np.array([0, 1, 2]), list(lights.ways.values())
    )
    assert np.array_equal(weights[:2], WEIGHTS.numpy())
    assert weights[2:4].tolist() == [[[1, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]]
    assert weights[4:].tolist() == [[[0, 0, 0], [0, 1, 0]], [[0, 0, 0], [0, 0, 1]]]


def test_heat_maps_are_of_the_first_photo_of_each_held_out_sample() -> None:
    photos = in_lights()
    (result,) = fitted(photos, [fold_of(photos)])
    assert result.heatmaps is not None
    assert len(result.heatmaps) == len(result.fold.held_out) == len(result.probabilities)


class Killed(Exception):
    pass


class Interrupted(Checkpoint):
    """Saves at each step, and stops the training after some of them."""

    def __init__(self, path: Path, after: int) -> None:
        super().__init__(path, "key", 0)
        self.left = after

    def save(self, state: dict[str, Any]) -> None:
        super().save(state)
        self.left -= 1
        if not self.left:
            raise Killed


LOW, HIGH = np.arange(6), np.arange(6, 12)
HALVES = [Fold(1, 0, LOW, HIGH), Fold(1, 1, HIGH, LOW)]  # the second repeat makes no heat maps


@pytest.fixture(scope="module")
def undisturbed() -> list[FoldResult]:
    return fitted(in_lights(), HALVES)


@pytest.mark.parametrize("after", [3, 7])  # within the first fold, and within the second
def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, after: int, undisturbed: list[FoldResult]
) -> None:
    file = tmp_path / "checkpoint"
    with pytest.raises(Killed):
        fitted(in_lights(), HALVES, checkpoint=Interrupted(file, after))
    went_on = fitted(in_lights(), HALVES, checkpoint=Checkpoint(file, "key", 0))
    for ours, expected in zip(went_on, undisturbed, strict=True):
        assert np.array_equal(ours.probabilities, expected.probabilities)
        assert list(ours.one_light) == list(expected.one_light)
        for name, said in expected.one_light.items():
            assert np.array_equal(ours.one_light[name], said, equal_nan=True)


def test_where_each_photo_is_a_sample_the_network_and_its_weights_are_those_of_photos() -> None:
    photos = in_lights()
    apart = Dataset(photos.pixels, photos.photos.assign(sample=photos.photos["photo_id"]))
    (result,) = fitted(apart, [fold_of(apart)])
    assert result.one_light == {}
    assert result.classifier is not None
    assert result.classifier.lights == ()
    assert "network.fc.weight" in result.classifier.model.state_dict()


def test_a_fine_tuned_network_starts_with_a_fitted_head_for_each_light() -> None:
    raw = tiny_params()
    raw["transfer"]["fine_tuned"] |= {"backbone": "lite0", "height": 32, "width": 48}
    given = params_of(raw).fit_settings("transfer")
    photos = in_lights(12, ("ppl", "xpl"))
    fold = fold_of(photos)
    network = new_fine_tuned(Examples(photos), given, photos.pixels, fold, photos.lights)
    assert isinstance(network, Fused)
    rows = photos.lights.photos_of(fold.train)
    weights = torch.from_numpy(slot_weights(photos.lights, fold.train, rows))
    batch = torch.from_numpy(photos.pixels[rows]).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        named = network.eval()(batch, weights).argmax(dim=1).numpy()
    assert np.array_equal(named, photos.labels[fold.train])
