"""
Direct comparison of two photos: the window of one that fits the other best, and how well.

The window is shifted and stretched until the fine structure of the two agrees best. Two figures
come of it: the correlation of the whole, and the one that three quarters of small tiles reach, so
that no outline decides alone.
"""

from functools import cache

import numpy as np

from thinsection.base.arrays import Bytes, Floats, Ints
from thinsection.ingest.windows import SPANS, WINDOWS, span_matrix

COMPARED = 32  # pixels a side at which two photos are compared
WELL_ALIGNED = 0.95  # from here on a better fit changes nothing
MIN_SIMILARITY = 0.8  # of the whole, below which the tiles are not looked at
# How a window's edges are moved: top and bottom (0) or left and right (1), by what step, and the
# similarity needed to try. Of 1,100 copies the least similar had 0.33 before the first move, 0.35
# before the second, 0.69 before the third, and 0.22 of its tiles' agreement then.
MOVES = (
    (0, 0.03, 0.27),
    (1, 0.03, 0.3),
    (0, 0.015, 0.6),
    (1, 0.015, 0.6),
    (0, 0.008, 0.65),
    (1, 0.008, 0.65),
    (0, 0.004, 0.72),
    (1, 0.004, 0.72),
)
COARSE_MOVES = 2  # after these the tiles of unlike photos are told from those of copies ...
COARSE_AGREEMENT = 0.1  # ... by this agreement: 98 in 100 pairs with like outlines end here
WAYS = np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)], np.float32)
TILES = 8  # a side
MIN_TILES = 0.25  # share of the tiles that must show something
TILE_NOISE = 0.7  # grey levels, standard deviation of a tile that shows nothing
COARSE_PX = 2.5  # blur taken away before photos are compared as wholes ...
FINEST_PX = 1.0  # ... and tile by tile: of an outline's halo nothing must reach another tile


def aligned_similarity(copies: Bytes, originals: Bytes, windows: Ints) -> tuple[Floats, Floats]:
    """
    Correlation of fine structure between each copy and the window of its original that fits best.

    Parameters
    ----------
    copies, originals : (n, SIDE, SIDE) uint8
    windows : (n,) places in ``WINDOWS`` from which the fit starts

    Returns
    -------
    similarity : (n,) correlation of the whole, -1..1
    agreement : (n,) as ``tile_agreement`` has it; 0 where the similarity is too low anyway
    """
    starts = np.array(WINDOWS)[windows]  # (n, 2) places in SPANS
    spans = np.array(SPANS, np.float32)
    kernels = span_matrix(spans[:, 0], spans[:, 1], COMPARED)
    copy = kernels[0] @ copies.astype(np.float32) @ kernels[0].T
    wanted = fine_structure(copy)
    original = originals.astype(np.float32)
    window = kernels[starts[:, 0]] @ original @ kernels[starts[:, 1]].swapaxes(1, 2)
    best = (wanted * fine_structure(window)).sum(axis=(1, 2))
    edges = spans[starts]  # (n, 2, 2): of rows, of columns
    hopeful = np.ones(len(best), bool)
    for number, (axis, step, needed) in enumerate(MOVES):
        alive = np.flatnonzero(hopeful & (best >= needed) & (best < WELL_ALIGNED))
        if number == COARSE_MOVES:
            near = tile_agreement(copy[alive], _window(original[alive], edges[alive]))
            hopeful[alive] = near >= COARSE_AGREEMENT
            alive = alive[hopeful[alive]]
        picture, target = original[alive], wanted[alive]
        if axis == 1:
            picture, target = picture.swapaxes(1, 2), target.swapaxes(1, 2)
        best[alive], edges[alive, axis] = _moved(
            best[alive], edges[alive, axis], edges[alive, 1 - axis], picture, target, step
        )
    agreement = np.zeros_like(best)
    sure = np.flatnonzero(hopeful & (best >= MIN_SIMILARITY))
    fitting = _window(original[sure], edges[sure])
    agreement[sure] = tile_agreement(copy[sure], fitting)
    return best, agreement


def _moved(
    best: Floats,
    moved: Floats,
    still: Floats,
    picture: Floats,
    target: Floats,
    step: float,
) -> tuple[Floats, Floats]:
    """The best correlation after moving one pair of edges by a step either way, and that pair."""
    half = picture @ _kernels(still).swapaxes(1, 2)  # the same for all moves
    start, best, moved = moved, best.copy(), moved.copy()
    for way in WAYS:
        trial = start + step * way
        value = _correlation(target, _kernels(trial) @ half)
        better = value > best
        best[better], moved[better] = value[better], trial[better]
    return best, moved


def fine_structure(grey: Floats) -> Floats:
    """
    (n, side, side) images less their blurred selves, each of mean 0 and length 1.

    Values beyond 2.5 standard deviations are cut: a scale bar or a label that only one of two
    copies bears must not outweigh the rock.
    """
    fine = _clipped_fine(grey)
    fine -= fine.mean(axis=(1, 2), keepdims=True)
    length: Floats = np.linalg.norm(fine, axis=(1, 2), keepdims=True)
    return fine / np.maximum(length, 1e-6)


def _correlation(target: Floats, grey: Floats) -> Floats:
    """(n,) of the fine structure of (n, side, side) images with ``target``, a fine structure."""
    fine = _clipped_fine(grey)
    # The target's mean is 0, so that of the image needs no taking away from the product.
    square = _dot(fine, fine) - fine.sum(axis=(1, 2)) ** 2 / fine.shape[-1] ** 2
    length: Floats = np.sqrt(np.maximum(square, 1e-12))
    return _dot(target, fine) / length


def _clipped_fine(grey: Floats) -> Floats:
    fine = _without_blur(grey, COARSE_PX)
    mean = fine.mean(axis=(1, 2))
    variance = _dot(fine, fine) / fine.shape[-1] ** 2 - mean**2
    limit = 2.5 * np.sqrt(np.maximum(variance, 0))[:, None, None]
    np.minimum(fine, limit, out=fine)  # np.clip takes thrice as long with limits of each image
    np.maximum(fine, -limit, out=fine)
    return fine


def _dot(first: Floats, second: Floats) -> Floats:
    products: Floats = np.einsum("nij,nij->n", first, second)
    return products


def tile_agreement(first: Floats, second: Floats) -> Floats:
    """
    (n,) the correlation that three quarters of the tiles of two (n, side, side) images exceed.

    The outlines of two round grains on black can be made to fit, and they outweigh all else in
    the correlation of the whole; inside of them the tiles then agree by chance only. Tiles that
    are blank in both tell nothing and don't count; where too few are left, nothing agrees.
    """
    tiles = [_tiles(_without_blur(grey, FINEST_PX)) for grey in (first, second)]
    spreads = [tile.std(axis=-1) for tile in tiles]
    floor = np.maximum(spreads, TILE_NOISE)
    correlation = (tiles[0] * tiles[1]).mean(axis=-1) / (floor[0] * floor[1])
    told = np.maximum(*spreads) > TILE_NOISE
    correlation[~told] = np.nan
    enough = told.sum(axis=1) >= MIN_TILES * TILES**2
    agreement = np.zeros(len(first))
    agreement[enough] = _lower_quartiles(correlation[enough])
    return agreement


def _lower_quartiles(values: Floats) -> Floats:
    """(n,) of each row of (n, m), NaN left out: ``np.nanquantile(values, 0.25, axis=1)``."""
    in_order = np.sort(values, axis=1)  # NaN last
    place = 0.25 * (np.isfinite(in_order).sum(axis=1) - 1)
    rows, below = np.arange(len(values)), place.astype(int)
    low, high = in_order[rows, below], in_order[rows, np.ceil(place).astype(int)]
    quartiles: Floats = low + (high - low) * (place - below)
    return quartiles


def _tiles(image: Floats) -> Floats:
    """(n, TILES * TILES, pixels) of (n, COMPARED, COMPARED), each tile of mean 0."""
    side = COMPARED // TILES
    tiles = image.reshape(len(image), TILES, side, TILES, side).transpose(0, 1, 3, 2, 4)
    tiles = tiles.reshape(len(image), TILES**2, side**2)
    mean: Floats = tiles.mean(axis=-1, keepdims=True)
    return tiles - mean


def _without_blur(grey: Floats, blur_px: float) -> Floats:
    blur = _blur_matrix(grey.shape[-1], blur_px)
    across = (grey.reshape(-1, len(blur)) @ blur.T).reshape(grey.shape)  # one large product
    return grey - blur @ across


def _window(grey: Floats, edges: Floats) -> Floats:
    """(n, COMPARED, COMPARED): of each (n, SIDE, SIDE) image the window with the edges (n, 2, 2)."""
    return _kernels(edges[:, 0]) @ grey @ _kernels(edges[:, 1]).swapaxes(-1, -2)


def _kernels(spans: Floats) -> Floats:
    """(n, COMPARED, SIDE) weights of (n, 2) spans; of equal ones computed once."""
    pairs = np.ascontiguousarray(spans, np.float32).view(np.complex64).ravel()
    unlike, place = np.unique(pairs, return_inverse=True)
    return span_matrix(unlike.real, unlike.imag, COMPARED)[place]


@cache
def _blur_matrix(n: int, sigma: float) -> Floats:
    away = np.subtract.outer(np.arange(n), np.arange(n)).astype(np.float32)
    weights: Floats = np.exp(-0.5 * (away / sigma) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights
