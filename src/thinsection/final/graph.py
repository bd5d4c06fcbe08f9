"""
A fitted classifier as one ONNX graph, from packed photos to probabilities.

    photos (n, H, W, 3) uint8 -> reduced, scaled -> classifier -> uncalibrated -> probabilities

Where samples are seen in several lights, a third input says which of p photos shows which of n samples
in which slot: ``weights`` (n, n_slots, p) (``learning.examples.joining.slot_weights``).

The reduction in the graph is that of ``reduction.py``, exact in double precision, so the input of
the classifier is identical to the bit to that in training. Only ``colour_texture`` is computed
outside the graph, which then takes vectors.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, compose, helper
from torch import nn

from thinsection.base.arrays import Floats, Texts
from thinsection.base.errors import InputError
from thinsection.dataset.reduction import axis_weights
from thinsection.evidence.calibration import LEAST
from thinsection.final.classical import classical_graph
from thinsection.final.convolutions import fix_padding, use_products
from thinsection.final.fitting import Member
from thinsection.final.pieces import IR_VERSION, OPSET, Step, joined, rename, small_graph
from thinsection.learning.contract import Classifier
from thinsection.learning.examples.embedding import embedding_network
from thinsection.learning.examples.joining import LEAST as LEAST_OF_PHOTO
from thinsection.predict.graph import EMBEDDING, WEIGHTS
from thinsection.settings import EmbeddingSettings, PixelSettings

COLOUR_TEXTURE = "colour_texture"  # the input that is computed before the graph
TOLERANCE = 1e-4  # largest allowed difference between probabilities of graph and classifier


def export(
    members: Sequence[Member],
    height: int,
    width: int,
    *,
    n_classes: int,
    temperature: float,
    pixels: PixelSettings,
    embedding: EmbeddingSettings,
    gives_embedding: bool = False,
) -> onnx.ModelProto:
    """
    The graph, checked by onnx.

    Parameters
    ----------
    members : the classifier, or several whose mean probability is the answer
    height, width : of the input photos
    temperature : calibrates the probabilities
    pixels, embedding : how photos become vectors, for a classifier that takes those
    gives_embedding : whether the embedding is an output even if no classifier takes it

    Returns
    -------
    A model with the outputs ``uncalibrated`` and ``probabilities``, (n, n_classes) float32 each,
    and the inputs ``photos``, ``colour_texture`` or both, and ``weights`` if the classifiers take
    samples in several lights. If a classifier takes the embedding, or
    ``gives_embedding``, it is a further output, ``embedding``, (n, n_features) float32.
    """
    graphs = [
        _chances(member, height, width, n_classes, pixels=pixels, embedding=embedding)
        for member in members
    ]
    model = graphs[0] if len(graphs) == 1 else _mean_of(graphs, n_classes)
    if gives_embedding and EMBEDDING not in {output.name for output in model.graph.output}:
        model = _beside(_embedding(height, width, embedding), model)
    model = joined(model, _calibration(n_classes, temperature), "last")
    for output in model.graph.output:
        rename(model, output.name, output.name.removeprefix("last_"))
    if members[0].classifier.lights:
        _tell_photos_from_samples(model)
    del model.metadata_props[:]
    model.producer_name, model.producer_version = "thinsection", ""
    model.graph.name = "thinsection"
    onnx.checker.check_model(model, full_check=True)
    return model


def inputs_of(classifiers: Sequence[Classifier], gives_embedding: bool) -> list[str]:
    """The inputs of the graph of these classifiers: ``photos``, ``colour_texture``, or both."""
    kinds = {kind for classifier in classifiers for kind in classifier.kinds or ["photos"]}
    kinds |= {EMBEDDING} if gives_embedding else set()
    of_photos = ["photos"] if kinds - {COLOUR_TEXTURE} else []
    return of_photos + ([COLOUR_TEXTURE] if COLOUR_TEXTURE in kinds else [])


def _chances(
    member: Member,
    height: int,
    width: int,
    n_classes: int,
    *,
    pixels: PixelSettings,
    embedding: EmbeddingSettings,
) -> onnx.ModelProto:
    """One classifier, from the graph's inputs to probabilities."""
    classifier = member.classifier
    given = _input(classifier, height, width, pixels, embedding)
    if member.how == "network":
        n_slots = len(classifier.lights) if classifier.features == "photos" else 0
        parts = [
            _network(classifier.model, classifier.input_shape, "logits", n_slots),
            _softmax(n_classes),
        ]
    else:
        parts = [classical_graph(classifier.model, n_classes)]
    if classifier.lights and classifier.features != "photos":
        parts.append(_joining(len(classifier.lights), n_classes))
    model = given or compose.add_prefix(parts.pop(0), "first_")
    for number, part in enumerate(parts):
        model = joined(model, part, str(number))
    if given is None:  # vectors of colour and texture go to the classifier as they are
        rename(model, model.graph.input[0].name, COLOUR_TEXTURE)
    for value in model.graph.input:
        if value.name.endswith(f"_{WEIGHTS}"):
            rename(model, value.name, WEIGHTS)
    return model


def _joining(n_slots: int, n_classes: int) -> onnx.ModelProto:
    """From probabilities of photos to those of samples, as ``joining.of_samples``."""
    numbers: dict[str, Any] = {
        "least": np.float32(LEAST_OF_PHOTO),
        "of_photos": np.array([2]),
        "of_slots": np.array([1]),
        "none": np.float32(0),
    }
    steps: list[Step] = [
        ("Max", ["of_each", "least"], "positive", {}),
        ("Log", ["positive"], "logs", {}),
        ("MatMul", [WEIGHTS, "logs"], "means", {}),
        ("ReduceSum", [WEIGHTS, "of_photos"], "shares", {"keepdims": 1}),
        ("Greater", ["shares", "none"], "there", {}),
        ("Cast", ["there"], "seen", {"to": TensorProto.FLOAT}),
        ("Mul", ["means", "seen"], "known", {}),
        ("ReduceSum", ["known", "of_slots"], "sum", {"keepdims": 0}),
        ("ReduceSum", ["seen", "of_slots"], "count", {"keepdims": 0}),
        ("Div", ["sum", "count"], "mean", {}),
        ("Softmax", ["mean"], "of_samples", {"axis": 1}),
    ]
    model = small_graph(
        [helper.make_node(kind, given, [out], **more) for kind, given, out, more in steps],
        ("of_each", TensorProto.FLOAT, ["p", n_classes]),
        [("of_samples", ["n", n_classes])],
        numbers,
    )
    model.graph.input.append(
        helper.make_tensor_value_info(WEIGHTS, TensorProto.FLOAT, ["n", n_slots, "p"])
    )
    return model


def _tell_photos_from_samples(model: onnx.ModelProto) -> None:
    """Name the first dimension of what is of photos p, and of what is of samples n."""
    for value in (*model.graph.input, *model.graph.output):
        of_photos = value.name in ("photos", COLOUR_TEXTURE, EMBEDDING)
        if value.name != WEIGHTS:
            value.type.tensor_type.shape.dim[0].dim_param = "p" if of_photos else "n"
    del model.graph.value_info[:]


def _mean_of(graphs: list[onnx.ModelProto], n_classes: int) -> onnx.ModelProto:
    """
    The mean of the probabilities of several graphs, whose inputs of one name are the same.

    So is an embedding that several of them give.
    """
    inputs: dict[str, onnx.ValueInfoProto] = {}
    opsets: dict[str, onnx.OperatorSetIdProto] = {}
    nodes, numbers, outputs = [], [], []
    embedding: list[onnx.ValueInfoProto] = []
    for place, graph in enumerate(graphs):
        names = [given.name for given in graph.graph.input]
        part = compose.add_prefix(graph, f"member{place}_")
        for given, name in zip(part.graph.input, names, strict=True):
            rename(part, given.name, name)
        inputs |= {given.name: given for given in part.graph.input}
        opsets |= {opset.domain: opset for opset in part.opset_import}
        nodes += list(part.graph.node)
        numbers += list(part.graph.initializer)
        *carried, chances = part.graph.output
        if carried and not embedding:
            rename(part, carried[0].name, EMBEDDING)
            embedding = carried
        outputs.append(chances.name)
    nodes.append(helper.make_node("Mean", outputs, ["mean"]))
    mean = helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", n_classes])
    whole = helper.make_graph(nodes, "mean", list(inputs.values()), [*embedding, mean], numbers)
    return helper.make_model(whole, opset_imports=list(opsets.values()), ir_version=IR_VERSION)


def _input(
    classifier: Classifier,
    height: int,
    width: int,
    pixels: PixelSettings,
    embedding: EmbeddingSettings,
) -> onnx.ModelProto | None:
    """
    From photos, and vectors of colour and texture where they are needed, to what a classifier takes.

    None for a classifier that takes vectors of colour and texture alone.
    """
    if classifier.features == "photos":
        return _preparing(height, width, classifier.height, classifier.width, flat=False)
    parts: list[onnx.ModelProto] = []
    for kind in classifier.kinds:
        if kind == "pixels":
            parts.append(_preparing(height, width, pixels.height, pixels.width, flat=True))
        elif kind == "embedding":
            parts.append(_embedding(height, width, embedding))
            _give_as(parts[-1], EMBEDDING)
    if COLOUR_TEXTURE not in classifier.kinds:
        return parts[0]
    return _with_colour_texture(parts[0], classifier.n_features) if parts else None


def _embedding(height: int, width: int, settings: EmbeddingSettings) -> onnx.ModelProto:
    """From photos to their embedding, the only output."""
    size = settings.height, settings.width
    network = _network(embedding_network(settings), (3, *size), "vectors")
    return joined(_preparing(height, width, *size, flat=False), network, "of")


def _beside(describing: onnx.ModelProto, model: onnx.ModelProto) -> onnx.ModelProto:
    """A graph that gives the embedding too, from the same photos."""
    describing = compose.add_prefix(describing, "described_")
    rename(describing, describing.graph.input[0].name, "photos")
    rename(describing, describing.graph.output[0].name, EMBEDDING)
    graphs = [describing.graph, model.graph]
    inputs = {given.name: given for graph in graphs for given in graph.input}
    opsets = {opset.domain: opset for part in (describing, model) for opset in part.opset_import}
    whole = helper.make_graph(
        [node for graph in graphs for node in graph.node],
        "beside",
        list(inputs.values()),
        [output for graph in graphs for output in graph.output],
        [number for graph in graphs for number in graph.initializer],
    )
    return helper.make_model(whole, opset_imports=list(opsets.values()), ir_version=IR_VERSION)


def _with_colour_texture(model: onnx.ModelProto, n_features: int) -> onnx.ModelProto:
    """A graph with vectors of colour and texture as a second input, appended to its output."""
    *carried, vectors = model.graph.output
    n_more = n_features - vectors.type.tensor_type.shape.dim[1].dim_value
    more = helper.make_tensor_value_info(COLOUR_TEXTURE, TensorProto.FLOAT, ["n", n_more])
    node = helper.make_node("Concat", [vectors.name, COLOUR_TEXTURE], ["together"], axis=1)
    both = helper.make_tensor_value_info("together", TensorProto.FLOAT, ["n", n_features])
    model.graph.input.append(more)
    model.graph.node.append(node)
    del model.graph.output[:]
    model.graph.output.extend([*carried, both])
    return model


def _give_as(model: onnx.ModelProto, name: str) -> None:
    """Give the only output under a name of its own too, which stays when others are connected."""
    (output,) = model.graph.output
    named = onnx.ValueInfoProto()
    named.CopyFrom(output)
    named.name = name
    model.graph.node.append(helper.make_node("Identity", [output.name], [name]))
    del model.graph.output[:]
    model.graph.output.extend([named, output])


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


def _preparing(
    height: int, width: int, to_height: int, to_width: int, flat: bool
) -> onnx.ModelProto:
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
    return small_graph(
        nodes,
        ("photos", TensorProto.UINT8, ["n", height, width, 3]),
        [("prepared", shape)],
        numbers,
    )


def _softmax(n_classes: int) -> onnx.ModelProto:
    node = helper.make_node("Softmax", ["logits_in"], ["chances"], axis=1)
    return small_graph(
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
    return small_graph(
        nodes,
        ("raw", TensorProto.FLOAT, shape),
        [("uncalibrated", shape), ("probabilities", shape)],
        numbers,
    )


def _network(
    network: nn.Module, shape: tuple[int, ...], output: str, n_slots: int = 0
) -> onnx.ModelProto:
    """A network, exported by torch; with slots, it takes the weights of photos too."""
    given: tuple[torch.Tensor, ...] = (torch.zeros(2, *shape),)
    names, axes = ["x"], {"x": {0: "n"}, output: {0: "n"}}
    if n_slots:
        given = torch.zeros(3, *shape), torch.full((2, n_slots, 3), 1 / 3)
        names.append(WEIGHTS)
        axes |= {"x": {0: "p"}, WEIGHTS: {0: "n", 2: "p"}}
    # The exporter that traces a run. The newer one needs onnxscript and takes seven times as long;
    # the graphs are equal.
    with TemporaryDirectory() as folder, warnings.catch_warnings(), torch.inference_mode():
        file = Path(folder) / "network.onnx"
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            given,
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=names,
            output_names=[output],
            dynamic_axes=axes,
        )
        model = onnx.load(file)
    fix_padding(model, dict(zip(names, (each.numpy() for each in given), strict=True)))
    use_products(model)
    return model
