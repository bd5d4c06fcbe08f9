"""Training a backbone on rendered fields, and its comparison on real photos."""

from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import photo_table
from thinsection.base.errors import InputError
from thinsection.learning.examples.backbones import build_backbone, check_backbone
from thinsection.pretrain.compare import differences, right_by_arm
from thinsection.pretrain.rendered import Fields, render_field
from thinsection.pretrain.settings import PretrainSettings, read_settings
from thinsection.pretrain.training import pretrain, targets, write_backbone
from thinsection.render.texture import SPECIES
from thinsection.settings import BackboneSettings
from tiny import TOP


@pytest.fixture(scope="module")
def settings() -> PretrainSettings:
    found = read_settings(TOP / "pretrain/params.yaml")
    tiny = {"width": 64, "height": 48}
    learning = {"height": 32, "width": 32, "epochs": 1, "batch_size": 4}
    return found.model_copy(
        update={
            "render": found.render.model_copy(update=tiny),
            "train": found.train.model_copy(update=learning),
        }
    )


def test_shares_and_boundaries_of_cells() -> None:
    # a map of 4 x 4: the left half one mineral, the right another, seen in 2 x 2 cells
    minerals = torch.tensor([[[0, 0, 1, 1]] * 4])
    shares, edges = targets(minerals, (2, 2))
    assert shares[0, 0].tolist() == [[1, 0], [1, 0]]
    assert shares[0, 1].tolist() == [[0, 1], [0, 1]]
    # the boundary is marked in the third column, half of the right cells
    assert edges[0, 0].tolist() == [[0, 0.5], [0, 0.5]]


def test_a_field_is_seen_in_both_lights_and_its_map_shows_its_mineral(
    settings: PretrainSettings,
) -> None:
    for number in (0, 3):
        photos, minerals, label = render_field(1, number, settings.render)
        assert photos.shape == (2, 48, 64, 3)
        assert minerals.shape == (24, 32)
        assert label == number
        assert np.mean(minerals == label) > 0.4
        assert photos[0].mean() > photos[1].mean()  # bright without the analyser
        again = render_field(1, number, settings.render)
        assert np.array_equal(photos, again[0])


def test_the_weights_are_read_as_any_others(settings: PretrainSettings, tmp_path: Path) -> None:
    each = [render_field(1, number, settings.render) for number in range(4)]
    photos, minerals, labels = zip(*each, strict=True)
    fields = Fields(np.stack(photos), np.stack(minerals), np.array(labels))
    fields.write(tmp_path)
    fields = Fields.read(tmp_path)
    backbone, history = pretrain("imagenet", fields, settings.train, 1, torch.device("cpu"))
    assert len(history) == 1
    file = tmp_path / "renders.safetensors"
    write_backbone(backbone, file)
    assert file.stat().st_size < 25e6
    given = BackboneSettings(backbone="lite0", weights=str(file), height=32, width=32)
    loaded = build_backbone(given).eval()
    before = build_backbone(given.model_copy(update={"weights": "pretrained"})).eval()
    photo = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        close = (loaded(photo) - backbone(photo)).abs().mean()
        assert close < 0.2 * (loaded(photo) - before(photo)).abs().mean()


def test_an_arm_that_knows_more_is_better_by_what_it_knows() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    photos = photo_table(
        ["a" if label else "b" for label in labels], [f"g{i // 2}" for i in range(60)]
    )
    told = (labels[:, None] + rng.normal(0, 0.1, (60, 3))).astype(np.float32)
    noise = rng.normal(0, 1, (60, 3)).astype(np.float32)
    arms = {"imagenet": ([noise], (3,)), "renders": ([noise, told], (3, 3))}
    right = right_by_arm(photos, arms, folds=3, repeats=2, seed=0)
    imagenet, renders = differences(right, np.arange(60) // 2, "imagenet", 500, 0)
    assert renders["ca"] == 1
    assert renders["difference_low"] > 0
    assert [imagenet[f"difference{end}"] for end in ("", "_low", "_high")] == [0] * 3


def test_the_weights_that_come_along_are_those_of_the_release() -> None:
    given = {"height": 32, "width": 32}
    ours = build_backbone(
        BackboneSettings(backbone="lite0", weights="thin-sections", **given)
    ).eval()
    imagenet = build_backbone(
        BackboneSettings(backbone="lite0", weights="pretrained", **given)
    ).eval()
    photo = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        assert not torch.allclose(ours(photo), imagenet(photo), atol=1e-2)
    with pytest.raises(InputError, match="only of lite0"):
        check_backbone(BackboneSettings(backbone="lite2", weights="thin-sections", **given))


def test_every_mineral_of_the_renderer_has_its_turn() -> None:
    assert len(set(SPECIES)) == len(SPECIES) > 10
