"""A fitted classifier as a file that can be read without executing anything in it."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from torch import nn

WEIGHTS, CLASSIFIER = "weights.safetensors", "classifier.skops"
# scikit-learn's types, in addition to those that skops trusts by default
TRUSTED = [
    "sklearn.tree._tree.Tree",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
]


def write_weights(model: Any, folder: Path, prefix: str = "") -> str:
    """
    Write the classifier to ``folder``, with reproducible bytes; returns the file name.

    Parameters
    ----------
    prefix : of the file name, to tell several classifiers apart
    """
    if isinstance(model, nn.Module):
        from safetensors.torch import save  # save_file makes a file that nobody else may read

        state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        (folder / f"{prefix}{WEIGHTS}").write_bytes(save(state))
        return f"{prefix}{WEIGHTS}"
    from skops.io import dumps

    (folder / f"{prefix}{CLASSIFIER}").write_bytes(_without_chance(dumps(model)))
    return f"{prefix}{CLASSIFIER}"


def read_classifier(path: Path) -> Any:
    """
    The scikit-learn classifier that ``write_weights`` wrote.

    Only the types of which these classifiers consist are created from the file's content.
    """
    from skops.io import load

    return load(path, trusted=TRUSTED)


def _without_chance(archive: bytes) -> bytes:
    """
    A skops archive without anything that differs between two saves of the same classifier.

    skops numbers objects by their addresses in memory, gives their files random names, and
    adds the time; here they are numbered in the order of the schema.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        content = {name: packed.read(name) for name in packed.namelist()}
    schema = json.loads(content.pop("schema.json"))
    names: dict[str, str] = {}
    ids: dict[int, int] = {}

    def numbered(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("__id__"), int):
                node["__id__"] = ids.setdefault(node["__id__"], len(ids))
            if node.get("file") in content:
                suffix = Path(node["file"]).suffix
                node["file"] = names.setdefault(node["file"], f"{len(names):06}{suffix}")
        for child in node.values() if isinstance(node, dict) else node:
            if isinstance(child, dict | list):
                numbered(child)

    numbered(schema)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        parts = {names[name]: part for name, part in content.items()}
        for name, part in sorted(parts.items()):
            packed.writestr(zipfile.ZipInfo(name), part, zipfile.ZIP_DEFLATED)
        text = json.dumps(schema, indent=1)
        packed.writestr(zipfile.ZipInfo("schema.json"), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()
