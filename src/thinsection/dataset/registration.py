"""
Photos of a turned stage, put in register.

A microscope turns the place under fixed polarisers, so each photo is turned by the stage's angle, and
shifted too where the stage is not centred; an instrument that turns the polarisers takes photos in
register. Grains brighten and darken between the photos, but their edges stay, so edges are what is
compared, by phase correlation (Guizar-Sicairos et al. 2008, Optics Letters 33, 156-158).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Bytes, Floats

STEPS = 10  # of a shift in a pixel
BETTER = 1.1  # times as alike must a shift make the edges, or a photo stays where it is
MOST_SHIFT = 0.25  # of the shorter side: a greater one is a wrong match
LEAST_ALIKE = 0.08  # correlation of edges; photos of one place have at least 0.1. Of two places
# many have more by chance after the best shift, so not all of them are found out
MOST_RESIDUAL_PX = 1.0  # that may be left: more, and pixels of several places would be mixed
WAYS = (0, 1, -1)  # not turned, turned clockwise with the stage, or the other way


@dataclass(frozen=True)
class Registered:
    """
    Photos in register, in the frame of the first.

    Attributes
    ----------
    photos : (n, h, w, 3) uint8, the part that all of them show
    shift_px : the greatest shift that was undone
    residual_px : the greatest shift that is left
    alike : the least correlation of edges with those of the first photo
    """

    photos: Bytes
    shift_px: float
    residual_px: float
    alike: float

    @property
    def succeeded(self) -> bool:
        """Whether the photos show one place, pixel by pixel."""
        return self.residual_px <= MOST_RESIDUAL_PX and self.alike >= LEAST_ALIKE


def registered(photos: Bytes, angles_deg: Sequence[float], turned: int) -> Registered:
    """
    The photos of a sample, turned back and moved into register.

    Parameters
    ----------
    photos : (n, H, W, 3) uint8, two or more, with square pixels
    angles_deg : (n,) of the stage
    turned : one of ``WAYS``
    """
    back = turned * (np.asarray(angles_deg, float) - angles_deg[0])
    grey = photos.astype(np.float32).mean(axis=3)
    still = np.zeros((len(photos), 2))
    shifts = _shifts(_placed(grey, back, still))
    shifts[np.abs(shifts).max(axis=1) > MOST_SHIFT * min(grey.shape[1:])] = 0
    unmoved, moved = _alike(grey, back, still), _alike(grey, back, shifts)
    kept = moved >= BETTER * unmoved
    shifts[~kept] = 0
    channels = np.moveaxis(photos, 3, 0).astype(np.float32)
    placed = np.stack([_placed(channel, back, shifts) for channel in channels], axis=-1)
    top, left, high, wide = _common(photos.shape[1:3], back, shifts)
    part = placed[:, top : top + high, left : left + wide]
    return Registered(
        np.rint(np.clip(part, 0, 255)).astype(np.uint8),
        float(np.abs(shifts).max()),
        float(np.abs(_shifts(placed.mean(axis=3))).max()),
        float(np.where(kept, moved, unmoved).min()),
    )


def way_of_turning(samples: Iterable[tuple[Bytes, Sequence[float]]]) -> int:
    """
    How the photos of a data set are turned, one of ``WAYS``: what makes edges most alike over all.

    Parameters
    ----------
    samples : (n, H, W, 3) uint8 photos of each, and their angles
    """
    alike = np.zeros(len(WAYS))
    for photos, angles_deg in samples:
        grey = photos.astype(np.float32).mean(axis=3)
        angles = np.asarray(angles_deg, float) - angles_deg[0]
        for place, turned in enumerate(WAYS):
            back = turned * angles
            shifts = _shifts(_placed(grey, back, np.zeros((len(photos), 2))))
            alike[place] += _alike(grey, back, shifts)[1:].mean()
    return WAYS[int(alike.argmax())]


def _edges(grey: Floats) -> Floats:
    """(n, H, W) steepness of the brightness, each photo scaled alike, faded towards the border."""
    from scipy.ndimage import gaussian_gradient_magnitude

    steep = np.stack([gaussian_gradient_magnitude(each, 1.0, mode="nearest") for each in grey])
    # a bright edge must not outweigh all the others
    steep = np.sqrt(steep)
    steep -= steep.mean(axis=(1, 2), keepdims=True)
    high, wide = grey.shape[1:]
    y, x = np.mgrid[-1 : 1 : high * 1j, -1 : 1 : wide * 1j]
    radius = np.hypot(y * high, x * wide) / min(high, wide)
    fade = np.where(radius < 1, np.cos(np.pi / 2 * np.minimum(radius, 1)) ** 2, 0)
    faded: Floats = steep * fade
    return faded


def _shifts(grey: Floats) -> Floats:
    """(n, 2) by how much each photo must be moved to lie on the first, rows and columns."""
    from skimage.registration import phase_cross_correlation

    first, *others = _edges(grey)
    found = [
        phase_cross_correlation(first, each, upsample_factor=STEPS, normalization=None)[0]
        for each in others
    ]
    return np.array([np.zeros(2), *found])


def _alike(grey: Floats, angles_deg: Floats, shifts: Floats) -> Floats:
    """(n,) correlation of each placed photo's edges with those of the first."""
    edges = _edges(_placed(grey, angles_deg, shifts)).reshape(len(grey), -1)
    norms = np.linalg.norm(edges, axis=1)
    found: Floats = edges @ edges[0] / np.maximum(norms * norms[0], 1e-9)
    return found


def _placed(grey: Floats, angles_deg: Floats, shifts: Floats) -> Floats:
    """Each photo turned back about its middle, and then moved."""
    from scipy.ndimage import affine_transform

    placed = []
    for photo, angle, shift in zip(grey, angles_deg, shifts, strict=True):
        matrix, offset = _from_output(photo.shape, angle, shift)
        placed.append(affine_transform(photo, matrix, offset, order=1, mode="nearest"))
    return np.stack(placed)


def _from_output(shape: tuple[int, ...], angle_deg: float, shift: Floats) -> tuple[Floats, Floats]:
    """Matrix and offset from a pixel of the placed photo to one of the photo, rows and columns."""
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    matrix = np.array([[cos, sin], [-sin, cos]])
    middle = (np.array(shape) - 1) / 2
    return matrix, middle - matrix @ (middle + shift)


def _common(
    shape: tuple[int, ...], angles_deg: Floats, shifts: Floats
) -> tuple[int, int, int, int]:
    """Top, left, height and width of the largest middle part, as wide for its height, that all show."""
    size = np.array(shape)
    placings = [
        _from_output(shape, angle, shift) for angle, shift in zip(angles_deg, shifts, strict=True)
    ]
    for share in np.arange(1, 0, -0.01):
        part = np.maximum(np.floor(size * share).astype(int), 1)
        start = (size - part) // 2
        top, left = start
        bottom, right = start + part - 1
        corners = np.array([[top, left], [top, right], [bottom, left], [bottom, right]])
        seen = [corners @ matrix.T + offset for matrix, offset in placings]
        if all(((each >= -0.5) & (each <= size - 0.5)).all() for each in seen):
            break
    return int(top), int(left), int(part[0]), int(part[1])
