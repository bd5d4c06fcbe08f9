"""The general section of the indicatrix, retardation, absorption."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinsection.base.arrays import Floats
from thinsection.render.colour import WAVELENGTHS_NM
from thinsection.render.crystals import random_rotations
from thinsection.render.minerals import MINERALS
from thinsection.render.optics import (
    Sections,
    crossed,
    retardation_nm,
    sections,
    transmission,
)
from thinsection.render.plagioclase import plagioclase_indices

OLIVINE = np.array([1.635, 1.651, 1.670])
SPECTRUM = np.ones(41)
angles = st.floats(0, 2 * np.pi)
shares = st.floats(0, 1)


def cut(indices: Floats, axes: npt.ArrayLike) -> Sections:
    rows = np.asarray(axes, float).reshape(-1, 3, 3)
    return sections(np.broadcast_to(indices, (len(rows), 3)), rows)


def test_section_along_a_principal_direction_shows_the_other_two_indices() -> None:
    # looking along Y: X lies along x, Z along y; Z is the slow wave
    found = cut(OLIVINE, [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert found.n_fast[0] == pytest.approx(1.635)
    assert found.n_slow[0] == pytest.approx(1.670)
    assert found.azimuth[0] % np.pi == pytest.approx(np.pi / 2)
    assert found.slow_weights[0] == pytest.approx([0, 0, 1])
    assert found.fast_weights[0] == pytest.approx([1, 0, 0])


def test_uniaxial_section_at_an_angle_to_the_axis() -> None:
    # quartz tilted by 30 degrees: 1/n'^2 = cos^2(t)/w^2 + sin^2(t)/e^2, t from the axis
    t, w, e = np.radians(30), 1.5442, 1.5533
    axes = [[0, 1, 0], [np.cos(t), 0, -np.sin(t)], [np.sin(t), 0, np.cos(t)]]
    found = cut(np.array([w, w, e]), axes)
    expected = (np.cos(t) ** 2 / w**2 + np.sin(t) ** 2 / e**2) ** -0.5
    assert found.n_slow[0] == pytest.approx(expected)
    assert found.n_fast[0] == pytest.approx(w)


def two_v_deg(indices: Floats) -> Floats:
    """Angle 2V about Z between the optic axes, degrees: above 90 the crystal is negative."""
    x, y, z = np.moveaxis(np.asarray(indices, float) ** -2.0, -1, 0)
    half: Floats = np.arctan2(np.sqrt(np.maximum(x - y, 0)), np.sqrt(np.maximum(y - z, 0)))
    return 2 * np.degrees(half)


def optic_axes(indices: Floats, axes: Floats) -> Floats:
    """(2, 3) directions of the optic axes of one crystal; they lie in the plane of X and Z."""
    half: Floats = np.radians(two_v_deg(indices)) / 2
    aside: Floats = np.array([np.sin(half) * axes[0], -np.sin(half) * axes[0]])
    both: Floats = aside + np.cos(half) * axes[2]
    return both


def test_section_formula_agrees_with_the_rule_of_the_optic_axes() -> None:
    # (ng - na) sin(t1) sin(t2), the angles of the view to the optic axes; good to 0.0003
    rotations = random_rotations(500, np.random.default_rng(1))
    axes = np.swapaxes(rotations, 1, 2)
    views = np.array([optic_axes(OLIVINE, each)[:, 2] for each in axes])  # cosines
    rule = (OLIVINE[2] - OLIVINE[0]) * np.sqrt(1 - views[:, 0] ** 2) * np.sqrt(1 - views[:, 1] ** 2)
    assert np.abs(cut(OLIVINE, axes).birefringence - rule).max() < 3e-4


def test_no_birefringence_along_an_optic_axis() -> None:
    half = float(np.radians(two_v_deg(OLIVINE)) / 2)
    # Z leans from the line of sight by V, towards X: the view is an optic axis
    axes = [[np.cos(half), 0, -np.sin(half)], [0, 1, 0], [np.sin(half), 0, np.cos(half)]]
    assert cut(OLIVINE, axes).birefringence[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", [n for n, m in MINERALS.items() if m.system != "cubic"])
def test_two_v_from_the_indices_lies_in_the_tabulated_range(name: str) -> None:
    mineral = MINERALS[name]
    low, high = np.array(mineral.indices)
    if name == "plagioclase":
        indices = plagioclase_indices()
    else:
        indices = low + np.linspace(*mineral.composition, 20)[:, None] * (high - low)
    angles = two_v_deg(indices)
    assert angles.min() >= mineral.two_v_deg[0] - 0.5
    assert angles.max() <= mineral.two_v_deg[1] + 0.5


def test_two_v_of_forsterite_by_hand() -> None:
    # tan^2 V = (1/1.635^2 - 1/1.651^2) / (1/1.651^2 - 1/1.670^2) = 0.8697..., 2V = 86.0
    assert two_v_deg(np.array([1.635, 1.651, 1.670])) == pytest.approx(86.0, abs=0.1)


def test_magnesian_olivine_is_positive_and_iron_rich_olivine_negative() -> None:
    low, high = np.array(MINERALS["olivine"].indices)
    assert 82 <= two_v_deg(low) <= 90
    assert two_v_deg(low + 0.15 * (high - low)) <= 91
    assert two_v_deg(high) > 90


@given(angles, shares, shares, st.floats(0, 3000))
def test_nothing_changes_between_crossed_polarisers_after_a_quarter_turn(
    a: float, slow: float, fast: float, delay: float
) -> None:
    args = (slow * SPECTRUM, fast * SPECTRUM, np.array(delay))
    before, after = crossed(np.array(a), *args), crossed(np.array(a + np.pi / 2), *args)
    assert np.allclose(before, after, atol=1e-12)


@given(angles, st.floats(0, 3000))
def test_without_absorption_the_fresnel_formula_is_left(a: float, delay: float) -> None:
    expected = np.sin(2 * a) ** 2 * np.sin(np.pi * delay / WAVELENGTHS_NM) ** 2
    assert np.allclose(crossed(np.array(a), SPECTRUM, SPECTRUM, np.array(delay)), expected)


@given(angles, shares, shares)
def test_both_lights_together_pass_no_more_than_the_crystal_lets_through(
    a: float, slow: float, fast: float
) -> None:
    through = np.cos(a) ** 2 * slow + np.sin(a) ** 2 * fast  # the polariser's share of each wave
    analysed = crossed(np.array(a), slow * SPECTRUM, fast * SPECTRUM, np.array(275.0))
    assert (analysed <= through + 1e-9).all()


def test_an_isotropic_crystal_is_black_at_every_angle() -> None:
    rotations = random_rotations(50, np.random.default_rng(2))
    garnet = cut(np.array([1.8, 1.8, 1.8]), rotations)
    delay = retardation_nm(garnet.birefringence, 30)
    light = crossed(garnet.azimuth, np.ones((50, 41)), np.ones((50, 41)), delay)
    assert light.max() < 1e-12


def test_retardation_of_quartz_at_thirty_micrometres() -> None:
    assert retardation_nm(np.array(0.0091), 30) == pytest.approx(273)


def test_absorbance_is_for_thirty_micrometres() -> None:
    assert transmission(np.array(1.0), 30) == pytest.approx(np.exp(-1))
    assert transmission(np.array(1.0), 15) == pytest.approx(np.exp(-0.5))
