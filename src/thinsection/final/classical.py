"""Classifiers of scikit-learn as ONNX graphs, from vectors to probabilities."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from thinsection.final.pieces import ML_OPSET, OPSET, Step, small_graph


def classical_graph(classifier: Any, n_classes: int) -> onnx.ModelProto:
    """A classifier, exported by skl2onnx."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    if n_classes == 2 and hasattr(classifier, "calibrated_classifiers_"):
        return _svm_of_two(classifier)
    if hasattr(classifier, "theta_"):
        return _naive_bayes(classifier)
    model: onnx.ModelProto = to_onnx(
        classifier,
        initial_types=[("x", FloatTensorType([None, classifier.n_features_in_]))],
        options={"zipmap": False},
        target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
        naming="classifier_",
    )
    del model.graph.output[:-1]  # the class, which skl2onnx gives too
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
    steps: list[Step] = [
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
    return small_graph(
        [helper.make_node(kind, given, [out], **more) for kind, given, out, more in steps],
        ("x", TensorProto.FLOAT, ["n", classifier.n_features_in_]),
        [("chances", ["n", 2])],
        numbers,
    )


def _naive_bayes(classifier: Any) -> onnx.ModelProto:
    """
    Gaussian naive Bayes in double precision.

    skl2onnx computes it in single precision, but the logarithms are sums over thousands of
    features, and their last digits decide on photos between two classes.
    """
    variances = classifier.var_.astype(np.float64)
    normalisation = np.log(2 * np.pi * classifier.var_).sum(axis=1)  # in the classifier's precision
    numbers = {
        "class_axis": np.array([1]),
        "feature_axis": np.array([2]),
        "means": classifier.theta_.astype(np.float64),  # (n_classes, n_features)
        "variances": variances,
        "minus_half": np.float64(-0.5),
        "constants": (np.log(classifier.class_prior_) - normalisation / 2).astype(np.float64),
    }
    steps: list[Step] = [
        ("Cast", ["x"], "double", {"to": TensorProto.DOUBLE}),
        ("Unsqueeze", ["double", "class_axis"], "each", {}),
        ("Sub", ["each", "means"], "centred", {}),  # (n, n_classes, n_features)
        ("Mul", ["centred", "centred"], "squared", {}),
        ("Div", ["squared", "variances"], "scaled", {}),
        ("ReduceSum", ["scaled", "feature_axis"], "sum", {"keepdims": 0}),
        ("Mul", ["sum", "minus_half"], "exponent", {}),
        ("Add", ["exponent", "constants"], "logarithm", {}),
        ("Softmax", ["logarithm"], "shares", {"axis": 1}),
        ("Cast", ["shares"], "chances", {"to": TensorProto.FLOAT}),
    ]
    return small_graph(
        [helper.make_node(kind, given, [out], **more) for kind, given, out, more in steps],
        ("x", TensorProto.FLOAT, ["n", classifier.n_features_in_]),
        [("chances", ["n", len(variances)])],
        numbers,
    )
