"""Answers in words and pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from thinsection.serve.pictures import overlay, where
from thinsection.serve.sentences import alternatives, only_closest


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [(0, 0, "the upper left"), (4, 5, "the middle"), (4, 11, "the right side"), (7, 6, "the lower part")],
)  # fmt: skip
def test_where_a_heat_map_is_brightest_in_words(row: int, column: int, said: str) -> None:
    heat = np.full((8, 12), 20, np.uint8)
    heat[row, column] = 200
    assert where(heat) == said
    assert where(np.full((8, 12), 9, np.uint8)) == "everywhere"
    assert where(np.zeros((8, 12), np.uint8)) == "nowhere"


def test_the_overlay_leaves_clear_what_was_looked_at() -> None:
    drawn = np.asarray(Image.open(io.BytesIO(overlay(np.array([[0, 100, 200]], np.uint8)))))
    assert drawn.shape == (1, 3, 2)
    black, alpha = drawn[0, :, 0], drawn[0, :, 1]
    assert black.max() == 0
    assert alpha[2] == 0
    assert alpha[0] > alpha[1] > alpha[2]


def test_a_set_in_words() -> None:
    promise = ": such a list contains the right name for 90\xa0% of photos."
    assert alternatives(("olivine",), 0.9) == "Olivine and nothing else" + promise
    assert alternatives(("a", "b", "c"), 0.9) == "A, b or c" + promise
    assert alternatives((), 0.9) == "None of its classes" + promise


def test_of_a_photo_unlike_anything_nothing_is_promised() -> None:
    said = only_closest("biotite")
    assert "biotite is the closest" in said
    assert "may show none of them" in said
    assert "nothing else" not in said
    assert "%" not in said
