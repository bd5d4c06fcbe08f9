"""Calibration: worked by hand, and temperatures that must come back."""

import numpy as np
import pytest
from scipy import special

from thinsection.base.arrays import Floats, Ints
from thinsection.evidence.calibration import at_temperature, fit_temperature, reliability, rescaled
from thinsection.evidence.metrics import Outcomes


def test_reliability_by_hand() -> None:
    # Two photos at 0.55, one right; two at 0.95, both right; bins of width 0.5.
    table = reliability(np.array([0.55, 0.55, 0.95, 0.95]), np.array([1, 0, 1, 1], bool), bins=2)
    assert table.n_photos.tolist() == [0, 4]
    assert table.accuracy[1] == 0.75
    # Mean confidence 0.75, accuracy 0.75: on average it can be believed.
    assert table.expected_error == pytest.approx(0)
    finer = reliability(np.array([0.55, 0.55, 0.95, 0.95]), np.array([1, 0, 1, 1], bool), bins=10)
    # Gaps of 0.05 and 0.05, half of the photos each.
    assert finer.expected_error == pytest.approx(0.05)


def draw(rng: np.random.Generator, n: int = 4000, sharpness: float = 1.0) -> tuple[Floats, Ints]:
    """Labels drawn from true probabilities, and those probabilities sharpened."""
    logits = rng.normal(0, 1.5, (n, 4))
    true = special.softmax(logits, axis=1)
    labels = (true.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1)
    return special.softmax(sharpness * logits, axis=1), labels


def test_temperature_comes_back() -> None:
    probabilities, labels = draw(np.random.default_rng(0), sharpness=2.5)
    assert fit_temperature(probabilities, labels) == pytest.approx(2.5, rel=0.05)


def test_scaling_keeps_the_ranking() -> None:
    probabilities, _ = draw(np.random.default_rng(1))
    scaled = at_temperature(probabilities, 3.0)
    assert (scaled.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert scaled.sum(axis=1) == pytest.approx(np.ones(len(scaled)))


def test_a_fold_is_scaled_without_its_own_photos() -> None:
    probabilities, labels = draw(np.random.default_rng(2), n=400, sharpness=2)
    folds = np.arange(400) % 4
    outcomes = Outcomes(labels, probabilities.argmax(axis=1), probabilities)
    scaled, temperatures = rescaled(outcomes, folds)
    # Other labels in fold 0 change the temperatures of the other folds, never its own.
    changed = Outcomes(
        np.where(folds == 0, (labels + 1) % 4, labels), outcomes.predicted, probabilities
    )
    again, others = rescaled(changed, folds)
    assert others[0] == temperatures[0]
    assert (again[folds == 0] == scaled[folds == 0]).all()
    assert (others[1:] != temperatures[1:]).all()


def test_zero_probabilities_have_a_finite_loss() -> None:
    certain = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    temperature = fit_temperature(certain, np.array([0, 1, 1]))
    assert np.isfinite(at_temperature(certain, temperature)).all()
