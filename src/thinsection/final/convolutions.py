"""
The convolutions of an exported network, in the forms that ONNX Runtime computes fast.

ONNX Runtime convolves one photo after another and reads the weights anew for each. In a ResNet's
last stages a map has a few cells and the weights megabytes, so reading them takes most of the time.
A product for each kernel position reads them once for all photos of a run, and skips the padding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from thinsection.base.arrays import Floats
from thinsection.predict.graph import open_graph

MOST_CELLS = 24  # of a small map; of 54, the convolution is faster
PHOTOS_LAST = [2, 3, 0, 1]  # (n, C, H, W) to (H, W, n, C) and back: some cells are one matrix


@dataclass(frozen=True)
class Position:
    """
    A kernel position along one axis.

    Attributes
    ----------
    place : in the kernel
    cells : input cells that it sees: the first, the one after the last, the step
    before, after : output cells for which it sees padding only
    """

    place: int
    cells: tuple[int, int, int]
    before: int
    after: int


def fix_padding(model: onnx.ModelProto, given: Mapping[str, Floats]) -> None:
    """
    Write the padding that a graph computes from the size of its maps as numbers, which is the same.

    Parameters
    ----------
    given : its inputs; only their sizes matter, and the first may be another later
    """
    computed = {node.output[0] for node in model.graph.node}
    padding = [node for node in model.graph.node if node.op_type == "Pad"]
    names = sorted({node.input[1] for node in padding} & computed)
    if not names:
        return
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    del asked.graph.output[:]
    asked.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.INT64, None) for name in names
    )
    found = open_graph(asked.SerializeToString()).run(names, dict(given))
    for name, numbers in zip(names, found, strict=True):
        fixed = f"{name}.fixed"
        model.graph.initializer.append(numpy_helper.from_array(numbers, fixed))
        for node in padding:
            node.input[1] = fixed if node.input[1] == name else node.input[1]
    _replace(model.graph, list(model.graph.node))


def use_products(model: onnx.ModelProto) -> None:
    """Replace the convolutions that have small maps in a graph by matrix products."""
    graph, known = model.graph, shape_inference.infer_shapes(model).graph
    shapes = {
        value.name: [each.dim_value for each in value.type.tensor_type.shape.dim]
        for value in (*known.input, *known.value_info, *known.output)
    }
    numbers = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:  # the exporter writes equal numbers once
        if node.op_type == "Identity" and node.input[0] in numbers:
            numbers[node.output[0]] = numbers[node.input[0]]
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        cells = shapes.get(node.output[0], [])[2:]
        if _is_plain(node) and 0 < np.prod(cells) <= MOST_CELLS and node.input[1] in numbers:
            given = [numbers[name] for name in node.input[1:]]
            added = _products(node, shapes[node.input[0]][2:], cells, *given)
            nodes += added.node
            graph.initializer.extend(added.initializer)
        else:
            nodes.append(node)
    _replace(graph, nodes)


def _is_plain(node: onnx.NodeProto) -> bool:
    options = _options(node)
    return (
        node.op_type == "Conv"
        and options["group"] == 1
        and set(options["dilations"]) == {1}
        and len(options["kernel_shape"]) == 2
    )


def _options(node: onnx.NodeProto) -> dict[str, Any]:
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def _products(
    node: onnx.NodeProto, size: list[int], out: list[int], weights: Floats, *bias: Floats
) -> onnx.GraphProto:
    """
    The nodes of one convolution, and their constants.

    Parameters
    ----------
    size, out : height and width of its input and output maps
    weights : (n_out, n_in, height, width) of the kernel
    bias : (n_out,), if there is one
    """
    options, name = _options(node), node.output[0]
    graph = onnx.GraphProto()

    def add(kind: str, given: list[str], to: str, *numbers: Any, **more: Any) -> str:
        constants = [f"{to}.{number}" for number in range(len(numbers))]
        for each, constant in zip(numbers, constants, strict=True):
            graph.initializer.append(numpy_helper.from_array(np.asarray(each), constant))
        graph.node.append(helper.make_node(kind, [*given, *constants], [to], **more))
        return to

    cells = add("Transpose", [node.input[0]], f"{name}.cells", perm=PHOTOS_LAST)
    axes = zip(
        size, out, options["kernel_shape"], options["strides"], options["pads"], strict=False
    )
    parts = []
    for y, x in product(*(_positions(*axis) for axis in axes)):
        here = f"{name}.{y.place}.{x.place}"
        bounds = [list(each) for each in zip(y.cells, x.cells, strict=True)]
        seen = add("Slice", [cells], f"{here}.seen", *bounds[:2], [0, 1], bounds[2])
        matrix = np.ascontiguousarray(weights[:, :, y.place, x.place].T)
        part = add("MatMul", [seen], f"{here}.product", matrix)
        around = [y.before, x.before, 0, 0, y.after, x.after, 0, 0]
        parts.append(add("Pad", [part], f"{here}.padded", around) if any(around) else part)
    total = add("Sum", parts, f"{name}.total", *bias)
    add("Transpose", [total], name, perm=PHOTOS_LAST)
    return graph


def _positions(size: int, n_out: int, kernel: int, stride: int, padding: int) -> list[Position]:
    """Along one axis, the kernel positions that see more than padding."""
    found = []
    for place in range(kernel):
        seen = [number * stride + place - padding for number in range(n_out)]
        inside = [number for number, cell in enumerate(seen) if 0 <= cell < size]
        if inside:
            first, last = inside[0], inside[-1]
            cells = (seen[first], seen[last] + 1, stride)
            found.append(Position(place, cells, first, n_out - 1 - last))
    return found


def _replace(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """Give a graph other nodes, without those and the numbers that nothing takes any more."""
    taken = {output.name for output in graph.output}
    kept = []
    for node in reversed(nodes):  # each comes after those that it takes from
        if taken & set(node.output):
            kept.append(node)
            taken |= _taken(node)
    numbers = [each for each in graph.initializer if each.name in taken]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(numbers)


def _taken(node: onnx.NodeProto) -> set[str]:
    """What a node takes, or the nodes inside it."""
    inside = [_taken(each) for attribute in node.attribute for each in attribute.g.node]
    return set(node.input).union(*inside)
