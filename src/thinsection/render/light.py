"""Light through a scene: plane-polarised, or between crossed polarisers."""

import numpy as np
from scipy.ndimage import gaussian_filter

from thinsection.base.arrays import Floats, Ints
from thinsection.render.colour import WAVELENGTHS_NM, into_gamut
from thinsection.render.optics import Sections, diagonal, retardation_nm, transmission
from thinsection.render.scene import Scene

MOUNT_INDEX = 1.54  # of the mounting resin
THINNEST, THICKEST, NODES = 0.55, 1.0, 13  # shares of thickness in the colour table
DYE = (2.2, 0.75, 0.12)  # absorbance of blue-dyed resin, base e, in linear sRGB
STRAY_LIGHT = 0.002  # passed by crossed polarisers and the lens, over the whole field


def illuminate(
    scene: Scene, matrix: Floats, polariser: float, crossed: bool, defocus: float
) -> Floats:
    """
    The light that reaches the camera.

    Parameters
    ----------
    matrix : (n_wavelengths, 3) spectrum -> linear sRGB
    polariser : azimuth of the polariser, radians; the analyser is perpendicular to it
    crossed : whether the analyser is in
    defocus : strength and sign of the relief, px2 per unit of optical path

    Returns
    -------
    light : (h, w, 3) float32 linear sRGB, 1 for the lamp without a section
    """
    pixels = np.concatenate([np.zeros(0, np.int64), *scene.altered])
    product = np.concatenate([np.zeros(0, np.int32), *scene.product])
    amount = np.concatenate([np.zeros(0, np.float32), *scene.amount])
    host = scene.segment.ravel()
    used = np.flatnonzero(
        np.bincount(host, minlength=scene.segments.count)
        + np.bincount(product, minlength=scene.segments.count)
    )
    place = np.zeros(scene.segments.count, np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    found, slow, fast = scene.segments.cut(used)
    thickness = scene.specimen.thickness_um
    tables = (_crossed_table if crossed else _plane_tables)(found, slow, fast, thickness, matrix)
    azimuth = (found.azimuth - polariser).astype(np.float32)

    def seen(segment: Ints, which: Ints | slice) -> tuple[Floats, Floats]:
        angle = np.take(azimuth, segment) + scene.twist.ravel()[which]
        left = scene.thickness.ravel()[which]
        if crossed:
            along = np.take(((found.n_slow + found.n_fast) / 2).astype(np.float32), segment)
        else:
            along = index_along(found, segment, angle)
        index = (along - np.float32(MOUNT_INDEX)) * left
        return _colours(tables, segment, left, angle, crossed), index

    light, path = seen(place[host], slice(None))
    if len(pixels):
        changed, changed_path = seen(place[product], pixels)
        light[pixels] += amount[:, None] * (changed - light[pixels])
        path[pixels] += amount * (changed_path - path[pixels])
    light = light.reshape(*scene.shape, 3)
    if scene.resin is not None:
        _add_resin(light, path, scene, crossed)
    _add_haloes(light, scene)
    if crossed:
        _add_speckle(light, scene, matrix)
    light *= np.exp(-scene.density)[..., None]
    light *= relief(path.reshape(scene.shape), scene, defocus)[..., None]
    if crossed:
        light += np.float32(STRAY_LIGHT)
    return light


def index_along(found: Sections, segment: Ints, angle: Floats) -> Floats:
    """Index for light polarised at ``angle`` to the slow wave's vibration."""
    share: Floats = np.cos(angle) ** 2
    n_slow, n_fast = found.n_slow.astype(np.float32), found.n_fast.astype(np.float32)
    return np.take(n_fast, segment) + share * np.take(n_slow - n_fast, segment)


def relief(path: Floats, scene: Scene, defocus: float) -> Floats:
    """
    (h, w) factor of brightness: Becke lines, shagreen, cracks.

    A slightly defocused field gains light where the optical path bulges and loses it where it
    dips: the transport-of-intensity equation (Teague 1983). Steep steps also scatter light away.

    Parameters
    ----------
    path : (h, w) index difference to the mounting medium, times the share of thickness
    """
    px = 6 * scene.px_per_um  # pixels of this photo per pixel of a photo 275 wide
    rough = 1 + np.float32(0.05) * scene.fine - np.float32(0.7) * scene.gap
    path = gaussian_filter(path * rough, 0.6 * px, truncate=3)
    centre = path[1:-1, 1:-1]
    bulge = path[:-2, 1:-1] + path[2:, 1:-1] + path[1:-1, :-2] + path[1:-1, 2:] - 4 * centre
    down, right = path[2:, 1:-1] - path[:-2, 1:-1], path[1:-1, 2:] - path[1:-1, :-2]
    steep = np.hypot(down, right)
    factor = np.ones_like(path)
    factor[1:-1, 1:-1] -= np.float32(defocus * px * px) * bulge + np.float32(1.7 * px) * steep
    dark: Floats = scene.gap * np.clip(np.abs(path) * 8, 0.22, 0.8)
    return np.clip(factor, 0.25, 1.8) * (1 - dark)


def _nodes() -> Floats:
    return np.linspace(THINNEST, THICKEST, NODES, dtype=np.float32)


def _layers(slow: Floats, fast: Floats, thickness: float) -> tuple[Floats, Floats]:
    layer = (_nodes() * thickness)[None, :, None]
    return (
        transmission(slow.astype(np.float32)[:, None], layer),
        transmission(fast.astype(np.float32)[:, None], layer),
    )


def _crossed_table(
    found: Sections, slow: Floats, fast: Floats, thickness: float, matrix: Floats
) -> tuple[Floats, ...]:
    """Colour at 45 degrees of (segment, thickness): (n, NODES, 3)."""
    along, across = _layers(slow, fast, thickness)
    delay = retardation_nm(found.birefringence[:, None], _nodes() * thickness)
    light = diagonal(along, across, delay.astype(np.float32)) @ matrix.astype(np.float32)
    return (into_gamut(light, None),)


def _plane_tables(
    _found: Sections, slow: Floats, fast: Floats, thickness: float, matrix: Floats
) -> tuple[Floats, ...]:
    """Colour of the slow and of the fast wave: (n, NODES, 3) each."""
    matrix = matrix.astype(np.float32)
    return tuple(into_gamut(layer @ matrix, None) for layer in _layers(slow, fast, thickness))


def _colours(
    tables: tuple[Floats, ...], segment: Ints, left: Floats, angle: Floats, crossed: bool
) -> Floats:
    position = (left - THINNEST) * np.float32((NODES - 1) / (THICKEST - THINNEST))
    position = np.clip(position, 0, NODES - 1.001)
    node = position.astype(np.int32)
    rest = (position - node)[:, None]
    node += segment * np.int32(NODES)

    def look_up(table: Floats) -> Floats:
        table = table.reshape(-1, 3)
        low: Floats = np.take(table, node, axis=0)
        high: Floats = np.take(table, node + 1, axis=0)
        high -= low
        high *= rest
        high += low
        return high

    if crossed:
        bright: Floats = np.sin(2 * angle) ** 2
        return look_up(tables[0]) * bright[:, None]
    share: Floats = (np.cos(angle) ** 2)[:, None]
    return share * look_up(tables[0]) + (1 - share) * look_up(tables[1])


def _add_resin(light: Floats, path: Floats, scene: Scene, crossed: bool) -> None:
    """Resin in holes: clear or blue, dark between crossed polarisers, without relief."""
    assert scene.resin is not None
    clear = np.exp(-np.float32(scene.dye) * np.array(DYE, np.float32)) * np.float32(not crossed)
    light += scene.resin[..., None] * (clear - light)
    path *= 1 - scene.resin.ravel()


def _add_haloes(light: Floats, scene: Scene) -> None:
    where = scene.halo > 0
    if where.any():
        light[where] = np.maximum(light[where], 1e-4) ** (1 + scene.halo[where])[:, None]


def _add_speckle(light: Floats, scene: Scene, matrix: Floats) -> None:
    """Flakes of sericite, each a bright spot with its own colour."""
    for pixels in scene.speckle:
        delay = scene.rulings.pick(pixels, 11) * 700 + 100
        bright = np.sin(np.pi * scene.rulings.pick(pixels // 2, 977)) ** 2
        colour = np.sin(np.pi * delay[:, None] / WAVELENGTHS_NM) ** 2 @ matrix
        flat = light.reshape(-1, 3)
        flat[pixels] = 0.45 * flat[pixels] + 0.55 * into_gamut(colour, None) * bright[:, None]
