"""Lattices, twin laws, and where the indicatrix lies in them."""

from typing import Any

import numpy as np
import pytest

from thinsection.base.arrays import Floats
from thinsection.render.crystals import (
    aligned_rotations,
    direction,
    face_normal,
    half_turn,
    indicatrix,
    lattice,
    random_rotations,
    reciprocal,
    turn,
    unit,
)
from thinsection.render.minerals import MINERALS
from thinsection.render.optics import crossed, sections, transmission
from thinsection.render.plagioclase import (
    ANORTHITE,
    MICHEL_LEVY,
    ON_001,
    ON_010,
    plagioclase_axes,
    plagioclase_indices,
)
from thinsection.render.specimen import draw_specimen

FELDSPAR = MINERALS["plagioclase"]
B_STAR, C_STAR = direction(FELDSPAR, "b*"), direction(FELDSPAR, "c*")
A, C = direction(FELDSPAR, "a"), direction(FELDSPAR, "c")


def angle_deg(u: Floats, v: Floats) -> float:
    return float(np.degrees(np.arccos(np.clip(unit(u) @ unit(v), -1, 1))))


def fast_azimuth_deg(an: int, x: Floats, y: Floats, operation: Floats | None = None) -> float:
    """Of the fast wave from ``x`` towards ``y``, in the section that the two span; -90 .. 90."""
    axes = plagioclase_axes()[an] @ (np.eye(3) if operation is None else operation).T
    stage = np.stack([x, y, np.cross(x, y)])  # crystal -> stage
    found = sections(plagioclase_indices()[[an]], (axes @ stage.T)[None])
    return float((np.degrees(found.azimuth[0]) + 180) % 180 - 90)


@pytest.mark.parametrize("name", list(MINERALS))
def test_lattice_has_the_cells_lengths_and_angles(name: str) -> None:
    cell = MINERALS[name].cell
    a, b, c = lattice(cell)
    assert np.linalg.norm([a, b, c], axis=1) == pytest.approx(cell[:3])
    assert [angle_deg(b, c), angle_deg(a, c), angle_deg(a, b)] == pytest.approx(cell[3:])
    assert lattice(cell) @ reciprocal(cell).T == pytest.approx(np.eye(3))


@pytest.mark.parametrize(
    ("name", "first", "second", "expected"),
    [
        ("augite", (1, 1, 0), (1, -1, 0), 87),
        ("hornblende", (1, 1, 0), (1, -1, 0), 56),
        ("orthopyroxene", (2, 1, 0), (2, -1, 0), 88),
        ("plagioclase", (0, 0, 1), (0, 1, 0), 86),
        ("k-feldspar", (0, 0, 1), (0, 1, 0), 90),
        ("calcite", (1, 0, 4), (0, 1, -4), 75),
    ],
)
def test_cleavages_meet_at_the_angles_of_the_handbooks(
    name: str, first: tuple[int, int, int], second: tuple[int, int, int], expected: int
) -> None:
    angle = angle_deg(face_normal(name, first), face_normal(name, second))
    assert min(angle, 180 - angle) == pytest.approx(expected, abs=1.5)


@pytest.mark.parametrize(
    ("name", "axis", "along", "expected"),
    [
        ("augite", 2, "c", 44),  # Z to c, 39-48
        ("augite", 1, "b", 0),
        ("hornblende", 2, "c", 20),
        ("biotite", 0, "c*", 0),
        ("muscovite", 2, "b", 0),
        ("olivine", 0, "b", 0),
        ("olivine", 2, "a", 0),
        ("orthopyroxene", 2, "c", 0),
        ("k-feldspar", 2, "b", 0),
        ("k-feldspar", 0, "a", 9),  # X to a, 5-13
    ],
)
def test_indicatrix_lies_as_tabulated(name: str, axis: int, along: str, expected: int) -> None:
    mineral = MINERALS[name]
    _, axes = indicatrix(mineral, 0.5, float(np.mean(mineral.tilt_deg)))
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-9)
    angle = angle_deg(axes[axis], direction(mineral, along))
    assert min(angle, 180 - angle) == pytest.approx(expected, abs=0.6)


def test_z_of_augite_lies_in_the_obtuse_angle_beta() -> None:
    _, axes = indicatrix(MINERALS["augite"], 0.5, 44)
    a, c = direction(MINERALS["augite"], "a"), direction(MINERALS["augite"], "c")
    assert angle_deg(axes[2], c) + angle_deg(axes[2], a) == pytest.approx(106.9)


def test_x_of_orthoclase_lies_in_the_obtuse_angle_beta() -> None:
    mineral = MINERALS["k-feldspar"]
    _, axes = indicatrix(mineral, 0.5, -9)
    a, c = direction(mineral, "a"), direction(mineral, "c")
    assert angle_deg(axes[0], a) + angle_deg(axes[0], c) == pytest.approx(116)


@pytest.mark.parametrize("i", range(11))
def test_plagioclase_reproduces_the_extinction_curves_it_was_fitted_to(i: int) -> None:
    an = int(ANORTHITE[i])
    tolerance = 1 if an < 100 else 3  # the three curves don't agree on pure anorthite
    for normal, curve in ((C_STAR, ON_001), (B_STAR, ON_010)):
        trace = unit(A - normal * (A @ normal))
        found = fast_azimuth_deg(an, trace, np.cross(normal, trace))
        assert found == pytest.approx(curve[i], abs=tolerance)
    greatest = 0.0
    for t in np.linspace(0, np.pi, 361):
        normal = np.cos(t) * np.cross(B_STAR, C) + np.sin(t) * C
        trace = unit(np.cross(normal, B_STAR))
        found = fast_azimuth_deg(an, trace, np.cross(normal, trace))
        greatest = max(greatest, abs(found))
    assert greatest == pytest.approx(MICHEL_LEVY[i], abs=1)


@pytest.mark.parametrize("an", [5, 35, 52, 80])
@pytest.mark.parametrize("t", [0.2, 0.9, 2.0])
def test_albite_twins_normal_to_010_extinguish_symmetrically(an: int, t: float) -> None:
    normal = np.cos(t) * np.cross(B_STAR, C) + np.sin(t) * C  # in the zone of b*
    trace = unit(np.cross(normal, B_STAR))
    across = np.cross(normal, trace)
    one = fast_azimuth_deg(an, trace, across)
    other = fast_azimuth_deg(an, trace, across, half_turn(direction(FELDSPAR, "010")))
    assert (one + other + 90) % 180 - 90 == pytest.approx(0, abs=1e-9)
    assert abs(one - other) > 0.5


def biotite_light(angle_deg: float) -> tuple[float, float]:
    """Plane-polarised and crossed light of a flake on edge, cleavage ``angle_deg`` from x."""
    settings: dict[str, Any] = {
        "grain_radius_um": (60, 60),
        "alteration": 0,
        "automatic_exposure": 0,
    }
    character = draw_specimen(3, "biotite", 0, **settings, colour_cast=0).characters["biotite"]
    _, axes = indicatrix(MINERALS["biotite"], character.composition, 0)
    c_star, b = direction(MINERALS["biotite"], "c*"), direction(MINERALS["biotite"], "b")
    trace = np.cross(c_star, b)
    upright = np.stack([trace, c_star, np.cross(trace, c_star)])  # cleavage along x
    stage = turn(np.array([0.0, 0, 1]), np.radians(angle_deg)) @ upright
    found = sections(character.indices[None], (axes @ stage.T)[None])
    slow = transmission(found.slow_weights @ character.absorbance, 30)
    fast = transmission(found.fast_weights @ character.absorbance, 30)
    delay = found.birefringence * 30_000
    share = np.cos(found.azimuth[:, None]) ** 2  # of the polariser's light, in the slow wave
    plane = (share * slow + (1 - share) * fast).mean()
    return plane, crossed(found.azimuth, slow, fast, delay).mean()


def test_biotite_is_darkest_with_its_cleavage_along_the_polariser_and_extinct_there() -> None:
    angles = np.arange(0.0, 180, 5)
    plane, analysed = np.array([biotite_light(angle) for angle in angles]).T
    assert angles[plane.argmin()] == 0
    assert angles[plane.argmax()] == 90
    assert plane.max() > 2 * plane.min()
    assert analysed[angles == 0] == pytest.approx(0, abs=1e-9)
    assert analysed[angles == 90] == pytest.approx(0, abs=1e-9)
    assert analysed[angles == 45] > 0.02


def test_augite_is_not_extinct_along_its_prism() -> None:
    _, axes = indicatrix(MINERALS["augite"], 0.5, 44)
    a_star, c = direction(MINERALS["augite"], "a*"), direction(MINERALS["augite"], "c")
    stage = np.stack([c, a_star, np.cross(c, a_star)])  # the section (010), c along x
    indices, _ = indicatrix(MINERALS["augite"], 0.5, 44)
    found = sections(indices[None], (axes @ stage.T)[None])
    assert np.degrees(found.azimuth[0]) % 180 == pytest.approx(44)


def test_half_turns_are_rotations_that_undo_themselves() -> None:
    axis = unit(np.array([1.0, 2, 3]))
    assert half_turn(axis) @ half_turn(axis) == pytest.approx(np.eye(3))
    assert half_turn(axis) == pytest.approx(turn(axis, np.pi))
    assert half_turn(axis) @ axis == pytest.approx(axis)


def test_random_rotations_favour_no_direction() -> None:
    rotations = random_rotations(20_000, np.random.default_rng(0))
    assert np.linalg.det(rotations) == pytest.approx(np.ones(20_000))
    # the mean of the square of every entry of a random rotation is 1/3
    assert (rotations**2).mean(axis=0) == pytest.approx(np.full((3, 3), 1 / 3), abs=0.01)


def test_aligned_rotations_bring_the_axis_where_it_is_wanted() -> None:
    rng = np.random.default_rng(0)
    wanted = unit(rng.standard_normal((50, 3)))
    axis = unit(np.array([0.3, 0.1, 0.9]))
    assert aligned_rotations(axis, wanted, rng) @ axis == pytest.approx(wanted, abs=1e-6)
