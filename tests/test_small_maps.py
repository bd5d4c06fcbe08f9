"""Convolutions as matrix products learn what PyTorch's learn, whatever the shapes."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from thinsection.families.resnet.small_maps import MOST_CELLS, SmallMapConv2d, use_matrix_products
from thinsection.learning.examples.backbones import Standardised
from thinsection.learning.examples.resnets import build_resnet
from thinsection.learning.training import make_optimiser

Shape = tuple[tuple[int, ...], dict[str, Any]]


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """(photos, channels, height, width), and the settings of a convolution that fits them."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    least = [max(1, k - 2 * p) for k, p in zip(kernel, padding, strict=True)]
    size = draw(st.tuples(*(st.integers(n, n + 5) for n in least)))
    return (
        (draw(st.integers(1, 3)), draw(st.integers(1, 4)), *size),
        {
            "out_channels": draw(st.integers(1, 4)),
            "kernel_size": kernel,
            "stride": stride,
            "padding": padding,
        },
    )


@settings(max_examples=60, deadline=None)
@given(shapes(), st.integers(0, 2**31 - 1))
def test_outputs_and_gradients_are_those_of_a_convolution(shape: Shape, seed: int) -> None:
    size, settings = shape
    torch.manual_seed(seed)
    x = torch.randn(size, dtype=torch.float64, requires_grad=True)
    layer = nn.Conv2d(size[1], bias=False, dtype=torch.float64, **settings)
    expected = layer(x)
    layer.__class__ = SmallMapConv2d
    out = layer.train()(x)
    torch.testing.assert_close(out, expected)
    upstream = torch.randn_like(expected)
    wanted = torch.autograd.grad(expected, (x, layer.weight), upstream)
    torch.testing.assert_close(torch.autograd.grad(out, (x, layer.weight), upstream), wanted)


def test_in_bfloat16_sums_over_the_kernel_keep_the_digits_of_float32() -> None:
    torch.manual_seed(2)
    x = torch.randn(4, 64, 2, 3)
    layer = nn.Conv2d(64, 32, 3, padding=1, bias=False)
    layer.weight.data = layer.weight.data.bfloat16().float()  # numbers that bfloat16 has
    exact = nn.functional.conv2d(x.bfloat16().double(), layer.weight.double(), padding=1)
    layer.__class__ = SmallMapConv2d
    with torch.autocast("cpu", torch.bfloat16):
        out = layer.train()(x)
    assert out.dtype == torch.bfloat16
    # the products of each of nine positions are rounded to 8 binary digits, and the sum once
    assert (out - exact).abs().max() < 2 * 2**-8 * exact.abs().max()
    out.float().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == torch.float32


def trained(network: Standardised, photos: torch.Tensor, labels: torch.Tensor) -> list[float]:
    """What a ResNet learns in two steps, and its losses."""
    optimiser = make_optimiser(network.parameters(), 1e-3, 0.01)
    losses = []
    network.train()
    for _ in range(2):
        loss = cross_entropy(network(photos), labels)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return losses


@pytest.fixture
def two() -> list[Standardised]:
    """The same network twice, the second with matrix products; float64 shows what else differs."""
    networks = []
    for _ in range(2):
        torch.manual_seed(4)
        network = build_resnet(18, "none", 3)
        for parameter in network.parameters():  # so that the residual branches speak
            parameter.data += 0.01 * torch.randn_like(parameter)
        networks.append(Standardised(network, torch.full((3,), 0.5), torch.ones(3)).double())
    use_matrix_products(networks[1], torch.zeros(1, 3, 48, 72, dtype=torch.float64))
    return networks


def test_a_network_learns_the_same(two: list[Standardised]) -> None:
    plain, products = two
    changed = [name for name, m in products.named_modules() if isinstance(m, SmallMapConv2d)]
    stages = {name.split(".")[1] for name in changed}
    assert stages == {"layer3", "layer4"}  # 3 x 5 and 2 x 3 cells; layer2 has 6 x 9
    assert MOST_CELLS >= 3 * 5
    photos, labels = torch.rand(5, 3, 48, 72, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1])
    assert trained(plain, photos, labels) == pytest.approx(trained(products, photos, labels))
    theirs, ours = plain.state_dict(), products.state_dict()
    assert list(theirs) == list(ours)
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-6, atol=1e-8)


def test_judging_leaves_no_trace_and_is_as_before(two: list[Standardised]) -> None:
    plain, products = two
    photos = torch.rand(2, 3, 48, 72, dtype=torch.float64)
    assert products.training
    with torch.no_grad():
        assert np.allclose(plain.eval()(photos), products.eval()(photos), rtol=1e-12)


def test_the_optimiser_steps_parameters_of_any_layout_alike() -> None:
    steps = []
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        layer = nn.Conv2d(3, 4, 3)
        layer.weight.data = layer.weight.contiguous(memory_format=layout)
        optimiser = make_optimiser(layer.parameters(), 0.1, 0.01)
        for _ in range(3):
            layer(torch.ones(1, 3, 5, 5)).square().sum().backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        steps.append(layer.weight.detach())
    assert not steps[1].is_contiguous()
    torch.testing.assert_close(steps[0], steps[1])
