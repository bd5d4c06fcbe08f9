"""Thousands of photos, each its own specimen: memory stays small, and no figure changes by it."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from thinsection.base.seeds import generator
from thinsection.evidence import statistics
from thinsection.evidence.comparisons import right_by_group
from thinsection.evidence.estimates import estimate
from thinsection.evidence.metrics import METRICS, Outcomes
from thinsection.evidence.statistics import resampled_counts, sign_flip
from thinsection.final import flag

N_PHOTOS = 4000
GROUPS = np.array([f"photo-{number:04}" for number in range(N_PHOTOS)])


def peak_mib(work: Callable[[], object]) -> float:
    """Most memory that ``work`` held at a time, what was there before not counted."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def outcomes(n_photos: int) -> Outcomes:
    rng = generator(1, "many photos")
    labels = np.arange(n_photos) % 4
    probabilities = rng.dirichlet(np.ones(4), n_photos)
    return Outcomes(labels, probabilities.argmax(axis=1), probabilities)


def test_sign_flips_of_many_specimens_hold_little() -> None:
    differences = generator(1, "flips").integers(-1, 2, (N_PHOTOS, 5)) * 2**0.5
    # all signs at once are 10,000 x 4,000 numbers: 305 MiB
    assert peak_mib(lambda: sign_flip(differences, 10_000, generator(2, "flips"))) < 40


def test_sums_over_many_specimens_hold_little() -> None:
    right = generator(1, "right").integers(0, 2, (19, 1, N_PHOTOS)).astype(bool)
    # a matrix of photos by specimens is 4,000 x 4,000 numbers: 122 MiB
    assert peak_mib(lambda: right_by_group(right, GROUPS)) < 10


def test_bootstrap_of_many_specimens_holds_little() -> None:
    one = [[outcomes(N_PHOTOS)]]
    # all draws at once are 1,000 x 4,000 numbers: 31 MiB, and an index needs three of such
    assert peak_mib(lambda: estimate(one, GROUPS, 1000, generator(2, "draws"), 0.5)) < 40


@pytest.mark.parametrize("at_once", [1, 7 * 12, 100 * 12 - 1])
def test_signs_drawn_in_parts_are_those_of_one_array(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    # no counts, so that signs are drawn
    differences = generator(1, "flips").integers(-3, 4, (12, 3)) * 2**0.5
    signs = generator(2, "flips").choice([-1.0, 1.0], size=(100, 12))
    as_large = np.abs(signs @ differences) >= np.abs(differences.sum(axis=0)) - 1e-9
    monkeypatch.setattr(statistics, "NUMBERS_AT_ONCE", at_once)
    in_parts = sign_flip(differences, 100, generator(2, "flips"))
    assert in_parts.tolist() == ((as_large.sum(axis=0) + 1) / 101).tolist()


@pytest.mark.parametrize("at_once", [1, 7 * 60, 100 * 60 - 1])
def test_specimens_drawn_in_parts_are_those_of_one_array(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    results, groups = [[outcomes(60)]], np.arange(60).astype(str)
    group_of = np.unique(groups, return_inverse=True)[1]
    counts = resampled_counts(60, 100, generator(2, "draws"))[:, group_of].astype(float)
    monkeypatch.setattr(statistics, "NUMBERS_AT_ONCE", at_once)
    found = estimate(results, groups, 100, generator(2, "draws"), 0.5)
    for name, metric in METRICS.items():
        assert found.draws[name][0].tolist() == metric(results[0][0], counts).tolist()
    left_out = METRICS["ca"](results[0][0], (counts == 0).astype(float))
    assert found.left_out_ca[0].tolist() == left_out.tolist()


def test_photos_compared_in_parts_are_as_strange_as_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    groups = np.repeat(np.arange(20), 3)
    seen = generator(1, "strange").normal(size=(60, 8)).astype(np.float32)
    photos = flag.Photos(
        {}, seen, groups % 3, groups, groups % 4, np.arange(60), np.ones(60, bool), {}
    )
    whole, rates = flag.fit_flag(photos, 0.1, 5)
    monkeypatch.setattr(flag, "DISTANCES_AT_ONCE", 7 * 60)
    parts, rates_of_parts = flag.fit_flag(photos, 0.1, 5)
    assert parts.threshold == pytest.approx(whole.threshold)
    assert rates_of_parts == rates


def test_right_answers_of_a_specimen_are_the_mean_of_its_repeats() -> None:
    # specimen b: photos 0 and 2, right in 2 and 1 of two repeats; a: photo 1, right in none
    right = np.array([[[True, False, False], [True, False, True]]])
    assert right_by_group(right, np.array(["b", "a", "b"])).tolist() == [[0, 1.5]]
