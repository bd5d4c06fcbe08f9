"""
A fitted classifier as one ONNX graph, from packed photos to probabilities.

    photos (n, H, W, 3) uint8 -> reduced, scaled -> classifier -> uncalibrated -> probabilities

The reduction in the graph is that of ``reduction.py``, exact in double precision, so the input of
the classifier is identical to the bit to that in training. Only ``colour_texture`` is computed
outside the graph, which then takes vectors.
"""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import onnx
import torch
from onnx import TensorProto, compose, helper, numpy_helper
from torch import nn

from thinsection.base.arrays import Floats, Texts
from thinsection.base.errors import InputError
from thinsection.dataset.reduction import axis_weights
from thinsection.evidence.calibration import LEAST
from thinsection.learning.contract import Classifier
from thinsection.learning.examples.embedding import backbone
from thinsection.settings import EmbeddingSettings, PixelSettings

OPSET = 18
ML_OPSET = 3
IR_VERSION = 9
TOLERANCE = 1e-4  # largest allowed difference between probabilities of graph and classifier


def export(
    classifier: Classifier,
    how: Literal["network", "scikit-learn"],
    height: int,
    width: int,
    *,
    n_classes: int,
    temperature: float,
    pixels: PixelSettings,
    embedding: EmbeddingSettings,
) -> onnx.ModelProto:
    """
    The graph, checked by onnx.

    Parameters
    ----------
    how : way of export (``Family.exported_as``)
    height, width : of the input photos
    temperature : calibrates the probabilities
    pixels, embedding : how photos become vectors, for a classifier that takes those

    Returns
    -------
    A model with the outputs ``uncalibrated`` and ``probabilities``, (n, n_classes) float32 each.
    """
    parts: list[onnx.ModelProto] = []
    if classifier.features == "pixels":
        parts.append(_preparing(height, width, pixels.height, pixels.width, flat=True))
    elif classifier.features == "photos":
        parts.append(_preparing(height, width, classifier.height, classifier.width, flat=False))
    elif classifier.features == "embedding":
        size = embedding.height, embedding.width
        parts.append(_preparing(height, width, *size, flat=False))
        parts.append(_network(backbone(embedding), (3, *size), "embedding"))
    if how == "network":
        parts.append(_network(classifier.model, classifier.input_shape, "logits"))
        parts.append(_softmax(n_classes))
    else:
        parts.append(_scikit_learn(classifier.model, n_classes))
    parts.append(_calibration(n_classes, temperature))
    model = parts[0]
    for number, part in enumerate(parts[1:]):
        model = _joined(model, part, number)
    if classifier.features == "colour_texture":
        _rename(model, model.graph.input[0].name, "colour_texture")
    for output in model.graph.output:
        _rename(model, output.name, output.name.partition("_")[2])
    del model.metadata_props[:]
    model.producer_name, model.producer_version = "thinsection", ""
    model.graph.name = "thinsection"
    onnx.checker.check_model(model, full_check=True)
    return model


def check_agreement(graph: Floats, classifier: Floats, photo_ids: Texts, model: str) -> float:
    """
    The largest difference between probabilities of the graph and of the classifier itself.

    Raises
    ------
    InputError
        If it is more than ``TOLERANCE``.
    """
    difference = np.abs(graph - classifier).max(axis=1)
    worst = int(difference.argmax())
    if not difference[worst] <= TOLERANCE:
        raise InputError(
            f"{model}: model.onnx and the classifier differ by {difference[worst]:.2g} on "
            f"{photo_ids[worst]}, and by more than {TOLERANCE:g} on "
            f"{int((~(difference <= TOLERANCE)).sum())} of {len(difference)} photos. Nothing was "
            "written. Choose another model (final.select), or report this with the versions of "
            "onnxruntime and torch."
        )
    return float(difference[worst])


def _preparing(height: int, width: int, to_height: int, to_width: int, flat: bool) -> Any:
    """From photos to float32 0..1 at the classifier's size: vectors, or (n, 3, h, w)."""
    nodes = [helper.make_node("Cast", ["photos"], ["double"], to=TensorProto.DOUBLE)]
    numbers: dict[str, Any] = {"full": np.float32(255)}
    last = "planes"
    if (height, width) == (to_height, to_width):
        nodes.append(helper.make_node("Transpose", ["double"], ["planes"], perm=[0, 3, 1, 2]))
    else:  # as reduction.reduced, but by colour, so that each axis is one large product
        last = "reduced"
        numbers |= {
            "down": axis_weights(height, to_height),
            "across": np.ascontiguousarray(axis_weights(width, to_width).T),
            "rows": np.array([0, height, width * 3]),
            "columns": np.array([0, to_height, width, 3]),
            "half": np.float64(0.5),
        }
        nodes += [
            helper.make_node("Reshape", ["double", "rows"], ["as_rows"]),
            helper.make_node("MatMul", ["down", "as_rows"], ["fewer_rows"]),
            helper.make_node("Reshape", ["fewer_rows", "columns"], ["as_columns"]),
            helper.make_node("Transpose", ["as_columns"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("MatMul", ["planes", "across"], ["small"]),
            helper.make_node("Add", ["small", "half"], ["raised"]),
            helper.make_node("Floor", ["raised"], ["reduced"]),
        ]
    nodes.append(helper.make_node("Cast", [last], ["single"], to=TensorProto.FLOAT))
    if flat:
        numbers["vector"] = np.array([0, to_height * to_width * 3])
        nodes += [
            helper.make_node("Div", ["single", "full"], ["scaled"]),
            helper.make_node("Transpose", ["scaled"], ["pixels"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", ["pixels", "vector"], ["prepared"]),
        ]
        shape: list[Any] = ["n", to_height * to_width * 3]
    else:
        nodes.append(helper.make_node("Div", ["single", "full"], ["prepared"]))
        shape = ["n", 3, to_height, to_width]
    return _model(
        nodes,
        ("photos", TensorProto.UINT8, ["n", height, width, 3]),
        [("prepared", shape)],
        numbers,
    )


def _softmax(n_classes: int) -> onnx.ModelProto:
    node = helper.make_node("Softmax", ["logits_in"], ["chances"], axis=1)
    return _model(
        [node], ("logits_in", TensorProto.FLOAT, ["n", n_classes]), [("chances", ["n", n_classes])]
    )


def _calibration(n_classes: int, temperature: float) -> onnx.ModelProto:
    """The same as calibration.at_temperature."""
    nodes = [
        helper.make_node("Identity", ["raw"], ["uncalibrated"]),
        helper.make_node("Max", ["raw", "least"], ["positive"]),
        helper.make_node("Log", ["positive"], ["logarithm"]),
        helper.make_node("Div", ["logarithm", "temperature"], ["softened"]),
        helper.make_node("Softmax", ["softened"], ["probabilities"], axis=1),
    ]
    shape = ["n", n_classes]
    numbers = {"least": np.float32(LEAST), "temperature": np.float32(temperature)}
    return _model(
        nodes,
        ("raw", TensorProto.FLOAT, shape),
        [("uncalibrated", shape), ("probabilities", shape)],
        numbers,
    )


def _network(network: nn.Module, shape: tuple[int, ...], output: str) -> onnx.ModelProto:
    """A network, exported by torch."""
    # The exporter that traces a run. The newer one needs onnxscript and takes seven times as long;
    # the graphs are equal.
    with TemporaryDirectory() as folder, warnings.catch_warnings(), torch.inference_mode():
        file = Path(folder) / "network.onnx"
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, *shape),),
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=["x"],
            output_names=[output],
            dynamic_axes={"x": {0: "n"}, output: {0: "n"}},
        )
        return onnx.load(file)


def _scikit_learn(classifier: Any, n_classes: int) -> onnx.ModelProto:
    """A classifier, exported by skl2onnx."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    if n_classes == 2 and hasattr(classifier, "calibrated_classifiers_"):
        return _svm_of_two(classifier)
    model: onnx.ModelProto = to_onnx(
        classifier,
        initial_types=[("x", FloatTensorType([None, classifier.n_features_in_]))],
        options={"zipmap": False},
        target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
        naming="classifier_",
    )
    return model


def _svm_of_two(classifier: Any) -> onnx.ModelProto:
    """
    A calibrated support vector machine for two classes; skl2onnx 1.20 swaps the two.

    Sum over support vectors of coefficient * exp(-gamma * squared distance), then the sigmoid.
    """
    (calibrated,) = classifier.calibrated_classifiers_
    scaler, machine = (step for _, step in calibrated.estimator.steps)
    (sigmoid,) = calibrated.calibrators
    vectors = machine.support_vectors_.astype(np.float64)
    numbers = {
        "mean": scaler.mean_,
        "scale": scaler.scale_,
        "vectors": np.ascontiguousarray(vectors.T),
        "squares": (vectors**2).sum(axis=1),
        "minus_two": np.float64(-2),
        "feature_axis": np.array([1]),
        "minus_gamma": np.float64(-machine._gamma),
        "coefficients": np.ascontiguousarray(machine.dual_coef_.T, np.float64),
        "intercept": machine.intercept_.astype(np.float64),
        "slope": np.float64(-sigmoid.a_),
        "shift": np.float64(-sigmoid.b_),
        "one": np.float64(1),
    }
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Cast", ["x"], "double", {"to": TensorProto.DOUBLE}),
        ("Sub", ["double", "mean"], "centred", {}),
        ("Div", ["centred", "scale"], "scaled", {}),
        ("Mul", ["scaled", "scaled"], "squared", {}),
        ("ReduceSum", ["squared", "feature_axis"], "length", {}),
        ("MatMul", ["scaled", "vectors"], "products", {}),
        ("Mul", ["products", "minus_two"], "doubled", {}),
        ("Add", ["doubled", "length"], "nearly", {}),
        ("Add", ["nearly", "squares"], "distance", {}),
        ("Mul", ["distance", "minus_gamma"], "exponent", {}),
        ("Exp", ["exponent"], "kernel", {}),
        ("MatMul", ["kernel", "coefficients"], "sum", {}),
        ("Add", ["sum", "intercept"], "margin", {}),
        ("Mul", ["margin", "slope"], "sloped", {}),
        ("Add", ["sloped", "shift"], "logit", {}),
        ("Sigmoid", ["logit"], "second", {}),
        ("Sub", ["one", "second"], "first", {}),
        ("Concat", ["first", "second"], "both", {"axis": 1}),
        ("Cast", ["both"], "chances", {"to": TensorProto.FLOAT}),
    ]
    return _model(
        [helper.make_node(kind, given, [out], **more) for kind, given, out, more in steps],
        ("x", TensorProto.FLOAT, ["n", classifier.n_features_in_]),
        [("chances", ["n", 2])],
        numbers,
    )


def _model(
    nodes: list[onnx.NodeProto],
    given: tuple[str, int, list[Any]],
    outputs: list[tuple[str, list[Any]]],
    numbers: dict[str, Any] | None = None,
) -> onnx.ModelProto:
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


def _joined(first: onnx.ModelProto, second: onnx.ModelProto, number: int) -> onnx.ModelProto:
    """Connect the last output of one to the only input of the other and keep its outputs."""
    second = compose.add_prefix(second, f"{number}_")
    first.ir_version = second.ir_version = IR_VERSION
    return compose.merge_models(
        first,
        second,
        io_map=[(first.graph.output[-1].name, second.graph.input[0].name)],
        outputs=[output.name for output in second.graph.output],
    )


def _rename(model: onnx.ModelProto, old: str, new: str) -> None:
    for value in (*model.graph.input, *model.graph.output):
        value.name = new if value.name == old else value.name
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
