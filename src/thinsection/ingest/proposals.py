"""
Pairs of photos worth a direct comparison, found without comparing every hash with every other.

A pair (whole photo, window of another) is considered if both agree in all of some 20 random
bits, for one of ``N_TABLES`` choices of bits (locality-sensitive hashing, Indyk & Motwani 1998),
and proposed if they differ in at most ``MAX_DISTANCE`` of all bits. Bits of whole photos are put
into a table with a multiplicative hash (Dietzfelbinger et al. 1997), and windows are looked up in
it, so the time grows with the number of photos, not with its square.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from thinsection.base.arrays import Ints
from thinsection.base.seeds import generator
from thinsection.ingest.hashes import LOW, WORDS, distance
from thinsection.ingest.threads import in_threads

MAX_DISTANCE = 32  # bits of 144 in which a copy may differ; chance gives 72 +- 6
N_TABLES = 32
NEAREST = 8  # matches per photo that are compared directly
# Frequencies whose bits index a table: below 3 they only show that grains are in the middle, from
# 8 on they change too much if a window is some pixels off.
INDEXING = (3, 8)
LOOKED_UP = 1 << 15  # windows at a time, so that intermediate results stay in a core's cache
PAIRS_AT_ONCE = 1 << 19  # bounds memory if many photos are similar
HELD = 1 << 18  # pairs in memory before they are reduced to the nearest


@dataclass(frozen=True)
class _Table:
    """Some bits of a hash, and factors that turn them into a number of ``n_bits`` bits."""

    masks: Ints  # (WORDS,) uint64
    factors: Ints  # (WORDS,) uint64, odd
    n_bits: int

    def keys(self, words: Ints) -> Ints:
        """(n,) int64 from (WORDS, n) hashes; equal if all masked bits are equal."""
        mixed = np.zeros(words.shape[1], np.uint64)
        for word in np.flatnonzero(self.masks):
            mixed += (words[word] & self.masks[word]) * self.factors[word]
        return (mixed >> np.uint64(64 - self.n_bits)).view(np.int64)


def propose(whole: Ints, windows: Ints, workers: int = 0) -> Ints:
    """
    Pairs worth a direct comparison, nearest first.

    Parameters
    ----------
    whole : (n_photos, n_orientations, WORDS) uint64
    windows : (n_photos, n_windows, WORDS) uint64
    workers : threads; 0 for one per core

    Returns
    -------
    (n_pairs, 4) int64: photo, its orientation, other photo, window of the other; for each pair of
    photos, in either order, the match with the fewest differing bits
    """
    sought = partial(_agreeing, whole=whole, windows=windows)
    found = np.concatenate(in_threads(sought, _tables(whole, windows), workers))
    return _nearest(found, len(whole))[:, 1:]


def _tables(whole: Ints, windows: Ints) -> list[_Table]:
    # So many bits that there is about one chance agreement per photo, for any number of photos.
    n_chosen = int(np.clip(np.ceil(np.log2(windows.shape[0] * windows.shape[1])), 12, 24))
    # Different hashes then rarely share an entry, and a table takes only some megabytes.
    n_bits = int(np.ceil(np.log2(whole.shape[0] * whole.shape[1]))) + 3
    frequency = np.maximum(*np.indices((LOW, LOW))).ravel()
    choice = np.flatnonzero((frequency >= INDEXING[0]) & (frequency < INDEXING[1]))
    rng, hashing = generator(0, "near copies"), generator(0, "near copies", "tables")
    tables = []
    for _ in range(N_TABLES):
        bits = np.zeros(WORDS * 64, bool)
        bits[rng.choice(choice, n_chosen, replace=False)] = True
        factors = hashing.integers(0, 1 << 63, WORDS, np.uint64) * 2 + 1
        tables.append(_Table(np.packbits(bits).view(np.uint64), factors, n_bits))
    return tables


def _agreeing(table: _Table, whole: Ints, windows: Ints) -> Ints:
    """(n, 5) int64: distance, photo, orientation, other photo, window; of one table."""
    n_orientations, n_windows = whole.shape[1], windows.shape[1]
    found: list[np.ndarray] = [np.empty((0, 5), np.int64)]
    queries, targets = whole.reshape(-1, WORDS).T, windows.reshape(-1, WORDS).T
    keys = table.keys(queries)
    order = np.argsort(keys).astype(np.int32)
    in_order = keys[order]
    starts = np.flatnonzero(
        np.diff(in_order, prepend=-1)
    )  # of the photos with each key, in ``order``
    held = np.diff(starts, append=len(keys))
    taken = np.zeros(1 << table.n_bits, bool)  # one byte each, in cache: most windows end here
    taken[keys] = True
    place = np.empty(1 << table.n_bits, np.int32)
    place[in_order[starts]] = np.arange(len(starts))
    for first in range(0, targets.shape[1], LOOKED_UP):
        sought = table.keys(targets[:, first : first + LOOKED_UP])
        hits = np.flatnonzero(taken[sought])
        places = place[sought[hits]]
        low, counts = starts[places], held[places]
        for part in _parts(counts):
            n_here = counts[part]
            offset = np.arange(n_here.sum()) - np.repeat(np.cumsum(n_here) - n_here, n_here)
            query = order[np.repeat(low[part], n_here) + offset]
            target = np.repeat(hits[part] + first, n_here)
            others = query // n_orientations != target // n_windows
            query, target = query[others], target[others]
            apart = distance(queries.take(query, 1).T, targets.take(target, 1).T)
            near = np.flatnonzero(apart <= MAX_DISTANCE)
            photo, orientation = np.divmod(query[near], n_orientations)
            other, window = np.divmod(target[near], n_windows)
            found.append(np.stack([apart[near], photo, orientation, other, window], 1))
            if sum(map(len, found)) > HELD:
                found = [_nearest(np.concatenate(found), len(whole))]
    return np.concatenate(found).astype(np.int64)


def _parts(counts: Ints) -> list[slice]:
    """Consecutive rows with about ``PAIRS_AT_ONCE`` pairs in total, at least one row each."""
    ends = np.cumsum(counts, dtype=np.int64)
    parts = []
    start = 0
    while start < len(ends):
        reach = (ends[start - 1] if start else 0) + PAIRS_AT_ONCE
        stop = max(start + 1, int(np.searchsorted(ends, reach)))
        parts.append(slice(start, stop))
        start = stop
    return parts


def _nearest(found: Ints, n_photos: int) -> Ints:
    """The rows, nearest first, that are among the ``NEAREST`` of either of their photos."""
    apart, photo, orientation, other, window = found.T
    found = found[np.lexsort((window, other, orientation, photo, apart))]
    photo, other = found[:, 1], found[:, 3]
    unordered = np.minimum(photo, other) * n_photos + np.maximum(photo, other)
    _, first = np.unique(unordered, return_index=True)
    rows = found[np.sort(first)]
    wanted = np.zeros(len(rows), bool)
    # A pair counts for both photos, whichever is the whole one.
    ends = rows[:, [1, 3]].ravel()
    order = np.argsort(ends, kind="stable")
    rank = np.arange(len(ends)) - np.searchsorted(ends[order], ends[order])
    wanted[order[rank < NEAREST] // 2] = True
    return rows[wanted]
