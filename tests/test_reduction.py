"""Photos at a smaller size: exact, in whatever order it is added up."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from thinsection.base.seeds import generator
from thinsection.dataset.reduction import STEPS, axis_weights, reduced

sides = st.integers(1, 90)


@given(sides, sides)
def test_weights_are_whole_steps_that_sum_to_one(n_in: int, n_out: int) -> None:
    weights = axis_weights(n_in, n_out)
    assert (weights.sum(axis=1) == 1).all()
    assert (weights * STEPS % 1 == 0).all()
    assert weights.min() >= 0


@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 20), st.integers(1, 20))
def test_the_order_of_the_sums_changes_no_bit(
    height: int, width: int, to_height: int, to_width: int
) -> None:
    photo = generator(0, "order", height, width).integers(0, 256, (height, width, 3))
    down, across = axis_weights(height, to_height), axis_weights(width, to_width)
    expected = np.zeros((to_height, to_width, 3))
    for row in reversed(range(height)):  # backwards, and the other axis first
        along = np.zeros((to_width, 3))
        for column in reversed(range(width)):
            along += across[:, column, None] * photo[row, column]
        expected += down[:, row, None, None] * along
    shown = reduced(photo[None].astype(np.uint8), to_height, to_width)[0]
    if (height, width) != (to_height, to_width):
        assert (shown == np.floor(expected + 0.5)).all()


def test_it_is_the_filter_that_everyone_knows() -> None:
    photos = generator(0, "filter").integers(0, 256, (3, 50, 70, 3)).astype(np.uint8)
    batch = torch.tensor(photos).permute(0, 3, 1, 2).double()
    for size in ((13, 19), (25, 35), (80, 90)):
        known = interpolate(batch, size, mode="bilinear", antialias=True).permute(0, 2, 3, 1)
        # half a grey level of rounding, and what the steps of the weights cost
        assert np.abs(reduced(photos, *size) - known.numpy()).max() < 0.51


def test_a_photo_of_the_size_is_left_alone() -> None:
    photos = generator(0, "same").integers(0, 256, (2, 9, 7, 3)).astype(np.uint8)
    assert (reduced(photos, 9, 7) == photos).all()
    assert reduced(photos[:0], 3, 3).shape == (0, 3, 3, 3)
