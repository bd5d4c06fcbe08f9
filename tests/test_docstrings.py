"""The examples in docstrings, run."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
WITH_EXAMPLES = [
    "thinsection.base.arrays",
    "thinsection.base.seeds",
    "thinsection.counting.shares",
    "thinsection.dataset.extinction",
    "thinsection.dataset.folds",
    "thinsection.dataset.reduction",
    "thinsection.dataset.samples",
    "thinsection.decode.deep",
    "thinsection.decode.formats",
    "thinsection.decode.photo",
    "thinsection.evidence.metrics",
    "thinsection.evidence.statistics",
    "thinsection.forecast.cost",
    "thinsection.ingest.naming",
    "thinsection.predict.predictor",
    "thinsection.render.chart",
    "thinsection.render.optics",
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_give_what_they_say(module: str) -> None:
    ran = doctest.testmod(import_module(module), optionflags=doctest.ELLIPSIS)
    assert ran.attempted > 0
    assert ran.failed == 0


def test_no_module_has_an_example_that_is_not_run() -> None:
    found = {
        ".".join(path.relative_to(SRC).with_suffix("").parts)
        for path in SRC.rglob("*.py")
        if ">>> " in path.read_text(encoding="utf-8")
    }
    assert found == set(WITH_EXAMPLES)
