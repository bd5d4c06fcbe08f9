from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import photo_table
from thinsection.base.errors import InputError
from thinsection.base.tables import FOLDS, write_table
from thinsection.dataset.folds import as_folds, assign_folds, read_folds
from thinsection.dataset.shortages import shortages
from thinsection.evidence.estimates import fold_values
from thinsection.evidence.metrics import Outcomes


@given(
    n_folds=st.integers(2, 10),
    sizes=st.lists(st.integers(1, 4), min_size=12, max_size=30),
    repeats=st.integers(1, 3),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=40, deadline=None)
def test_a_group_is_never_in_two_folds_and_every_photo_is_held_out_once(
    n_folds: int, sizes: list[int], repeats: int, seed: int
) -> None:
    groups = [f"g{i}" for i, size in enumerate(sizes) for _ in range(size)]
    photos = photo_table(["quartz"] * len(groups), groups)
    folds = assign_folds(photos, "grouped", n_folds, repeats, seed)
    merged = folds.merge(photos, on="sample")
    assert merged.groupby(["repeat", "group"])["fold"].nunique().max() == 1
    assert merged.groupby(["repeat", "sample"]).size().eq(1).all()
    assert len(folds) == repeats * len(photos)
    assert set(folds["fold"]) == set(range(n_folds))


def test_a_group_of_two_classes_stays_whole() -> None:
    # quartz and feldspar grains cut from the same photo of a specimen
    groups = [f"g{i % 6}" for i in range(36)]
    photos = photo_table(["quartz", "feldspar"] * 18, groups)
    merged = assign_folds(photos, "grouped", 3, 1, 0).merge(photos, on="sample")
    assert merged.groupby("group")["fold"].nunique().max() == 1


def test_stratified_folds_hold_the_classes_in_their_shares() -> None:
    photos = photo_table(["quartz"] * 20 + ["calcite"] * 10)
    folds = assign_folds(photos, "stratified", 5, 1, 0).merge(photos, on="sample")
    counts = folds.groupby(["fold", "label"]).size().unstack()
    assert counts["quartz"].tolist() == [4] * 5
    assert counts["calcite"].tolist() == [2] * 5


def test_repeats_differ_and_a_seed_gives_the_same_folds_again() -> None:
    photos = photo_table(["quartz", "calcite"] * 20)
    folds = assign_folds(photos, "grouped", 4, 2, 7)
    first, second = (folds.loc[folds["repeat"] == r, "fold"].to_numpy() for r in (0, 1))
    assert (first != second).any()
    assert folds.equals(assign_folds(photos, "grouped", 4, 2, 7))
    assert not folds.equals(assign_folds(photos, "grouped", 4, 2, 8))


def test_names_of_photos_and_specimens_decide_nothing() -> None:
    groups = [f"g{i // 2}" for i in range(40)]
    photos = photo_table(["quartz", "calcite"] * 20, groups)
    renamed = photos.assign(
        sample=[f"z{99 - i}" for i in range(40)], group=[f"x{50 - i // 2}" for i in range(40)]
    )
    one, other = (assign_folds(p, "grouped", 4, 1, 7)["fold"] for p in (photos, renamed))
    assert one.tolist() == other.tolist()


def test_too_few_photos_of_a_class_are_named_with_the_remedy() -> None:
    photos = photo_table(["quartz"] * 9 + ["garnet"] * 3)
    message = (
        "class garnet has 3 photos, fewer than split.folds = 5. Set split.folds to 3, or add photos"
    )
    with pytest.raises(InputError, match=message):
        assign_folds(photos, "stratified", 5, 1, 0)


def test_too_few_specimens_of_a_class_are_named_with_the_remedy() -> None:
    groups = [f"g{i}" for i in range(9)] + ["s1"] * 4 + ["s2"] * 4
    photos = photo_table(["quartz"] * 9 + ["garnet"] * 8, groups)
    message = "class garnet has 8 photos of only 2 specimens, .*Set split.folds to 2, or add photos of more"
    with pytest.raises(InputError, match=message):
        assign_folds(photos, "grouped", 3, 1, 0)


def test_a_scheme_that_would_part_a_specimen_is_refused() -> None:
    photos = photo_table(["quartz"] * 8, ["a", "a", "b", "c", "d", "e", "f", "g"])
    with pytest.raises(InputError, match=r"2 photos share .*Set split\.scheme to grouped"):
        assign_folds(photos, "stratified", 2, 1, 0)


def test_folds_are_read_as_rows_of_the_data_set(tmp_path: Path) -> None:
    photos = photo_table(["quartz", "calcite"] * 6)
    folds = assign_folds(photos, "grouped", 3, 2, 0)
    write_table(folds, tmp_path / "folds.csv", FOLDS)
    read = read_folds(photos, tmp_path / "folds.csv")
    assert [(f.repeat, f.fold) for f in read] == [(r, k) for r in (0, 1) for k in (0, 1, 2)]
    for fold in read:
        own = folds[(folds["repeat"] == fold.repeat) & (folds["fold"] == fold.fold)]
        assert set(photos["sample"].iloc[fold.held_out]) == set(own["sample"])
        assert np.array_equal(np.sort(np.r_[fold.train, fold.held_out]), np.arange(12))


def test_folds_of_other_photos_are_refused(tmp_path: Path) -> None:
    photos = photo_table(["quartz", "calcite"] * 6)
    write_table(assign_folds(photos, "grouped", 3, 1, 0), tmp_path / "folds.csv", FOLDS)
    with pytest.raises(InputError, match="its photos are not those of photos.csv"):
        read_folds(photos.iloc[1:], tmp_path / "folds.csv")
    twice = assign_folds(photos, "grouped", 3, 2, 0)
    write_table(twice.iloc[:-1], tmp_path / "folds.csv", FOLDS)  # one photo is in one repeat only
    with pytest.raises(InputError, match="its photos are not those of photos.csv"):
        read_folds(photos, tmp_path / "folds.csv")


def test_repeats_that_part_the_specimens_alike_are_told() -> None:
    # two and two specimens in two folds: two ways, whatever the shuffle
    photos = pd.DataFrame(
        {"sample": list("abcd"), "label": ["quartz"] * 2 + ["albite"] * 2, "group": list("abcd")}
    )
    table = assign_folds(photos, "grouped", 2, 5, seed=1)
    told = shortages(photos, as_folds(table, photos), {}, [], 1)
    assert told == [
        "split.repeats is 5, but only 2 of the repeats part the specimens in different ways, for there are "
        "few of them. Tests over folds count 2. Bring more specimens, or set it to 2."
    ]
    assert shortages(photos, as_folds(table[table["repeat"] == 0], photos), {}, [], 1) == []


def test_equal_repeats_count_once_in_tests_over_folds() -> None:
    labels = np.zeros(4, int)
    # right: all; the first two samples; none
    named = [np.zeros(4, int), np.array([0, 0, 1, 1]), np.ones(4, int)]
    repeats = [Outcomes(labels, each, np.eye(2)[each]) for each in named]
    folds = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 0, 1, 1]])  # the first two are the same
    result: Any = SimpleNamespace(repeats=repeats)
    study: Any = SimpleNamespace(folds=folds, results=[result])
    # 1 and 1/2 of the one way on average, and none of the other
    assert fold_values(study, "ca").tolist() == [[0.75, 0.75, 0.0, 0.0]]
