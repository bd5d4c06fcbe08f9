"""
Direct comparison of two photos: the window of one that matches the other best, and how well.

The window is shifted and stretched until the fine structure of the two agrees best. This gives two
figures: the correlation of the whole, and the correlation that three quarters of small tiles reach,
so that an outline alone never decides.
"""

from functools import cache

import numpy as np

from thinsection.base.arrays import Bytes, Floats, Ints
from thinsection.ingest.windows import SPANS, WINDOWS, span_matrix

COMPARED = 32  # pixels per side at which two photos are compared
WELL_ALIGNED = 0.95  # from here on a better alignment changes nothing
MIN_SIMILARITY = 0.8  # of the whole, below which the tiles are not compared
# How a window's edges are moved: top and bottom (0) or left and right (1), the step, and the
# similarity required to try. Of 1,100 copies the least similar had 0.33 before the first move, 0.35
# before the second, 0.69 before the third, and a tile agreement of 0.22 then.
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
COARSE_MOVES = 2  # after these, unlike photos are separated from copies by their tiles ...
COARSE_AGREEMENT = 0.1  # ... with this agreement: 98 in 100 pairs with similar outlines end here
WAYS = np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)], np.float32)
TILES = 8  # per side
MIN_TILES = 0.25  # share of the tiles that must have structure
TILE_NOISE = 0.7  # grey levels, standard deviation of a tile without structure
COARSE_PX = 2.5  # blur subtracted before photos are compared as a whole ...
FINEST_PX = 1.0  # ... and by tile, where an outline's halo must not reach another tile


def aligned_similarity(copies: Bytes, originals: Bytes, windows: Ints) -> tuple[Floats, Floats]:
    """
    Correlation of fine structure between each copy and the best window of its original.

    Parameters
    ----------
    copies, originals : (n, SIDE, SIDE) uint8
    windows : (n,) indices in ``WINDOWS`` from which the alignment starts

    Returns
    -------
    similarity : (n,) correlation of the whole, -1..1
    agreement : (n,) from ``tile_agreement``; 0 if the similarity is too low anyway
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
    """The best correlation after moving one pair of edges by one step, and that pair."""
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
    (n, side, side) images minus their blurred versions, each with mean 0 and length 1.

    Values beyond 2.5 standard deviations are clipped: a scale bar or label in only one of two
    copies must not outweigh the rock.
    """
    fine = _clipped_fine(grey)
    fine -= fine.mean(axis=(1, 2), keepdims=True)
    length: Floats = np.linalg.norm(fine, axis=(1, 2), keepdims=True)
    return fine / np.maximum(length, 1e-6)


def _correlation(target: Floats, grey: Floats) -> Floats:
    """(n,) of the fine structure of (n, side, side) images with ``target``, a fine structure."""
    fine = _clipped_fine(grey)
    # The target's mean is 0, so the image's mean need not be subtracted in the product.
    square = _dot(fine, fine) - fine.sum(axis=(1, 2)) ** 2 / fine.shape[-1] ** 2
    length: Floats = np.sqrt(np.maximum(square, 1e-12))
    return _dot(target, fine) / length


def _clipped_fine(grey: Floats) -> Floats:
    fine = _without_blur(grey, COARSE_PX)
    mean = fine.mean(axis=(1, 2))
    variance = _dot(fine, fine) / fine.shape[-1] ** 2 - mean**2
    limit = 2.5 * np.sqrt(np.maximum(variance, 0))[:, None, None]
    np.minimum(
        fine, limit, out=fine
    )  # np.clip takes three times as long with separate limits for each image
    np.maximum(fine, -limit, out=fine)
    return fine


def _dot(first: Floats, second: Floats) -> Floats:
    products: Floats = np.einsum("nij,nij->n", first, second)
    return products


def tile_agreement(first: Floats, second: Floats) -> Floats:
    """
    (n,) the correlation that three quarters of the tiles of two (n, side, side) images exceed.

    The outlines of two round grains on black can be made to match, and they outweigh everything
    else in the correlation of the whole; the tiles inside them then agree only by chance. Tiles
    that are blank in both are ignored; if too few are left, the agreement is 0.
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
    """(n,) lower quartile of each row, like ``np.nanquantile(values, 0.25, axis=1)``."""
    in_order = np.sort(values, axis=1)  # NaN last
    place = 0.25 * (np.isfinite(in_order).sum(axis=1) - 1)
    rows, below = np.arange(len(values)), place.astype(int)
    low, high = in_order[rows, below], in_order[rows, np.ceil(place).astype(int)]
    quartiles: Floats = low + (high - low) * (place - below)
    return quartiles


def _tiles(image: Floats) -> Floats:
    """(n, TILES * TILES, pixels) from (n, COMPARED, COMPARED), each tile with mean 0."""
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
    """(n, COMPARED, COMPARED): the window with edges (n, 2, 2) of each (n, SIDE, SIDE) image."""
    return _kernels(edges[:, 0]) @ grey @ _kernels(edges[:, 1]).swapaxes(-1, -2)


def _kernels(spans: Floats) -> Floats:
    """(n, COMPARED, SIDE) weights of (n, 2) spans; equal spans are computed once."""
    pairs = np.ascontiguousarray(spans, np.float32).view(np.complex64).ravel()
    unlike, place = np.unique(pairs, return_inverse=True)
    return span_matrix(unlike.real, unlike.imag, COMPARED)[place]


@cache
def _blur_matrix(n: int, sigma: float) -> Floats:
    away = np.subtract.outer(np.arange(n), np.arange(n)).astype(np.float32)
    weights: Floats = np.exp(-0.5 * (away / sigma) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights
