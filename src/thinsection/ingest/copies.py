"""
Near copies: photos that are crops, resized or re-saved, mirrored or turned copies of others.

A perceptual hash proposes pairs (``proposals``) and a direct comparison decides (``alignment``).
The hash alone is not enough: grains cut out of one thin section are bright in the middle and dark
around, so their hashes agree by chance, and every false match merges two groups.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from thinsection.base.arrays import Bytes, Floats, Ints
from thinsection.ingest.alignment import MIN_SIMILARITY, aligned_similarity
from thinsection.ingest.hashes import hashes
from thinsection.ingest.proposals import propose
from thinsection.ingest.threads import in_threads
from thinsection.ingest.windows import oriented

MIN_CONTRAST = 2.0  # grey levels; the hash of a blank photo is only noise
MIN_AGREEMENT = 0.6  # correlation that three quarters of the tiles must reach
BATCH = 128


@dataclass(frozen=True)
class NearCopy:
    """Rows of two photos, and the correlation of their fine structure once aligned, 0..1."""

    first: int
    second: int
    similarity: float


def near_copies(thumbnails: Bytes, workers: int = 0) -> list[NearCopy]:
    """
    Pairs of photos of which one is a near copy of the other or of a window of the other.

    Parameters
    ----------
    thumbnails : (n_photos, SIDE, SIDE) uint8, may be memory-mapped
    workers : threads; 0 for one per core

    Returns
    -------
    Sorted by ``first``, ``second``; ``first < second``. The same for any number of workers.
    """
    usable = np.flatnonzero(_contrasts(thumbnails) >= MIN_CONTRAST)
    if len(usable) < 2:
        return []
    whole, windows = hashes(thumbnails, usable, workers)
    proposed = propose(whole, windows, workers)
    proposed[:, [0, 2]] = usable[proposed[:, [0, 2]]]
    return decide(thumbnails, proposed, workers)


def decide(thumbnails: Bytes, proposed: Ints, workers: int = 0) -> list[NearCopy]:
    """
    The proposed pairs that direct comparison confirms as near copies.

    Parameters
    ----------
    thumbnails : (n_photos, SIDE, SIDE) uint8
    proposed : (n_pairs, 4) photo, its orientation, other photo, window of the other
    workers : threads; 0 for one per core
    """
    batches = [proposed[start : start + BATCH] for start in range(0, len(proposed), BATCH)]
    best: dict[tuple[int, int], float] = {}
    for batch, similarity in zip(
        batches, in_threads(partial(_similarity, thumbnails), batches, workers), strict=True
    ):
        for (p, _, q, _), value in zip(batch.tolist(), similarity.tolist(), strict=True):
            if value > 0:
                pair = (min(p, q), max(p, q))
                best[pair] = max(best.get(pair, 0.0), value)
    return [NearCopy(*pair, similarity) for pair, similarity in sorted(best.items())]


def _similarity(thumbnails: Bytes, batch: Ints) -> Floats:
    """(n,) the similarity of each proposed pair; 0 if it is not a near copy."""
    photos, orientations, others, windows = batch.T
    copies = np.stack(
        [oriented(thumbnails[p], o) for p, o in zip(photos, orientations, strict=True)]
    )
    similarity, agreement = aligned_similarity(copies, thumbnails[others], windows)
    return np.where((similarity >= MIN_SIMILARITY) & (agreement >= MIN_AGREEMENT), similarity, 0.0)


def _contrasts(thumbnails: Bytes) -> Floats:
    """(n,) standard deviation of each thumbnail, grey levels."""
    parts = [thumbnails[i : i + BATCH].std(axis=(1, 2)) for i in range(0, len(thumbnails), BATCH)]
    return np.concatenate(parts) if parts else np.empty(0)
