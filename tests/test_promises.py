"""What the card promises of each class, by hand."""

import numpy as np
import pytest

from thinsection.base.seeds import generator
from thinsection.evidence.metrics import Outcomes
from thinsection.final.doubt import Sets
from thinsection.final.promises import by_class, errors_by_specimen

CLASSES = ["augite", "biotite", "olivine"]


def promised(labels: list[int], predicted: list[int]) -> dict[str, dict[str, object]]:
    """Of specimens of two photos each."""
    chances = np.eye(3)[predicted]
    outcomes = Outcomes(np.array(labels), np.array(predicted), chances)
    sets = Sets(1.0, np.full(3, 0.5), 0.9, 1.5, np.array([0.9, 0.8, 0.7]))
    groups = np.repeat(np.arange(len(labels) // 2), 2).astype(str)
    rng = generator(1, "promises")
    return by_class([outcomes], groups, CLASSES, sets, confidence=0.95, n_draws=500, rng=rng)


def test_what_is_promised_of_each_class() -> None:
    labels = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    found = promised(labels, [0, 0, 0, 0, 1, 1, 1, 1, 2, 0, 0, 1])
    olivine, augite = found["olivine"], found["augite"]
    assert (olivine["n_specimens"], olivine["recognised"]) == (2, 0.25)
    assert (olivine["right_when_named"], olivine["taken_for"]) == (1.0, "augite")
    assert olivine["taken_for_it"] is None
    assert augite["recognised"] == 1.0
    assert augite["right_when_named"] == pytest.approx(4 / 6)
    assert augite["taken_for_it"] == "olivine"
    assert augite["covered"] == 0.9


def test_a_name_that_is_never_given_promises_nothing() -> None:
    found = promised([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 1, 1])["olivine"]
    assert found["recognised"] == 0
    assert found["right_when_named"] is found["right_when_named_low"] is None


def test_intervals_are_over_specimens() -> None:
    # one specimen of four named wrongly, both photos: the interval is that of four trials, not eight
    found = promised([0] * 8 + [1] * 8, [0] * 6 + [1] * 2 + [1] * 8)["augite"]
    low, high = found["recognised_low"], found["recognised_high"]
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert found["recognised"] == 0.75
    assert low < 0.2
    assert high > 0.97


def test_what_each_specimen_was_called_is_the_mean_over_repeats() -> None:
    labels = np.array([0, 0, 1, 1])
    repeats = [
        Outcomes(labels, np.array(predicted), np.eye(3)[predicted])
        for predicted in ([0, 2, 1, 1], [0, 0, 1, 1])
    ]
    found = errors_by_specimen(repeats, np.array(["b", "b", "a", "a"]), CLASSES)
    assert found.to_dict("records") == [
        {"specimen": 0, "label": "biotite", "named": "biotite", "n": 2.0},
        {"specimen": 1, "label": "augite", "named": "augite", "n": 1.5},
        {"specimen": 1, "label": "augite", "named": "olivine", "n": 0.5},
    ]
