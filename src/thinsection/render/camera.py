"""
The camera: lamp, white balance, exposure, blur, vignetting, noise, JPEG.

Its settings are drawn for each specimen independently of the mineral, so they give no label away.
Ranges are plausible for microscope cameras, not measured.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from thinsection.base.arrays import Bytes, Floats, Ints
from thinsection.render.colour import LUMINANCE, black_body, camera_matrix, encode

TARGET_LUMINANCE = 0.38  # in linear light, the target of the automatic exposure


@dataclass(frozen=True)
class Camera:
    """
    One microscope on one day.

    Attributes
    ----------
    lamp_k : colour temperature of the lamp
    balance : the temperature that the camera treats as white, as a multiple of ``lamp_k``
    exposure : gain in plane-polarised light, and between crossed polarisers
    automatic : 0 fixed exposure .. 1 every photo equally bright
    blur_px : standard deviation, px of a photo 275 wide
    fall_off : darkening at the corners (vignetting)
    centre : of the lit field, in half widths and heights from the middle
    noise : standard deviation at full scale, of linear light
    gamma, saturation : of the camera software
    polariser_deg : misalignment of the polarisers
    quality : of the JPEG
    """

    lamp_k: float
    balance: float
    exposure: tuple[float, float]
    automatic: float
    blur_px: float
    fall_off: float
    centre: tuple[float, float]
    noise: float
    gamma: float
    saturation: float
    polariser_deg: float
    quality: int

    @property
    def matrix(self) -> Floats:
        """(n_wavelengths, 3) transmission spectrum -> linear sRGB."""
        return camera_matrix(black_body(self.lamp_k), black_body(self.lamp_k * self.balance))


def draw_camera(rng: np.random.Generator, automatic: float, colour_cast: float) -> Camera:
    """
    A camera, independent of the rock.

    Parameters
    ----------
    automatic : largest strength of the automatic exposure, 0..1
    colour_cast : 0 perfect white balance .. 1 off by -9 to +6 % of the temperature
    """
    return Camera(
        lamp_k=float(rng.uniform(2950, 3400)),
        balance=float(np.exp(colour_cast * rng.uniform(-0.09, 0.06))),
        exposure=(float(rng.uniform(0.80, 1.0)), float(rng.uniform(0.70, 1.10))),
        automatic=float(automatic * rng.uniform(0.5, 1)),
        blur_px=float(rng.uniform(0.40, 0.75)),
        fall_off=float(rng.uniform(0.03, 0.28)),
        centre=(float(rng.normal(0, 0.2)), float(rng.normal(0, 0.2))),
        noise=float(rng.uniform(0.004, 0.014)),
        gamma=float(rng.uniform(0.88, 1.13)),
        saturation=float(rng.uniform(0.78, 1.02)),
        polariser_deg=float(rng.normal(0, 0.3)),
        quality=int(rng.integers(74, 94)),
    )


def photograph(
    light: Floats,
    camera: Camera,
    crossed: bool,
    px: float,
    rng: np.random.Generator,
    gain: np.float32 | None = None,
) -> Bytes:
    """
    The photo of a lit field.

    Parameters
    ----------
    light : (h, w, 3) float32 linear sRGB; 1 is the lamp seen without a section
    px : pixels of this photo per pixel of a photo 275 wide
    rng : for the noise
    gain : of the exposure, where several photos share one; otherwise the camera's (``exposure``)

    Returns
    -------
    photo : (h, w, 3) uint8 sRGB
    """
    light = gaussian_filter(light, (camera.blur_px * px, camera.blur_px * px, 0), truncate=3)
    if gain is None:
        gain = exposure(light, camera, crossed)
    light *= (vignette(light.shape[:2], camera) * gain)[..., None]
    grey = (light @ LUMINANCE.astype(np.float32))[..., None]
    light *= np.float32(camera.saturation)
    light += np.float32(1 - camera.saturation) * grey
    grain = rng.standard_normal(light.shape, np.float32)  # of light: shot noise
    grain *= np.float32(camera.noise) * np.sqrt(np.clip(grey, 0.01, 1))
    light += grain
    return develop(light, camera.gamma)


def exposure(light: Floats, camera: Camera, crossed: bool) -> np.float32:
    """The gain: the camera's own, pulled towards ``TARGET_LUMINANCE`` by automatic exposure."""
    own = camera.exposure[int(crossed)]
    mean = max(float(light.mean(axis=(0, 1)) @ LUMINANCE) * own, 1e-3)
    return np.float32(own * min((TARGET_LUMINANCE / mean) ** camera.automatic, 2.5))


def vignette(shape: tuple[int, int], camera: Camera) -> Floats:
    """(h, w) float32 share of light that vignetting leaves."""
    h, w = shape
    y = np.linspace(-1, 1, h, dtype=np.float32)[:, None] - np.float32(camera.centre[1])
    x = np.linspace(-1, 1, w, dtype=np.float32)[None] - np.float32(camera.centre[0])
    return 1 - np.float32(camera.fall_off / 2) * (x * x + y * y)


def develop(light: Floats, gamma: float = 1.0) -> Bytes:
    """uint8 sRGB from linear light, with a table of the curve."""
    steps = np.arange(4097) / 4096
    curve: Bytes = np.rint(255 * encode(steps) ** gamma).astype(np.uint8)
    codes: Ints = np.clip(light * np.float32(4096), 0, 4096).astype(np.int16)
    return curve[codes]


def jpeg(photo: Bytes, quality: int) -> bytes:
    """The photo as a JPEG file, without metadata; the same bytes with the same encoder version."""
    buffer = BytesIO()
    Image.fromarray(photo).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
