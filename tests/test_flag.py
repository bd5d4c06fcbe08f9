"""The flag "unlike anything seen" is raised by what belongs to no class, and as seldom as asked."""

from collections.abc import Mapping

import numpy as np
import pytest

from thinsection.base.arrays import Floats, Ints
from thinsection.base.seeds import generator
from thinsection.final.doubt import group_quantile
from thinsection.final.flag import (
    OUTSIDE_RIDGE,
    RIDGE,
    Photos,
    few_of_each,
    fit_flag,
    fit_memberships,
    to_other_groups,
)
from thinsection.predict.likeness import distances, strangeness
from thinsection.predict.membership import LEAST_SPREAD, WIDTH, Frame, Memberships, kernel

# two classes on the axes: standardised, (1, 0) is (1, -1) and (0, 1) is (-1, 1), opposite each other
ON_AXES = {"embedding": np.array([[1, 0], [0, 1]], np.float32)}
FAR = np.exp(-2 / WIDTH)  # their kernel: cosine -1
NONE: dict[str, Floats] = {}


def test_memberships_of_two_photos_are_worked_out_by_hand() -> None:
    memberships, left_out = fit_memberships(ON_AXES, np.arange(2), np.arange(2), NONE)
    # kernel + ridge is [[a, b], [b, a]] with a = 1 + RIDGE, b = exp(-2 / WIDTH) = 0.0003; its inverse
    # times the unit matrix is [[a, -b], [-b, a]] / (a^2 - b^2)
    a, b = 1 + RIDGE, FAR
    wanted = np.array([[a, -b], [-b, a]]) / (a**2 - b**2)
    assert memberships.coefficients == pytest.approx(wanted, abs=1e-3)  # half precision
    # photo 1 itself: kernel 1 and b; the one membership is (a - b^2) / (a^2 - b^2) = 0.971
    assert memberships.strangeness(ON_AXES) == pytest.approx(
        [1 - (a - b**2) / (a**2 - b**2)] * 2, abs=2e-3
    )
    # without itself, a photo has its class from nobody, and the other's from b / a of the other
    assert left_out == pytest.approx(np.array([[0, b / a], [b / a, 0]]), abs=1e-5)


def test_between_two_classes_and_far_from_both_a_photo_belongs_to_none() -> None:
    memberships, _ = fit_memberships(ON_AXES, np.arange(2), np.arange(2), NONE)
    # standardised by mean 0.5 and spread 0.5: (1, 1) is (1, 1), across both classes, cosine 0
    across, like = np.array([[1, 1]], np.float32), np.array([[2, 0]], np.float32)
    # kernel exp(-1 / WIDTH) = 0.018 to each, times a coefficient 1 / 1.03 of its class (b left out)
    found = memberships.strangeness({"embedding": across})
    assert found == pytest.approx([1 - np.exp(-1 / WIDTH) / (1 + RIDGE)], abs=1e-4)
    # (2, 0) is (3, -1): cosine to (1, -1) is 4 / sqrt(20) = 0.894, kernel exp(-0.106 / WIDTH) = 0.656
    found = memberships.strangeness({"embedding": like})
    assert found == pytest.approx([1 - np.exp((4 / 20**0.5 - 1) / WIDTH) / (1 + RIDGE)], abs=2e-3)


def test_a_photo_outside_of_all_classes_takes_from_those_near_it() -> None:
    outside = {"embedding": np.array([[1, 1]], np.float32)}
    alone, _ = fit_memberships(ON_AXES, np.arange(2), np.arange(2), NONE)
    warned, left_out = fit_memberships(ON_AXES, np.arange(2), np.arange(2), outside)
    assert len(warned.vectors) == 3
    assert left_out.shape == (2, 2)
    near = {"embedding": np.array([[2, 0.9]], np.float32)}  # between the first class and that photo
    assert warned.strangeness(near) > alone.strangeness(near)
    # of the photo itself: c1 = e^(-1/WIDTH) to both classes, so with k = c1 / (1 + RIDGE) of each, the
    # residual 0 - k is divided by 1 + OUTSIDE_RIDGE - 2 c1^2 / (1 + RIDGE) (Schur; b left out)
    c1 = np.exp(-1 / WIDTH)
    k, left = c1 / (1 + RIDGE), 1 + OUTSIDE_RIDGE - 2 * c1**2 / (1 + RIDGE)
    corrected = k - k / left * (1 - 2 * c1**2 / (1 + RIDGE))
    assert warned.strangeness(outside) == pytest.approx([1 - corrected], abs=1e-4)


def test_leaving_a_group_out_is_the_fit_without_it() -> None:
    rng = generator(1, "left out")
    numbers = rng.normal(size=(30, 6)).astype(np.float32)
    labels, groups = np.arange(30) % 3, np.arange(30) // 5
    numbers -= numbers.mean(axis=0)
    _, left_out = fit_memberships({"embedding": numbers}, labels, groups, NONE)
    # by hand: kernel ridge regression of the 25 others, in the frame of all
    frame = Frame.of({"embedding": numbers})
    vectors = frame.vectors({"embedding": numbers}).astype(np.float16).astype(float)
    near, here = kernel(vectors, vectors), groups == 2
    wanted = np.eye(3)[labels]
    fit = np.linalg.solve(near[~here][:, ~here] + RIDGE * np.eye(25), wanted[~here])
    assert left_out[here] == pytest.approx(near[here][:, ~here] @ fit, abs=1e-6)


def test_each_kind_of_numbers_has_its_weight_whatever_its_length() -> None:
    rng = generator(2, "kinds")
    features = {
        "embedding": rng.normal(5, 3, (40, 7)).astype(np.float32),
        "colour_texture": np.c_[rng.normal(0, 0.1, (40, 3)), np.ones(40)].astype(np.float32),
    }
    frame = Frame.of(features)
    assert frame.spreads["colour_texture"][3] == np.float32(LEAST_SPREAD)  # which doesn't vary
    vectors = frame.vectors(features)
    assert vectors.shape == (40, 11)
    squares = vectors**2
    assert squares[:, :7].sum(axis=1) == pytest.approx(1 / 1.25, rel=1e-5)  # of 1 and 0.25
    assert squares[:, 7:].sum(axis=1) == pytest.approx(0.25 / 1.25, rel=1e-5)


def test_what_is_stored_is_what_was_fitted() -> None:
    memberships, _ = fit_memberships(ON_AXES, np.arange(2), np.arange(2), NONE)
    again = Memberships.of_entries(memberships.entries())
    assert again is not None
    new = {"embedding": generator(3, "new").normal(size=(9, 2)).astype(np.float32)}
    assert again.strangeness(new) == pytest.approx(memberships.strangeness(new), abs=1e-6)
    assert Memberships.of_entries({"mean": np.zeros(3)}) is None  # an older folder


def test_the_largest_classes_lose_photos_first() -> None:
    labels = np.array([0] * 10 + [1] * 3 + [2] * 1)
    used = few_of_each(labels, 8, generator(0, "few"))
    assert np.bincount(labels[used]).tolist() == [4, 3, 1]
    assert few_of_each(labels, 100, generator(0, "few")).all()


def clouds(
    rng: np.random.Generator, labels: Ints, n_photos: int = 4, n_numbers: int = 12
) -> tuple[Floats, Ints, Ints]:
    """Numbers, labels and groups of photos: classes apart, specimens and photos a little."""
    centres = 3 * np.eye(n_numbers)
    own = rng.normal(0, 0.5, (len(labels), n_numbers))
    groups = np.repeat(np.arange(len(labels)), n_photos)
    seen = (centres[labels] + own)[groups] + rng.normal(0, 0.5, (len(groups), n_numbers))
    return seen.astype(np.float32), labels[groups], groups


def known(
    seen: Floats, labels: Ints, groups: Ints, vectors: Mapping[str, Floats], **more: Floats
) -> Photos:
    alone = np.arange(len(seen))
    return Photos(vectors, seen, labels, groups, groups // 3 % 3, alone, alone >= 0, more)


@pytest.mark.parametrize("has_vectors", [False, True])
def test_false_alarms_are_as_rare_as_asked_and_the_odd_one_is_flagged(*, has_vectors: bool) -> None:
    rng = generator(3, "strange")
    rates, fresh, unseen, found = [], [], [], []
    for _ in range(20):
        seen, labels, groups = clouds(rng, np.arange(60) % 3)
        vectors = {"embedding": seen} if has_vectors else {}
        raised, measured = fit_flag(known(seen, labels, groups, vectors), 0.1, 5)
        rates.append(measured.false_alarms)
        assert (raised.memberships is None) == (not has_vectors)
        standard = (seen - seen.mean(axis=0)) / seen.std(axis=0)
        odd = strangeness(distances(standard[:1] + 4, standard), 5)
        found.append(odd[0] > raised.threshold)
        new, _, _ = clouds(rng, np.arange(60) % 3)
        if raised.memberships and raised.membership_threshold:
            strange = raised.memberships.strangeness({"embedding": new})
            fresh.append((strange > raised.membership_threshold).mean())
            other, _, _ = clouds(rng, np.full(10, 5))
            strange = raised.memberships.strangeness({"embedding": other})
            unseen.append((strange > raised.membership_threshold).mean())
    assert 0.05 < np.mean(rates) < 0.16  # references without a fold are smaller: a little more
    assert all(found)
    if has_vectors:
        assert 0.05 < np.mean(fresh) < 0.12
        assert np.mean(unseen) > 0.8


def test_without_vectors_distance_alone_raises_the_flag_with_all_false_alarms() -> None:
    seen, labels, groups = clouds(generator(4, "plain"), np.arange(40) % 2)
    raised, rates = fit_flag(known(seen, labels, groups, {}), 0.1, 5)
    standard = ((seen - seen.mean(axis=0)) / seen.std(axis=0)).astype(float)
    own = to_other_groups(standard, groups, standard, groups, 5)
    assert raised.membership_threshold is None
    assert raised.threshold == pytest.approx(group_quantile(own, groups, 0.9), rel=1e-5)
    assert rates.found_unseen == {}  # of two classes none can be left out


def test_each_class_left_out_is_found_by_what_never_saw_it() -> None:
    # class 3 lies between 0 and 1: at (2.1, 2.1, 0), when the others' mean is (1, 1, 1). Its cosine to
    # 0, at (3, 0, 0), is 0.46, so that it belongs to it by about exp(-0.54 / WIDTH) = 0.1
    rng = generator(5, "unseen")
    seen, labels, groups = clouds(rng, np.arange(60) % 3, n_numbers=3)
    between = groups % 4 == 3
    seen[between] += np.array([2.1, 2.1, 0]) - 3 * np.eye(3)[labels[between]]
    labels = np.where(between, 3, labels)
    _, rates = fit_flag(known(seen, labels, groups, {"embedding": seen}), 0.05, 5)
    assert sorted(rates.found_unseen) == [0, 1, 2, 3]
    assert rates.found_unseen[3] > 0.5
    assert rates.false_alarms < 0.15


def test_photos_of_no_class_help_to_find_more_like_them() -> None:
    rng = generator(6, "outside")
    seen, labels, groups = clouds(rng, np.arange(45) % 3)
    more, _, _ = clouds(rng, np.full(20, 0))
    more[:, 7] += 1.5  # near the first class, but not of it
    vectors = {"embedding": seen}
    plain, _ = fit_flag(known(seen, labels, groups, vectors), 0.05, 5)
    warned, _ = fit_flag(known(seen, labels, groups, vectors, embedding=more[:40]), 0.05, 5)
    shares = [
        (each.memberships.strangeness({"embedding": more[40:]}) > each.membership_threshold).mean()
        for each in (plain, warned)
        if each.memberships and each.membership_threshold
    ]
    assert shares[1] > shares[0] + 0.2


def test_one_large_specimen_raises_no_flag_of_its_own() -> None:
    seen, labels, _ = clouds(generator(7, "one"), np.arange(12) % 3)
    groups = np.zeros(len(seen), int)
    photos = Photos({"embedding": seen}, seen, labels, groups, np.arange(len(seen)) % 2, np.arange(len(seen)), np.ones(len(seen), bool), {})  # fmt: skip
    raised, _ = fit_flag(photos, 0.05, 5)
    # without their only specimen the photos belong to nothing: strangeness 1, which none exceeds
    assert raised.membership_threshold == pytest.approx(1, abs=1e-6)


def test_the_own_specimen_does_not_count() -> None:
    # two specimens of two equal photos each, 3 apart in each of 4 numbers
    vectors = np.array([[0] * 4, [0] * 4, [3] * 4, [3] * 4], float)
    groups = np.array([0, 0, 1, 1])
    assert to_other_groups(vectors, groups, vectors, groups, 2) == pytest.approx([3, 3, 3, 3])
    # asked for more than there are of other specimens: all that there are
    assert to_other_groups(vectors, groups, vectors, groups, 5) == pytest.approx([3, 3, 3, 3])
    assert strangeness(distances(vectors, vectors), 2) == pytest.approx([0, 0, 0, 0])
