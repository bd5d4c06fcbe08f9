"""
What a turned stage shows: fourfold extinction between crossed polarisers, fitted in each pixel.

Between crossed polarisers the light that an anisotropic crystal lets through goes with
``sin(2 (t - e)) ** 2`` of the stage's angle ``t``: it is extinct at ``e``, and again after every 90
degrees. So photos at several angles of one place hold a constant and a fourfold oscillation,

    I(t) = a0 + a1 cos 4t + a2 sin 4t,

whence the brightest that the pixel gets at any angle, ``a0 + hypot(a1, a2)``, the amplitude, and the
angle of extinction (e.g. Nesse 2013, Introduction to Optical Mineralogy, ch. 7).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from thinsection.base.arrays import Bytes, Floats

BRIGHTEST = "brightest"  # the light of a photo of each pixel at the angle where it is brightest
ONE_ANGLE = "one angle"  # a sample shown in all lights, but at one angle of the stage

LEAST_ANGLES = 3  # unknowns in each pixel
WORST_CONDITION = (
    10.0  # of the fit: angles that lie nearer to each other tell noise, not extinction
)
LUMA = np.array([0.2126, 0.7152, 0.0722])  # of linear sRGB (IEC 61966-2-1)


@dataclass(frozen=True)
class Extinction:
    """
    The fourfold extinction in each pixel.

    Attributes
    ----------
    brightest : (H, W, 3) linear light at the angle where the pixel is brightest, 0..1
    amplitude : (H, W) of the oscillation of the luminance, 0..0.5
    contrast : (H, W) amplitude over the constant, 0 isotropic .. 1 quite dark at extinction
    angle_deg : (H, W) of the stage at which the pixel is extinct, 0 <= angle < 90; of no meaning
        where the contrast is 0
    """

    brightest: Floats
    amplitude: Floats
    contrast: Floats
    angle_deg: Floats


def fits_extinction(angles_deg: Sequence[float]) -> bool:
    """
    Whether photos at these angles of the stage determine the extinction.

    Extinction comes again after 90 degrees, so 0, 45 and 90 are but two angles.

    Examples
    --------
    >>> fits_extinction([0, 30, 60]), fits_extinction([0, 45, 90]), fits_extinction([0, 22.5, 45])
    (True, False, True)
    """
    if len(angles_deg) < LEAST_ANGLES or not np.isfinite(angles_deg).all():
        return False
    return bool(np.linalg.cond(_waves(angles_deg)) <= WORST_CONDITION)


def extinction(photos: Bytes, angles_deg: Sequence[float]) -> Extinction:
    """
    The fourfold extinction, by least squares in each pixel.

    Parameters
    ----------
    photos : (n, H, W, 3) uint8 sRGB between crossed polarisers, in register, of one exposure
    angles_deg : (n,) of the stage, for which ``fits_extinction`` holds
    """
    light = linear(photos)
    constant, cosine, sine = np.tensordot(np.linalg.pinv(_waves(angles_deg)), light, 1)
    grey_constant, grey_cosine, grey_sine = (part @ LUMA for part in (constant, cosine, sine))
    amplitude = np.hypot(grey_cosine, grey_sine)
    # extinct where cos(4t - phase) is -1
    phase = np.arctan2(grey_sine, grey_cosine)
    return Extinction(
        brightest=np.clip(constant + np.hypot(cosine, sine), 0, 1),
        amplitude=amplitude,
        contrast=np.clip(amplitude / np.maximum(grey_constant, 1e-6), 0, 1),
        angle_deg=np.degrees(phase + np.pi) / 4 % 90,
    )


def brightest_photo(photos: Bytes, angles_deg: Sequence[float], height: int, width: int) -> Bytes:
    """
    (height, width, 3) uint8: each pixel of a place as at the angle where it is brightest.

    Parameters
    ----------
    photos, angles_deg : as of ``extinction``
    """
    image = Image.fromarray(encoded(extinction(photos, angles_deg).brightest))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def _waves(angles_deg: Sequence[float]) -> Floats:
    fourfold = 4 * np.radians(np.asarray(angles_deg, float))
    return np.stack([np.ones_like(fourfold), np.cos(fourfold), np.sin(fourfold)], axis=1)


def linear(photos: Bytes) -> Floats:
    """Linear light, 0..1, of sRGB bytes (IEC 61966-2-1)."""
    value = np.arange(256) / 255
    table = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    found: Floats = table[photos]
    return found


def encoded(light: Floats) -> Bytes:
    """SRGB bytes of linear light, 0..1."""
    value = np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055
    )
    found: Bytes = np.rint(255 * np.clip(value, 0, 1)).astype(np.uint8)
    return found
