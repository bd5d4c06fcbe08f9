"""Fields, rulings, growth: what the photo is made of before light falls on it."""

import numpy as np
import pytest

from thinsection.base.arrays import Floats
from thinsection.render.crystals import face_normal, random_rotations
from thinsection.render.fields import Rulings, noise, ramp
from thinsection.render.groundmass import PROTOTYPES, add_groundmass
from thinsection.render.minerals import MINERALS
from thinsection.render.texture import SPECIES, Fabric, Grains, grow

SHAPE = (60, 80)


def grains_of(
    names: list[str],
    centres: list[tuple[float, float]],
    radius: float = 10.0,
    rounded: bool = True,
    rotation: list[Floats] | None = None,
) -> Grains:
    n = len(names)
    return Grains(
        species=np.array([SPECIES.index(name) for name in names]),
        rotation=np.stack([np.eye(3) if rotation is None else rotation] * n),
        centre=np.array(centres, float),
        radius=np.full(n, radius),
        start=np.zeros(n),
        rounded=np.full(n, rounded),
        depth=np.zeros(n),
        stretch=np.ones((n, 3)),
    )


def raced(grains: Grains, shape: tuple[int, int] = SHAPE) -> Fabric:
    return grow(grains, shape, 0.0, np.random.default_rng(0))


def test_noise_is_centred_smooth_and_of_unit_spread() -> None:
    field = noise((400, 400), 12, np.random.default_rng(0))
    assert abs(field.mean()) < 0.1
    assert field.std() == pytest.approx(1, abs=0.15)
    assert np.abs(np.diff(field, axis=1)).mean() < 0.15  # a cell of 12 px


def test_ramp_rises_between_its_ends_and_falls_when_they_are_swapped() -> None:
    values = np.array([-1.0, 0, 0.5, 1, 2])
    assert ramp(values, 0, 1) == pytest.approx([0, 0, 0.5, 1, 1])
    assert ramp(values, 1, 0) == pytest.approx([1, 1, 0.5, 0, 0])


def test_rulings_find_the_nearest_line_and_never_cross() -> None:
    rulings = Rulings.draw(np.random.default_rng(0))
    position = np.linspace(-500, 500, 20_001).astype(np.float32)
    spacing = np.full_like(position, 10)
    line, distance = rulings.nearest(position, spacing, np.zeros(len(position), np.int32))
    places = {k: (position - distance)[line == k].mean() for k in np.unique(line)}
    assert (np.diff([places[k] for k in sorted(places)]) > 0).all()
    assert len(places) == 101  # 1000 px at 10 px a line, both ends counted
    assert np.abs(distance).max() < 10


def test_two_equal_spheres_meet_half_way() -> None:
    fabric = raced(grains_of(["quartz", "quartz"], [(30, 30), (50, 30)]))
    assert (fabric.grain[30, :40] == 0).all()
    assert (fabric.grain[30, 41:] == 1).all()
    assert fabric.margin[30, 40] < 1 < fabric.margin[30, 32]


def test_the_early_mineral_takes_more_room() -> None:
    grains = grains_of(["quartz", "quartz"], [(30, 30), (50, 30)])
    grains.start = np.array([-0.5, 0.0])
    fabric = raced(grains)
    # radii 10 px: they meet where x/10 - 0.5 = (20 - x)/10, 12.5 px from the early one
    assert fabric.grain[30, 42] == 0
    assert fabric.grain[30, 43] == 1


def test_a_garnet_cut_through_its_middle_shows_a_square_of_110_faces() -> None:
    # seen along c: the traces of (110) and (1-10), and those of (101) ... further out
    grains = grains_of(["garnet", "quartz"], [(40, 30), (400, 300)], 20, rounded=False)
    age = raced(grains).age
    corner, side = age[30, 40 + 14], age[30 + 10, 40 + 10]
    # |n.p| with n = (1, 1)/sqrt 2: 14/sqrt 2 and 20/sqrt 2, over 20 px
    assert corner == pytest.approx(14 / np.sqrt(2) / 20, abs=1e-4)
    assert side == pytest.approx(20 / np.sqrt(2) / 20, abs=1e-4)


def test_the_age_is_that_of_the_face_that_a_pixel_is_farthest_from() -> None:
    rotation = random_rotations(1, np.random.default_rng(3))[0]
    grains = grains_of(["augite"], [(40, 30)], 18, rounded=False, rotation=rotation)
    grains.depth = np.array([0.3])
    expected = growth_times(grains, SHAPE)[0]
    assert raced(grains).age == pytest.approx(expected, abs=1e-4)


def growth_times(grains: Grains, shape: tuple[int, int]) -> Floats:
    """(n, h, w) when each grain would reach each pixel, were it alone."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    times = []
    for g in range(len(grains)):
        mineral = MINERALS[SPECIES[grains.species[g]]]
        at = grains.centre[g]
        p = np.stack([x - at[0], y - at[1], np.full(shape, grains.depth[g] * grains.radius[g])], -1)
        in_crystal = p @ grains.rotation[g]
        if grains.rounded[g]:
            in_crystal = (p * [1, 1, 0]) @ grains.rotation[g]
            time = np.linalg.norm(in_crystal / (mineral.shape * grains.stretch[g]), axis=-1)
        else:
            faces = [(face_normal(mineral.name, hkl), d) for hkl, d in mineral.faces]
            time = np.max([np.abs(in_crystal @ normal) / d for normal, d in faces], axis=0)
        times.append(time / grains.radius[g] + grains.start[g])
    return np.array(times)


@pytest.mark.parametrize(("n", "radius"), [(60, 12), (14, 40)])  # few and large: small tiles
def test_tiles_leave_out_no_grain_that_matters(n: int, radius: float) -> None:
    # elongated, flat and round grains of all sizes: the race against every grain at every pixel
    rng = np.random.default_rng(7)
    shape = (90, 130)
    grains = Grains(
        species=rng.integers(0, len(SPECIES), n),
        rotation=random_rotations(n, rng),
        centre=rng.uniform(0, 1, (n, 2)) * [130, 90],
        radius=radius * np.exp(0.3 * rng.standard_normal(n)),
        start=0.2 * rng.standard_normal(n),
        rounded=rng.random(n) < 0.4,
        depth=rng.uniform(-0.4, 0.4, n),
        stretch=np.exp(0.22 * rng.standard_normal((n, 3))),
    )
    times = growth_times(grains, shape)
    fabric = raced(grains, shape)
    first = np.sort(times, axis=0)[0]
    start = grains.start[fabric.grain]
    assert fabric.age + start == pytest.approx(first, abs=1e-3)
    reached = np.take_along_axis(times, fabric.grain[None], axis=0)[0]
    assert reached == pytest.approx(first, abs=1e-3)


def test_every_pixel_has_a_grain() -> None:
    fabric = raced(grains_of(["quartz"], [(5, 5)], 4))
    assert (fabric.grain == 0).all()
    assert np.isfinite(fabric.age).all()


def test_groundmass_fills_what_the_phenocrysts_left() -> None:
    grains = grains_of(["olivine"], [(40, 30)], 15)
    fabric = raced(grains)
    inside = fabric.age <= 1.0
    shares = {"plagioclase": 0.7, "opaque": 0.3}
    grains, fabric = add_groundmass(grains, fabric, shares, 1.0, 6, np.random.default_rng(0))
    assert len(grains) == 1 + PROTOTYPES
    assert (fabric.grain[inside] == 0).all()
    assert (fabric.grain[~inside] > 0).all()
    found = {SPECIES[s] for s in grains.species[fabric.grain[~inside]]}
    assert found == {"plagioclase", "opaque"}
