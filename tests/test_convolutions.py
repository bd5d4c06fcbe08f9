"""Convolutions of a graph, rewritten for speed, give the same."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from thinsection.base.seeds import generator
from thinsection.final.convolutions import MOST_CELLS, fix_padding, use_products
from thinsection.predict.graph import open_graph

CASES = [  # size of the input map, size of the kernel, options
    ((2, 3), (3, 3), {}),
    ((3, 5), (3, 3), {"strides": [2, 2]}),
    ((4, 4), (2, 3), {"pads": [0, 1, 1, 0]}),
    ((5, 6), (1, 1), {"strides": [2, 2], "pads": [0, 0, 0, 0]}),
    ((1, 1), (3, 3), {}),
    ((1, 9), (5, 5), {"pads": [2, 2, 2, 2], "strides": [1, 2]}),
]


def convolution(
    size: tuple[int, int], kernel: tuple[int, int], options: dict[str, Any], *, bias: bool
) -> onnx.ModelProto:
    """A graph of one convolution, from 4 channels to 6."""
    rng = generator(0, "graph of a convolution")
    numbers = [rng.normal(size=(6, 4, *kernel)), rng.normal(size=6)][: 1 + bias]
    names = ["weights", "bias"][: 1 + bias]
    more: dict[str, Any] = {
        "pads": [1, 1, 1, 1],
        "strides": [1, 1],
        "dilations": [1, 1],
        "group": 1,
    } | options
    node = helper.make_node("Conv", ["x", *names], ["y"], kernel_shape=kernel, **more)
    graph = helper.make_graph(
        [node],
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, *size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 6, None, None])],
        [
            numpy_helper.from_array(each.astype(np.float32), name)
            for name, each in zip(names, numbers, strict=True)
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def answers(model: onnx.ModelProto, photos: np.ndarray) -> np.ndarray:
    (found,) = open_graph(model.SerializeToString()).run(None, {"x": photos})
    return np.asarray(found)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("size", "kernel", "options"), CASES)
def test_products_give_what_the_convolution_gives(
    size: tuple[int, int], kernel: tuple[int, int], options: dict[str, Any], bias: bool
) -> None:
    model = convolution(size, kernel, options, bias=bias)
    photos = generator(1, "photos").normal(size=(5, 4, *size)).astype(np.float32)
    expected = answers(model, photos)
    use_products(model)
    onnx.checker.check_model(model, full_check=True)
    assert "Conv" not in {node.op_type for node in model.graph.node}
    np.testing.assert_allclose(answers(model, photos), expected, atol=1e-5)
    np.testing.assert_allclose(answers(model, photos[:1]), expected[:1], atol=1e-5)


@pytest.mark.parametrize(
    ("size", "options"),
    [((1, MOST_CELLS + 1), {}), ((3, 3), {"dilations": [2, 2], "pads": [2, 2, 2, 2]})],
    ids=["large map", "dilated"],
)
def test_other_convolutions_stay(size: tuple[int, int], options: dict[str, Any]) -> None:
    model = convolution(size, (3, 3), options, bias=True)
    before = model.SerializeToString()
    use_products(model)
    assert model.SerializeToString() == before


def test_padding_computed_from_the_size_of_a_map_becomes_numbers() -> None:
    model = convolution((3, 4), (3, 3), {"pads": [0, 0, 0, 0]}, bias=True)
    (node,) = model.graph.node
    node.input[0] = "padded"
    steps = [  # one cell more at the right for each photo row: as many as there are rows
        helper.make_node("Shape", ["x"], ["rows"], start=2, end=3),
        helper.make_node("Concat", ["none", "rows"], ["pads"], axis=0),
        helper.make_node("Pad", ["x", "pads"], ["padded"]),
        node,
    ]
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(7, np.int64), "none"))
    del model.graph.node[:]
    model.graph.node.extend(steps)
    photos = generator(2, "photos").normal(size=(3, 4, 3, 4)).astype(np.float32)
    expected = answers(model, photos)
    assert expected.shape[2:] == (1, 4 + 3 - 2)
    fix_padding(model, {"x": photos[:1]})
    assert [node.op_type for node in model.graph.node] == ["Pad", "Conv"]
    np.testing.assert_array_equal(answers(model, photos), expected)
