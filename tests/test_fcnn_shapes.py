"""The shape of fully connected networks: first weights, normalisation, shortcuts, and their signals."""

from typing import get_args

import pytest
import torch
from torch import nn

from thinsection.families.fcnn.architecture import Architecture, Initialisation, Normalisation
from thinsection.families.fcnn.networks import StackedFcnn, drawn_weights

SHAPES = [
    Architecture(5, 12, normalisation=normalisation, shortcuts=shortcuts)
    for normalisation in get_args(Normalisation)
    for shortcuts in (False, True)
]


def rngs(n: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(n)]


def name_of(shape: Architecture) -> str:
    return f"{shape.normalisation}{'-shortcuts' * shape.shortcuts}"


@pytest.mark.parametrize(
    ("how", "variance"),
    [("he", 2 / 800), ("glorot", 2 / 1200), ("default", 1 / 2400), ("orthogonal", 2 / 800)],
)
def test_the_first_weights_have_the_variance_of_their_method(
    how: Initialisation, variance: float
) -> None:
    weights = drawn_weights(800, 400, how, torch.Generator().manual_seed(0))
    assert weights.shape == (800, 400)
    assert weights.var().item() == pytest.approx(variance, rel=0.02)
    assert weights.mean().item() == pytest.approx(0, abs=variance**0.5 / 50)
    if how in ("glorot", "default"):  # uniform: no weight beyond the bound of that variance
        assert weights.abs().max().item() == pytest.approx((3 * variance) ** 0.5, rel=1e-4)
    if how == "orthogonal":
        assert torch.allclose(weights.T @ weights, 2 * torch.eye(400), atol=1e-4)
    networks = StackedFcnn(800, 4, Architecture(1, 400, how), rngs(1))
    assert torch.equal(networks.weights[0][0], weights)
    assert all((bias == 0).all() for bias in networks.biases)


def test_a_network_of_empty_blocks_passes_its_first_layer_on() -> None:
    # six hidden layers: the first, the blocks (2, 3) and (4, 5), and one left over
    networks = StackedFcnn(7, 3, Architecture(6, 9, shortcuts=True), rngs(2))
    with torch.no_grad():
        for layer in range(1, 5):
            networks.weights[layer].zero_()
    first, _, third, _, fifth, left_over, _ = networks.all_layers(torch.randn(2, 5, 7))
    assert torch.equal(third, first)
    assert torch.equal(fifth, first)
    assert not torch.equal(left_over, first)


def test_normalised_layers_have_mean_0_and_spread_1() -> None:
    x = 3 + 5 * torch.randn(2, 64, 7)
    weights = torch.full((2, 64), 1 / 64)
    weights[1, 32:], weights[1, :32] = 0, 1 / 32  # a shorter batch, filled up
    ways: list[tuple[Normalisation, int]] = [("batch", 1), ("layer", 2)]
    for normalisation, axis in ways:
        networks = StackedFcnn(7, 3, Architecture(1, 50, normalisation=normalisation), rngs(2))
        networks.offsets[0].data += 100  # so that the ReLU changes nothing
        hidden = networks.all_layers(x, weights)[0].detach() - 100
        for place, n in ((0, 64), (1, 32)):
            own = hidden[place, :n]
            seen = [own.mean(axis - 1), own.var(axis - 1, unbiased=False)]
            assert torch.allclose(seen[0], torch.zeros_like(seen[0]), atol=1e-4)
            assert torch.allclose(seen[1], torch.ones_like(seen[1]), atol=1e-3)


def test_batch_normalisation_is_that_of_pytorch() -> None:
    networks = StackedFcnn(7, 3, Architecture(1, 10, normalisation="batch"), rngs(1))
    theirs = nn.Sequential(nn.Linear(7, 10), nn.BatchNorm1d(10), nn.ReLU(), nn.Linear(10, 3))
    with torch.no_grad():
        for layer, place in ((theirs[0], 0), (theirs[3], 1)):
            assert isinstance(layer, nn.Linear)
            layer.weight.copy_(networks.weights[place][0].T)
            layer.bias.zero_()
    weights = torch.full((1, 16), 1 / 16)
    for seed in range(3):
        x = torch.randn(16, 7, generator=torch.Generator().manual_seed(seed))
        ours = networks.all_layers(x[None], weights)[-1][0]
        assert torch.allclose(ours, theirs(x), atol=1e-5)
    assert torch.allclose(networks(x[None])[0], theirs.eval()(x), atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=name_of)
def test_a_single_network_says_what_it_says_in_the_stack(shape: Architecture) -> None:
    networks = StackedFcnn(7, 3, shape, rngs(2))
    weights = torch.full((2, 16), 1 / 16)
    optimiser = torch.optim.SGD(networks.parameters(), 0.1)
    for seed in range(3):
        rng = torch.Generator().manual_seed(seed)
        x = torch.randn(2, 16, 7, generator=rng)
        networks.all_layers(x, weights)[-1].square().mean().backward()
        optimiser.step()
    mean, std = torch.randn(7), torch.rand(7) + 0.5
    with torch.no_grad():
        together = networks((x - mean) / std)
        for place in range(2):
            alone = networks.single(place, mean, std)
            assert torch.allclose(alone(x[place]), together[place], atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=name_of)
def test_the_networks_of_a_stack_do_not_touch_each_other(shape: Architecture) -> None:
    x, weights = torch.randn(3, 8, 7), torch.full((3, 8), 1 / 8)
    networks = StackedFcnn(7, 3, shape, rngs(3))
    networks.all_layers(x, weights)[-1][1].sum().backward()
    for parameter in networks.parameters():
        assert parameter.grad is not None
        assert not parameter.grad[[0, 2]].any()


def test_gradient_norms_are_those_of_each_network() -> None:
    # one sample x = 2, one linear layer, label 0 of two: logits 0, softmax (1/2, 1/2),
    # gradient of the loss in the weights = x * (p - y) = 2 * (-1/2, 1/2), norm sqrt(2)
    networks = StackedFcnn(1, 2, Architecture(0, 1), [torch.Generator().manual_seed(0)] * 3)
    for weight in networks.weights:
        torch.nn.init.zeros_(weight)
    logits = networks(torch.tensor([[[2.0]], [[4.0]], [[0.0]]]))
    labels = torch.zeros(3, dtype=torch.long)
    torch.nn.functional.cross_entropy(logits[:, 0], labels, reduction="sum").backward()
    assert torch.allclose(networks.gradient_norms()[:, 0], torch.tensor([2.0, 4.0, 0.0]) / 2**0.5)


def test_depth_counts_hidden_layers() -> None:
    # 10 inputs, 4 hidden layers of 7, 3 classes: 11*7 + 3 * 8*7 + 8*3 weights and biases
    networks = StackedFcnn(10, 3, Architecture(4, 7), [torch.Generator().manual_seed(0)] * 2)
    assert networks.n_parameters_each == 11 * 7 + 3 * 8 * 7 + 8 * 3
    assert networks(torch.zeros(2, 5, 10)).shape == (2, 5, 3)
