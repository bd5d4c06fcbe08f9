"""What a photo looks like in numbers: figures that can be worked out by hand."""

import numpy as np
import pytest

from thinsection.base.seeds import generator
from thinsection.predict.description import HUES, N_NUMBERS, SHARES, TOGETHER, describe

SATURATION = HUES
BRIGHTNESS = SATURATION + SHARES
COLOURS = BRIGHTNESS + SHARES
FIRST_SCALE = COLOURS + 6
STEPS_AT = FIRST_SCALE + 15
NEIGHBOURS = STEPS_AT + 8


def grains(n: int, height: int, width: int) -> np.ndarray:
    """Photos of noise in coarse and fine, all different."""
    rng = generator(0, "description")
    coarse = rng.integers(0, 200, (n, -(-height // 8), -(-width // 8), 3))
    coarse = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :height, :width]
    return (coarse + rng.integers(0, 56, coarse.shape)).astype(np.uint8)


def test_no_photo_is_described_by_those_beside_it() -> None:
    photos = grains(2 * TOGETHER + 3, 41, 55)  # odd sides: half of them is no whole number
    together = describe(photos)
    assert together.shape == (len(photos), N_NUMBERS)
    assert together.dtype == np.float32
    alone = np.concatenate([describe(photo[None]) for photo in photos])
    assert together == pytest.approx(alone, abs=1e-5)
    assert describe(photos[:0]).shape == (0, N_NUMBERS)


def test_a_photo_of_one_colour() -> None:
    (found,) = describe(np.full((1, 40, 60, 3), (255, 0, 0), np.uint8))
    wanted = np.zeros(N_NUMBERS)
    wanted[0] = 1  # red is the first hue
    wanted[SATURATION + SHARES - 1] = 1  # nothing is purer
    wanted[BRIGHTNESS + SHARES - 1] = 1
    wanted[COLOURS] = 1  # mean of red; no spread, no gradient
    wanted[STEPS_AT] = 1  # the weakest gradients
    wanted[NEIGHBOURS] = wanted[NEIGHBOURS + 5] = 1  # no neighbour brighter, one as bright
    assert found == pytest.approx(wanted, abs=1e-4)


def test_shares_are_whole_and_quartiles_those_of_numpy() -> None:
    photo = grains(1, 24, 30)[0]  # so small that it is described as it is
    (found,) = describe(photo[None])
    for start, n in ((0, HUES), (SATURATION, SHARES), (BRIGHTNESS, SHARES), (STEPS_AT, 8)):
        assert found[start : start + n].sum() == pytest.approx(1, abs=1e-5)
    assert found[NEIGHBOURS : NEIGHBOURS + 5].sum() == pytest.approx(1, abs=1e-5)
    assert found[COLOURS : COLOURS + 3] == pytest.approx(photo.mean(axis=(0, 1)) / 255, abs=1e-5)
    assert found[COLOURS + 3 : COLOURS + 6] == pytest.approx(photo.std(axis=(0, 1)) / 255, abs=1e-5)
    grey = photo @ np.array([0.299, 0.587, 0.114]) / 255
    for place, scale in enumerate((1, 2, 4)):
        down = grey[scale:, :-scale] - grey[:-scale, :-scale]
        across = grey[:-scale, scale:] - grey[:-scale, :-scale]
        slope = np.hypot(down, across)
        wanted = [slope.mean(), slope.std(), *np.quantile(slope, (0.25, 0.5, 0.75))]
        at = FIRST_SCALE + 5 * place
        assert found[at : at + 5] == pytest.approx(np.array(wanted), abs=1e-5)
        if scale == 1:
            steps = np.histogram(np.sqrt(slope), np.arange(9) / 8)[0] / slope.size
            assert found[STEPS_AT : STEPS_AT + 8] == pytest.approx(steps, abs=2 / slope.size)
