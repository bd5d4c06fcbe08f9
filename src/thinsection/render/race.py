"""
The race of the grains, tile by tile.

A tile is a small square of pixels. Bounds on the arrival times of nearby grains select the few
grains, and the few of their faces, that can matter inside; only these are computed
pixel by pixel. The others could not change the result.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.spatial import cKDTree

from thinsection.base.arrays import Bools, Floats, Ints

Tiles = TypeVar("Tiles", Floats, Ints)

NEIGHBOURS = 28  # nearest slow grains that may win in a tile, and as many fast ones
FAST = 0.25  # share of fast grains: they are fewer, so the same number reaches farther
NEAREST = 6  # of these, which set the limit for the others
TILE = 1.6  # side of a tile, in radii of a typical grain
LEAST_TILE_PX = 4
FEW_GRAINS_TILE_PX = 24  # side of a tile, at most, where it has every grain for a neighbour
PIXELS_AT_ONCE = 1 << 17  # processed together, so that they stay in the processor's cache
MANY = 0.4  # from this share of the tiles on, all are computed
NEVER = np.float32(1e6)


@dataclass(frozen=True)
class Racers:
    """
    How grains grow.

    Attributes
    ----------
    centre : (n, 2) x, y, px
    start : (n,) float32, radii
    planes : (n_planes, 3, n) float32 a, b, c. A grain with faces reaches a pixel when the largest
        |a x + b y + c| of its planes does, in radii. Unused planes are zero.
    speed : (n,) float32 px that a grain grows per unit of time in its fastest direction
    rounded : (n,) bool, grains with two planes whose squares are added: sections of ellipsoids
    """

    centre: Floats
    start: Floats
    planes: Floats
    speed: Floats
    rounded: Bools


def race(racers: Racers, x: Floats, y: Floats, typical_px: float) -> tuple[Floats, Floats, Ints]:
    """
    When the first and the second grain reach each pixel, and which grain is first.

    Parameters
    ----------
    x, y : (h, w) float32, position of each pixel in the fabric
    typical_px : radius of a typical grain

    Returns
    -------
    first, second : (h, w) float32, in radii
    winner : (h, w) int32
    """
    kinds = _slow_and_fast(racers)
    side = max(round(TILE * typical_px), LEAST_TILE_PX)
    if max(map(len, kinds)) <= NEIGHBOURS:  # smaller tiles change nothing but the time
        side = min(side, FEW_GRAINS_TILE_PX)
    tiles_x, tiles_y = _tiled(x, side), _tiled(y, side)
    boxes = _boxes(tiles_x, tiles_y)  # (n_tiles, 4)
    far, near = _neighbours(racers, kinds, boxes[:, :2])
    at_once = max(PIXELS_AT_ONCE // side**2, 1)
    parts = [
        _race_in(racers, far[part], near[part], boxes[part], tiles_x[part], tiles_y[part])
        for part in (slice(i, i + at_once) for i in range(0, len(near), at_once))
    ]
    first, second, winner = (np.concatenate(each) for each in zip(*parts, strict=True))
    return (
        _untiled(first, x.shape, side),
        _untiled(second, x.shape, side),
        _untiled(winner, x.shape, side),
    )


def _tiled(values: Floats, side: int) -> Floats:
    """(n_tiles, side * side) from (h, w), padded with the last row and column."""
    h, w = values.shape
    padded = np.pad(values, ((0, -h % side), (0, -w % side)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // side, side, padded.shape[1] // side, side)
    return blocks.swapaxes(1, 2).reshape(-1, side * side)


def _untiled(tiles: Tiles, shape: tuple[int, int], side: int) -> Tiles:
    rows, columns = -(-shape[0] // side), -(-shape[1] // side)
    blocks = tiles.reshape(rows, columns, side, side).swapaxes(1, 2)
    return np.ascontiguousarray(blocks.reshape(rows * side, columns * side)[: shape[0], : shape[1]])


def _boxes(x: Floats, y: Floats) -> Floats:
    """(n, 4) middle x, y and half sides of the boxes around the points (n, n_points)."""
    left, right, top, bottom = x.min(axis=1), x.max(axis=1), y.min(axis=1), y.max(axis=1)
    ends = [left + right, top + bottom, right - left, bottom - top]
    return np.stack(ends, axis=1) / np.float32(2)


def _slow_and_fast(racers: Racers) -> tuple[Ints, Ints]:
    fast = racers.speed >= np.quantile(racers.speed, 1 - FAST)
    return np.flatnonzero(~fast), np.flatnonzero(fast)


def _neighbours(racers: Racers, kinds: tuple[Ints, Ints], middle: Floats) -> tuple[Floats, Ints]:
    """(n_tiles, k) distance and index of the grains that may enter each tile, some of each kind."""
    found = []
    for rows in kinds:
        if len(rows):
            k = range(1, min(NEIGHBOURS, len(rows)) + 1)
            far, place = cKDTree(racers.centre[rows]).query(middle, k=k)
            found.append((far, rows[place]))
    far, near = (np.concatenate(each, axis=1) for each in zip(*found, strict=True))
    return far, near


def _bounds(racers: Racers, grain: Ints, boxes: Floats) -> tuple[Floats, Floats, Bools]:
    """
    The earliest time at which a grain enters a box, and the latest at which it has filled it.

    Parameters
    ----------
    grain : (n,)
    boxes : (n, 4)

    Returns
    -------
    earliest, latest : (n,)
    leads : (n_planes, n) bool, faces that can decide inside the box
    """
    x, y, half_x, half_y = boxes.T
    rounded, start = racers.rounded[grain], racers.start[grain]
    least, most = np.empty((2, len(racers.planes), len(grain)), np.float32)
    for p, plane in enumerate(racers.planes):
        a, b, c = (np.take(each, grain) for each in plane)
        value, spread = np.abs(a * x + b * y + c), np.abs(a) * half_x + np.abs(b) * half_y
        np.add(value, spread, out=most[p])
        np.maximum(value - spread, 0, out=least[p])
    earliest = np.where(rounded, np.hypot(least[0], least[1]), least.max(axis=0))
    latest = np.where(rounded, np.hypot(most[0], most[1]), most.max(axis=0))
    return earliest + start, latest + start, most > earliest


def _sorted_out(
    racers: Racers, far: Floats, near: Ints, boxes: Floats
) -> tuple[Ints, Ints, Ints, Floats, Bools]:
    """
    The grains that can be first or second somewhere in a tile, and the faces that can decide there.

    Parameters
    ----------
    far, near : (n, k) distances and indices of candidate grains
    boxes : (n, 4)

    Returns
    -------
    tile, grain : (n_pairs,) tile by tile, the earliest grain first
    place : (n_pairs,) rank in its tile, from 0
    earliest : (n_pairs,) earliest time at which the grain can arrive
    leads : (n_planes, n_pairs) bool
    """
    nearest = near[:, :NEAREST]
    latest = _bounds(racers, nearest.ravel(), np.repeat(boxes, nearest.shape[1], axis=0))[1]
    limit = _second(latest.reshape(nearest.shape))
    reach = far - np.hypot(boxes[:, 2], boxes[:, 3])[:, None]
    tile, column = np.nonzero(racers.start[near] + reach / racers.speed[near] <= limit[:, None])
    grain = near[tile, column].astype(np.int32)
    earliest, _, leads = _bounds(racers, grain, boxes[tile])
    kept = np.flatnonzero(earliest <= limit[tile])
    kept = kept[np.lexsort((earliest[kept], tile[kept]))]
    tile, grain = tile[kept], grain[kept]
    place = np.arange(len(tile)) - np.searchsorted(tile, tile)
    return tile, grain, place, earliest[kept], leads[:, kept]


def _second(latest: Floats) -> Floats:
    """(n,) second smallest of the latest times: a grain that arrives later can't be second."""
    return np.partition(latest, 1, axis=1)[:, 1] if latest.shape[1] > 1 else latest[:, 0] + NEVER


def _race_in(
    racers: Racers, far: Floats, near: Ints, boxes: Floats, x: Floats, y: Floats
) -> tuple[Floats, Floats, Ints]:
    """``race`` in tiles (n_tiles, n_pixels)."""
    tile, grain, place, earliest, leads = _sorted_out(racers, far, near, boxes)
    first, second = np.full(x.shape, NEVER), np.full(x.shape, NEVER)
    winner = np.zeros(x.shape, np.int32)
    order = np.argsort(-np.bincount(tile, minlength=len(x)), kind="stable")
    back = np.empty_like(order)  # busy tiles come first, so that rounds work on ever shorter slices
    back[order] = np.arange(len(order))
    x, y, tile = x[order], y[order], back[tile]
    rounds = np.lexsort((tile, place))
    ends = np.cumsum(np.bincount(place))
    rows = np.arange(len(x))  # tiles that are still open
    for k, pairs in enumerate(np.split(rounds, ends[:-1])):
        rows = rows[rows < len(pairs)]  # only these have another grain
        if k >= 2:  # now two have arrived everywhere: most others come too late
            rows = rows[earliest[pairs[rows]] <= second[rows].max(axis=1)]
        if not rows.size:
            break
        pairs = pairs[rows]
        time = _times(racers, grain[pairs], leads[:, pairs], x[rows], y[rows])
        before = first[rows]
        winner[rows] = np.where(time < before, grain[pairs, None], winner[rows])
        second[rows] = np.minimum(second[rows], np.maximum(time, before))
        first[rows] = np.minimum(before, time)
    return first[back], second[back], winner[back]


def _times(racers: Racers, grain: Ints, leads: Bools, x: Floats, y: Floats) -> Floats:
    """(n, n_pixels) when the grain (n,) of each tile arrives."""
    time = np.zeros(x.shape, np.float32)
    rounded = racers.rounded[grain]
    for plane, leading in zip(racers.planes, leads, strict=True):
        leading = np.flatnonzero(leading & ~rounded)
        if not len(leading):
            continue
        # faces that don't lead change nothing, and selecting rows takes time
        rows: Ints | slice = leading if len(leading) < MANY * len(grain) else slice(None)
        reached = _distance(plane[:, grain[rows], None], x[rows], y[rows])
        time[rows] = np.maximum(time[rows], np.abs(reached, out=reached))
    rows = np.flatnonzero(rounded)
    if rows.size:
        u, v = (_distance(racers.planes[p][:, grain[rows], None], x[rows], y[rows]) for p in (0, 1))
        u *= u
        v *= v
        time[rows] = np.sqrt(u + v)
    time += racers.start[grain][:, None]
    return time


def _distance(plane: Floats, x: Floats, y: Floats) -> Floats:
    reached: Floats = plane[0] * x
    reached += plane[1] * y
    reached += plane[2]
    return reached
