"""From spectra to sRGB: lamp, observer and white balance."""

from functools import cache
from importlib import resources

import numpy as np

from thinsection.base.arrays import Floats

# IEC 61966-2-1: CIE XYZ (D65 white) -> linear sRGB.
XYZ_TO_RGB: Floats = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
LUMINANCE: Floats = np.array([0.2126729, 0.7151522, 0.0721750])  # of linear sRGB
SECOND_RADIATION_CONSTANT_NM_K = 1.438776877e7


def _table() -> Floats:
    text = resources.files(__package__).joinpath("cie1931.csv").read_text(encoding="utf-8")
    return np.array([line.split(",") for line in text.splitlines()[1:]], dtype=float)


_TABLE = _table()
WAVELENGTHS_NM: Floats = _TABLE[:, 0]  # 380, 390 ... 780
OBSERVER: Floats = _TABLE[:, 1:4]  # CIE 1931 2 degree colour-matching functions
D65: Floats = _TABLE[:, 4]


def black_body(temperature_k: float) -> Floats:
    """
    Planck's spectrum at ``WAVELENGTHS_NM``, 1 at 560 nm.

    Parameters
    ----------
    temperature_k : colour temperature, kelvin; a halogen lamp has 2900 to 3400
    """

    def planck(wavelength_nm: Floats | float) -> Floats:
        exponent = SECOND_RADIATION_CONSTANT_NM_K / (wavelength_nm * temperature_k)
        return np.asarray(wavelength_nm, float) ** -5.0 / np.expm1(exponent)

    return planck(WAVELENGTHS_NM) / planck(560.0)


def camera_matrix(light: Floats, white: Floats | None = None) -> Floats:
    """
    Contribution of one unit of transmission at each wavelength to linear sRGB.

    ``spectrum @ camera_matrix(light)`` integrates a transmission spectrum under ``light``. The
    camera is balanced to ``white``: without a section, that light would be (1, 1, 1). The
    balance scales X, Y and Z separately, as the revised interference chart of
    Sorensen (2013) does by choosing D65.

    Parameters
    ----------
    light : (n_wavelengths,) the lamp
    white : (n_wavelengths,) the light that the camera treats as white; by default the lamp

    Returns
    -------
    matrix : (n_wavelengths, 3)
    """
    white = light if white is None else white
    seen: Floats = light[:, None] * OBSERVER
    white_xyz = white @ OBSERVER
    scale: Floats = (white_xyz[1] / light.dot(OBSERVER[:, 1])) * _d65_white() / white_xyz
    return (seen * scale) @ XYZ_TO_RGB.T


@cache
def _d65_white() -> Floats:
    """(3,) XYZ that ``XYZ_TO_RGB`` turns into exactly (1, 1, 1)."""
    return np.linalg.solve(XYZ_TO_RGB, np.ones(3))


def into_gamut(rgb: Floats, ceiling: float | None = 1.0) -> Floats:
    """
    Colours moved into the sRGB gamut, each towards the grey of its own luminance.

    Clipping the channels separately would turn the violet of 551 nm blue; this keeps hue and
    luminance and reduces saturation.

    Parameters
    ----------
    rgb : (..., 3) linear sRGB
    ceiling : largest value of a channel; None leaves bright colours unchanged
    """
    grey = np.maximum(rgb @ LUMINANCE.astype(rgb.dtype), 0)[..., None]
    if ceiling is not None:
        grey = np.minimum(grey, ceiling)
    away = rgb - grey
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(away < 0, grey / -away, np.inf)
        if ceiling is not None:
            room = np.where(away > 0, (ceiling - grey) / away, room)
    keep: Floats = np.minimum(room.min(axis=-1, keepdims=True), 1)
    return grey + away * keep


def encode(rgb: Floats) -> Floats:
    """sRGB codes 0..1 of linear values, which are clipped to 0..1 first."""
    rgb = np.clip(rgb, 0, 1)
    return np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)


@cache
def absorbance(at_450: float, at_550: float, at_650: float) -> Floats:
    """
    A smooth absorption curve through three anchors.

    No measured spectra of sections were available, so the anchors were chosen from descriptions of
    colours. Between and beyond them the logarithm is a parabola, constant below 430 and above
    680 nm.

    Returns
    -------
    absorbance : (n_wavelengths,) base e, of a section of 30 micrometres
    """
    anchors = np.log(np.maximum([at_450, at_550, at_650], 1e-4))
    parabola = np.polyfit([450.0, 550.0, 650.0], anchors, 2)
    curve: Floats = np.exp(np.polyval(parabola, np.clip(WAVELENGTHS_NM, 430, 680)))
    return curve
