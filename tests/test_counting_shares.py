"""Shares of minerals from names that are partly wrong, with what is known of the errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinsection.base.arrays import Floats, Ints
from thinsection.base.seeds import generator
from thinsection.counting.shares import (
    Shares,
    behind,
    by_hand,
    by_hand_alone,
    by_model,
    concentrations,
    drawn_tables,
    strata_of,
    wanted_by_hand,
)

CLASSES = ("feldspar", "mica", "quartz")
TRUTH = np.array([0.5, 0.1, 0.4])
TABLE = np.array([[0.8, 0.05, 0.15], [0.1, 0.85, 0.05], [0.25, 0.05, 0.7]])


def specimens(rng: np.random.Generator, n: int = 30, tight: float = 40.0) -> Floats:
    """Errors on 24 samples of each class in each of ``n`` specimens that differ from each other."""
    tables = np.stack([[rng.dirichlet(tight * row) for row in TABLE] for _ in range(n)])
    return np.stack([[rng.multinomial(24, row) for row in table] for table in tables]).astype(float)


def section(rng: np.random.Generator, n: int, tight: float = 40.0) -> tuple[Ints, Ints]:
    """True classes and names of the points of one more specimen."""
    table = np.stack([rng.dirichlet(tight * row) for row in TABLE])
    true = rng.choice(3, n, p=TRUTH)
    return true, np.array([rng.choice(3, p=table[k]) for k in true])


def covered(shares: Shares) -> Floats:
    low, high = shares.interval(0.95)
    return ((low <= TRUTH) & (high >= TRUTH)).astype(float)


def test_names_that_are_always_right_are_the_shares() -> None:
    counts = np.array([[20.0, 30.0, 50.0]])
    assert np.allclose(behind(counts, np.eye(3)[None]), [[0.2, 0.3, 0.5]], atol=1e-4)


@given(
    st.lists(st.integers(0, 50), min_size=3, max_size=3).filter(any),
    st.integers(0, 2**31),
)
def test_shares_are_never_negative_and_make_up_the_whole(counts: list[int], seed: int) -> None:
    tables = generator(seed, "tables").dirichlet(np.ones(3), (1, 3))
    found = behind(np.array([counts], float), tables)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)


def test_correction_undoes_the_errors_and_says_how_sure_it_is() -> None:
    rng = generator(1, "correction")
    inside, naive, errors = [], [], specimens(rng)
    for _ in range(60):
        _, named = section(rng, 400)
        shares = by_model(CLASSES, named, np.zeros(400, int), errors, rng, n_draws=600)
        inside.append(covered(shares))
        naive.append(covered(by_hand_alone(CLASSES, named, rng, n_draws=600)))
    assert 0.88 <= np.mean(inside) <= 0.995
    assert np.mean(naive) < 0.6  # names taken as they are


def test_points_named_by_hand_make_it_right_whatever_the_model_does() -> None:
    rng = generator(2, "by hand")
    inside = []
    for _ in range(80):
        true, _ = section(rng, 500)
        named = np.where(
            true == 2, 0, rng.integers(0, 3, 500)
        )  # calls quartz feldspar, the rest anything
        strata = strata_of(named, rng.random(500))
        seen = np.full(500, -1)
        looked = wanted_by_hand(strata, rng.random(500), 60, rng)
        seen[looked] = true[looked]
        inside.append(covered(by_hand(CLASSES, named, strata, seen, rng, n_draws=400)))
    assert np.mean(inside) >= 0.9


def test_a_good_model_makes_points_named_by_hand_worth_more() -> None:
    rng = generator(3, "width")
    true, _ = section(rng, 600)
    named = np.where(rng.random(600) < 0.95, true, rng.integers(0, 3, 600))
    strata = strata_of(named, np.where(named == true, 0.95, 0.5))
    looked = wanted_by_hand(strata, np.where(named == true, 0.95, 0.5), 60, rng)
    seen = np.full(600, -1)
    seen[looked] = true[looked]
    both, alone = by_hand(CLASSES, named, strata, seen, rng), by_hand_alone(CLASSES, true[:60], rng)
    widths = [np.diff(shares.interval(0.95), axis=0).mean() for shares in (both, alone)]
    assert widths[0] < 0.6 * widths[1]


def test_fields_that_differ_widen_the_interval() -> None:
    rng = generator(4, "fields")
    errors = np.stack([np.eye(3) * 50] * 20)
    fields = np.repeat(np.arange(20), 20)
    named = np.where(fields < 10, 0, 2)  # half of the fields all feldspar, the others all quartz
    alike = np.where(np.arange(400) % 2, 0, 2)
    width = [
        np.ptp(by_model(CLASSES, each, fields, errors, rng).interval(0.95), axis=0)[0]
        for each in (named, alike)
    ]
    assert width[0] > 2 * width[1]


def test_how_much_specimens_differ_is_found_again() -> None:
    rng = generator(5, "concentration")
    loose, tight = (
        concentrations(specimens(rng, 200, 8.0)),
        concentrations(specimens(rng, 200, 80.0)),
    )
    assert (np.abs(np.log(loose / 8)) < np.log(1.6)).all()
    assert (tight > 3 * loose).all()
    tables = drawn_tables(specimens(rng, 200, 8.0), rng, 500)
    assert np.allclose(tables.sum(axis=2), 1)
    assert np.allclose(tables.mean(axis=0), TABLE, atol=0.05)


def test_points_to_look_at_are_of_every_stratum_and_more_where_it_is_unsure() -> None:
    rng = generator(6, "wanted")
    strata = np.repeat([0, 1, 2], [200, 200, 10])
    sure = np.repeat([0.98, 0.55, 0.9], [200, 200, 10])
    wanted = wanted_by_hand(strata, sure, 60, rng)
    assert len(set(wanted.tolist())) == 60
    n = np.bincount(strata[wanted])
    assert n[1] > 1.5 * n[0]
    assert n.min() >= 1
    assert len(wanted_by_hand(strata, sure, 9999, rng)) == 410
