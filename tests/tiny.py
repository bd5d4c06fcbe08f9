"""
The smallest whole run: params.yaml with the changes of params.tiny.yaml.

``python tests/tiny.py`` makes a project tiny: it rewrites its params.yaml.
"""

from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).parents[1]


def tiny_params() -> dict[str, Any]:
    """The entries of the smallest run, by section."""
    params: dict[str, Any]
    params, changes = (
        yaml.safe_load((TOP / file).read_text(encoding="utf-8"))
        for file in ("params.yaml", "tests/params.tiny.yaml")
    )
    for section, entries in changes.items():
        params[section] |= entries
    return params


if __name__ == "__main__":
    text = yaml.safe_dump(tiny_params(), sort_keys=False)
    (TOP / "params.yaml").write_text(text, encoding="utf-8")
