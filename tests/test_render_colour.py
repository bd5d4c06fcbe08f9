"""Colours, against landmarks worked out at 1 nm and against colour-science."""

from collections.abc import Callable

import numpy as np
import pytest

from thinsection.base.arrays import Floats
from thinsection.render.chart import interference_colours
from thinsection.render.colour import (
    D65,
    LUMINANCE,
    OBSERVER,
    WAVELENGTHS_NM,
    absorbance,
    black_body,
    camera_matrix,
    encode,
    into_gamut,
)

RETARDATIONS = np.arange(0, 1401)


def linear(retardation_nm: float | Floats) -> Floats:
    spectrum = np.sin(np.pi * np.asarray(retardation_nm, float)[..., None] / WAVELENGTHS_NM) ** 2
    light: Floats = spectrum @ camera_matrix(D65)
    return light


def lab(retardation_nm: float | Floats) -> Floats:
    colour = pytest.importorskip("colour")
    spectrum = np.sin(np.pi * np.asarray(retardation_nm, float)[..., None] / WAVELENGTHS_NM) ** 2
    white = D65 @ OBSERVER
    xyz = spectrum * D65 @ OBSERVER / white[1]
    found: Floats = colour.XYZ_to_Lab(xyz, colour.XYZ_to_xy(white))
    return found


@pytest.mark.parametrize(
    ("near_nm", "extreme"),
    [(551, np.argmin), (1106, np.argmin), (275, np.argmax), (828, np.argmax)],
)
def test_luminance_is_extreme_at_the_landmarks(
    near_nm: int, extreme: Callable[[Floats], np.intp]
) -> None:
    window = np.arange(near_nm - 60.0, near_nm + 61)
    assert abs(window[extreme(linear(window) @ LUMINANCE)] - near_nm) <= 3


def test_no_retardation_is_black() -> None:
    assert interference_colours(np.array(0.0)).max() == 0


def test_the_fourth_order_and_beyond_turn_white() -> None:
    _, a, b = lab(5000.0)
    assert np.hypot(a, b) < 5


def test_hue_falls_steadily_from_orange_through_violet_to_blue_green() -> None:
    # CIE Lab hue angles at 450 .. 750 nm: 75, 2, 316, 291, 262, 181 degrees
    values = lab(np.array([450, 500, 551, 600, 650, 750]))
    hue = np.degrees(np.unwrap(np.arctan2(values[:, 2], values[:, 1])))
    expected = np.array([75, 2, 316 - 360, 291 - 360, 262 - 360, 181 - 360])
    assert np.abs(hue - expected).max() < 3
    assert (np.diff(hue) < 0).all()


def test_colours_agree_with_colour_science_to_one_code() -> None:
    colour = pytest.importorskip("colour")
    shape = colour.SpectralShape(380, 780, 1)
    observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"].copy().align(shape)
    daylight = colour.SDS_ILLUMINANTS["D65"].copy().align(shape)
    fine = np.arange(380.0, 781.0)
    retardations = np.arange(0, 5001, 25)
    spectra = np.sin(np.pi * retardations[:, None] / fine) ** 2
    xyz = spectra * daylight.values @ observer.values / (daylight.values @ observer.values[:, 1])
    # the package divides by the white of the lamp, the sRGB matrix by its own: scale to compare
    oracle = xyz / (daylight.values @ observer.values)
    oracle *= daylight.values @ observer.values[:, 1]
    white = np.linalg.solve(colour.RGB_COLOURSPACES["sRGB"].matrix_XYZ_to_RGB, np.ones(3))
    rgb = (oracle * white) @ colour.RGB_COLOURSPACES["sRGB"].matrix_XYZ_to_RGB.T
    inside = ((rgb >= 0) & (rgb <= 1)).all(axis=1)
    assert inside.sum() > 60
    expected = 255 * colour.cctf_encoding(rgb[inside], "sRGB")
    assert np.abs(255 * encode(linear(retardations[inside])) - expected).max() < 1


def test_the_lamp_itself_is_white_when_the_camera_is_balanced_to_it() -> None:
    lamp = black_body(3100)
    assert np.allclose(np.ones(len(WAVELENGTHS_NM)) @ camera_matrix(lamp), 1)


def test_a_balance_to_a_bluer_lamp_leaves_a_red_cast() -> None:
    red, green, blue = np.ones(41) @ camera_matrix(black_body(3000), black_body(3300))
    assert red > green > blue


def test_black_body_against_wiens_law() -> None:
    # the peak lies at 2.898e6 nm K / T: 644 nm for 4500 K, 10 nm steps
    assert WAVELENGTHS_NM[black_body(4500).argmax()] == 640
    assert black_body(3000)[WAVELENGTHS_NM == 560] == pytest.approx(1)


def test_out_of_gamut_colours_keep_their_luminance() -> None:
    rgb = np.array([[1.2, -0.3, 0.4], [0.2, 0.5, -0.1], [0.3, 0.4, 0.5]])
    shown = into_gamut(rgb)
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert np.allclose(shown @ LUMINANCE, rgb @ LUMINANCE)
    assert np.allclose(shown[2], rgb[2])  # what can be shown is left alone


def test_absorbance_passes_through_its_anchors() -> None:
    curve = absorbance(2.0, 1.0, 0.5)
    at = [curve[nm == WAVELENGTHS_NM][0] for nm in (450, 550, 650)]
    assert at == pytest.approx([2.0, 1.0, 0.5])


def test_srgb_curve_at_known_points() -> None:
    assert encode(np.array([0, 0.0031308, 0.2140411, 1, 2])) == pytest.approx(
        [0, 0.0404499, 0.5, 1, 1], abs=1e-5
    )
