"""
Light through a crystal section: the indicatrix, retardation, absorption.

The frame is that of the stage: x along the photo's rows, y down its columns, z along the light.
"""

from dataclasses import dataclass

import numpy as np

from thinsection.base.arrays import Floats
from thinsection.render.colour import WAVELENGTHS_NM

STANDARD_UM = 30.0  # thickness to which absorbances refer
NM_PER_UM = 1000.0


@dataclass(frozen=True)
class Sections:
    """
    The two waves transmitted by each of ``n`` crystals.

    Attributes
    ----------
    azimuth : (n,) angle of the slow wave's vibration from x, radians
    n_slow, n_fast : (n,) refractive indices
    slow_weights, fast_weights : (n, 3) share of X, Y, Z in the absorption of each wave
    """

    azimuth: Floats
    n_slow: Floats
    n_fast: Floats
    slow_weights: Floats
    fast_weights: Floats

    @property
    def birefringence(self) -> Floats:
        """(n,) of the section, not of the mineral."""
        return self.n_slow - self.n_fast


def sections(indices: Floats, axes: Floats) -> Sections:
    """
    Sections of the indicatrix of every crystal in the plane of the stage.

    The impermeability tensor B = sum over i of e_i e_i^T / n_i^2 is restricted to x and y; its
    eigenvalues are 1/n'^2 of the two waves (Born & Wolf 1999, ch. 15).

    Parameters
    ----------
    indices : (n, 3) principal refractive indices of X, Y, Z
    axes : (n, 3, 3) rows: directions of X, Y, Z on the stage
    """
    flat = axes[:, :, :2]  # (n, axis, xy)
    tensor = np.einsum("ni,nij,nik->njk", indices**-2.0, flat, flat)
    mean = (tensor[:, 0, 0] + tensor[:, 1, 1]) / 2
    half = (tensor[:, 0, 0] - tensor[:, 1, 1]) / 2
    radius = np.hypot(half, tensor[:, 0, 1])
    azimuth = np.arctan2(tensor[:, 0, 1], half) / 2 + np.pi / 2  # largest 1/n^2 is the fast wave
    slow = np.stack([np.cos(azimuth), np.sin(azimuth)], axis=-1)
    fast = np.stack([-slow[:, 1], slow[:, 0]], axis=-1)
    return Sections(
        azimuth=azimuth,
        n_slow=(mean - radius) ** -0.5,
        n_fast=(mean + radius) ** -0.5,
        slow_weights=np.einsum("nij,nj->ni", flat, slow) ** 2,
        fast_weights=np.einsum("nij,nj->ni", flat, fast) ** 2,
    )


def retardation_nm(birefringence: Floats, thickness_um: Floats | float) -> Floats:
    """
    Path difference of the slow relative to the fast wave.

    Examples
    --------
    Quartz and calcite, 30 micrometres thick: 0.009 x 30 and 0.172 x 30 micrometres.

    >>> retardation_nm(np.array([0.009, 0.172]), 30.0).round(6).tolist()
    [270.0, 5160.0]
    """
    return birefringence * thickness_um * NM_PER_UM


def transmission(absorbance: Floats, thickness_um: Floats | float) -> Floats:
    """
    Share of light transmitted, for an absorbance given for 30 micrometres.

    Examples
    --------
    Half the thickness leaves the square root of what the whole leaves.

    >>> transmission(np.log(np.array([1.0, 4.0])), 15.0).tolist()
    [1.0, 0.5]
    """
    return np.exp(-absorbance * (np.asarray(thickness_um) / STANDARD_UM))


def crossed(angle: Floats, slow: Floats, fast: Floats, retardation: Floats) -> Floats:
    """
    Transmission between crossed polarisers, at every wavelength of the table.

    With no absorption this is sin^2(2 angle) sin^2(pi retardation / wavelength).

    Parameters
    ----------
    angle : (...) between the slow wave's vibration and the polariser, radians
    slow, fast : (..., n_wavelengths) transmission along each vibration
    retardation : (...) nm
    """
    share: Floats = np.sin(2 * np.asarray(angle))[..., None] ** 2
    return share * diagonal(slow, fast, retardation)


def diagonal(slow: Floats, fast: Floats, retardation: Floats) -> Floats:
    """``crossed`` at 45 degrees, where it is brightest; other angles only scale it."""
    phase = (2 * np.pi * np.asarray(retardation))[..., None] / WAVELENGTHS_NM.astype(slow.dtype)
    light: Floats = (slow + fast - 2 * np.sqrt(slow * fast) * np.cos(phase)) / 4
    return light
