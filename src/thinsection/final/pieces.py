"""Small ONNX graphs, and how they are put together."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

OPSET = 18
ML_OPSET = 3
IR_VERSION = 9
Step = tuple[str, list[str], str, dict[str, Any]]  # operator, what it takes, what it gives, options


def small_graph(
    nodes: list[onnx.NodeProto],
    given: tuple[str, int, list[Any]],
    outputs: list[tuple[str, list[Any]]],
    numbers: dict[str, Any] | None = None,
) -> onnx.ModelProto:
    """
    A graph of one input.

    Parameters
    ----------
    given : name, type and shape of the input
    outputs : name and shape of each output, all float32
    numbers : name -> a constant
    """
    name, kind, shape = given
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(name, kind, shape)],
        [helper.make_tensor_value_info(out, TensorProto.FLOAT, shape) for out, shape in outputs],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in (numbers or {}).items()],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )


def joined(first: onnx.ModelProto, second: onnx.ModelProto, prefix: str) -> onnx.ModelProto:
    """
    Connect the last output of one to the only input of the other, and keep all other outputs.

    Names in the second get the prefix and an underscore.
    """
    second = compose.add_prefix(second, f"{prefix}_")
    first.ir_version = second.ir_version = IR_VERSION
    kept = [*first.graph.output[:-1], *second.graph.output]
    merged: onnx.ModelProto = compose.merge_models(
        first,
        second,
        io_map=[(first.graph.output[-1].name, second.graph.input[0].name)],
        outputs=[output.name for output in kept],
    )
    return merged


def rename(model: onnx.ModelProto, old: str, new: str) -> None:
    """Give a value of the graph another name, wherever it occurs."""
    for value in (*model.graph.input, *model.graph.output):
        value.name = new if value.name == old else value.name
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
