from pathlib import Path

import pytest
import torch

from thinsection.base.errors import InputError
from thinsection.base.seeds import torch_seeded
from thinsection.learning.examples.resnets import build_resnet, torchvision_models


def new_resnet18(n_classes: int = 4) -> torch.nn.Module:
    with torch_seeded(0, "test"):
        network: torch.nn.Module = build_resnet(18, "none", n_classes)
    return network


def test_torchvision_comes_in_beside_any_build_of_pytorch() -> None:
    assert torchvision_models().resnet18 is not None


@pytest.mark.parametrize("size", [(32, 32), (33, 50), (64, 96)])
def test_any_input_size(size: tuple[int, int]) -> None:
    network = new_resnet18().eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, *size)).shape == (1, 4)


def test_a_seed_gives_the_same_weights_and_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    one, other = new_resnet18(), new_resnet18()
    assert torch.equal(torch.random.get_rng_state(), before)
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_weights_of_a_file_are_taken_but_for_the_last_layer(tmp_path: Path, ending: str) -> None:
    from safetensors.torch import save_file

    source = new_resnet18(n_classes=1000)
    path = tmp_path / f"weights{ending}"
    if ending == ".pth":
        torch.save(source.state_dict(), path)
    else:
        save_file(source.state_dict(), path)
    with torch_seeded(1, "another"):
        network = build_resnet(18, str(path), 3)
    taken, given = (n.get_parameter("layer4.1.conv2.weight") for n in (network, source))
    assert torch.equal(taken, given)
    assert network.fc.weight.shape == (3, 512)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(new_resnet18().state_dict(), path)
    with pytest.raises(InputError, match="are not those of ResNet-34: .*first layer1.2.*Provide"):
        build_resnet(34, str(path), 4)


def test_a_missing_or_foreign_weights_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file. Give the path of a file"):
        build_resnet(18, str(tmp_path / "none.pth"), 4)
    (tmp_path / "text.pth").write_text("weights", encoding="utf-8")
    with pytest.raises(InputError, match=r"text\.pth: can't be read as weights"):
        build_resnet(18, str(tmp_path / "text.pth"), 4)


def test_imagenet_weights_lie_where_the_message_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("socket.socket.connect", _no_network)
    monkeypatch.setattr("socket.getaddrinfo", _no_network)
    with pytest.raises(InputError, match="resnet18-f37072fd.pth and|place the file at") as caught:
        build_resnet(18, "imagenet", 4)
    place = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    assert str(place) in str(caught.value)
    # and a file placed there is really the one that is looked at: torchvision's own loader reads it
    place.parent.mkdir(parents=True, exist_ok=True)
    torch.save(new_resnet18(n_classes=1000).state_dict(), place)
    assert build_resnet(18, "imagenet", 4).fc.weight.shape == (4, 512)


def _no_network(*_args: object, **_kwargs: object) -> None:
    raise OSError("no network")


@pytest.mark.parametrize("depth", [18, 50])
def test_without_shortcuts_nothing_passes_a_block_by(depth: int) -> None:
    plain = build_resnet(depth, "none", 3, shortcuts=False).eval()
    photos = torch.randn(2, 3, 32, 32)
    logits = plain(photos)
    assert logits.std() > 0
    # a block that gives 0 for whatever comes in ends the way of a signal; with a shortcut it would not
    last = f"bn{3 if depth == 50 else 2}"
    for network, reaches in ((plain, False), (build_resnet(depth, "none", 3).eval(), True)):
        block = network.layer3[1]
        torch.nn.init.zeros_(block.get_submodule(last).weight)
        one, other = network(photos)
        assert torch.allclose(one, other) != reaches
    with_shortcuts = build_resnet(depth, "none", 3)
    assert sum(p.numel() for p in plain.parameters()) < sum(
        p.numel()
        for p in with_shortcuts.parameters()  # which has projections
    )
