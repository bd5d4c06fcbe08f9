"""
Near copies: photos that are crops, resized or re-saved, mirrored or turned copies of others.

A perceptual hash proposes and a direct comparison decides. The hash alone won't do here: grains
cut out of one thin section are bright in the middle and dark around, so their hashes agree by
chance, and every false tie chains two groups together.

1. Each photo is a ``SIDE`` x ``SIDE`` grey thumbnail, its two sides scaled apart; in these
   coordinates a crop is a window (top, bottom, left, right), whatever the photo's shape.
2. pHash (Zauner 2010; the bits of ``imagehash.phash(hash_size=12)``) of every window in
   ``WINDOWS`` of every photo, and of every photo as a whole in its eight orientations. Two matrix
   products give the cosine transform of all windows.
3. Pairs (whole photo, window of another) that agree in all of some 20 random bits, for one of
   ``N_TABLES`` choices of bits (locality-sensitive hashing, Indyk & Motwani 1998), and differ
   in at most ``MAX_DISTANCE`` of the ``N_BITS``. The tables are sorted, so that the time grows
   with the number of photos, not with its square.
4. The window is shifted and stretched until the fine structure of the two agrees best; the pair
   is tied if they correlate by ``MIN_SIMILARITY`` as a whole and by ``MIN_AGREEMENT`` in three
   quarters of small tiles, so that no outline decides alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import dct

from thinsection.seeds import generator

SIDE = 64  # pixels of a thumbnail
HASHED = 48  # pixels a side from which pHash is computed
LOW = 12  # lowest frequencies kept in each direction: 144 bits
N_BITS = LOW * LOW
WORDS = -(-N_BITS // 64)  # 64-bit words that hold them
MAX_DISTANCE = 32  # bits of 144 in which a copy may differ; chance gives 72 +- 6
COMPARED = 32  # pixels a side at which two photos are compared
N_TABLES = 32
NEAREST = 8  # matches of a photo that are compared directly
# Frequencies whose bits index a table: below 3 they tell only that grains lie in the middle, from
# 8 on they change too much when a window is some pixels off.
INDEXING = (3, 8)
MIN_CONTRAST = 2.0  # grey levels; the hash of a blank photo is noise
MIN_SIMILARITY = 0.8  # of the whole ...
MIN_AGREEMENT = 0.6  # ... and of three quarters of the tiles
WELL_ALIGNED = 0.95  # from here on a better fit changes nothing
TILES = 8  # a side
MIN_TILES = 0.25  # share of the tiles that must show something
TILE_NOISE = 0.7  # grey levels, standard deviation of a tile that shows nothing
COARSE_PX = 2.5  # blur taken away before photos are compared as wholes ...
FINEST_PX = 1.0  # ... and tile by tile: of an outline's halo nothing must reach another tile
# Step by which a window's edges are moved, and the similarity needed to go on to that step.
# Unrelated photos stay below 0.65 however they are aligned, and most below 0.4.
ALIGNMENT = ((0.03, 0.2), (0.015, 0.5), (0.008, 0.65), (0.004, 0.72))
BATCH = 256
KEYED = 1 << 14  # hashes unpacked at a time
TABLES_AT_ONCE = 4

# A crop may keep as little as 0.8 of a side; windows lie every 0.067 of it.
SPANS = [
    (start, start + length)
    for length, starts in (
        (1.0, (0.0,)),
        (0.93, (0.0, 0.07)),
        (0.86, (0.0, 0.07, 0.14)),
        (0.80, (0.0, 0.067, 0.133, 0.2)),
    )
    for start in starts
]
WINDOWS = [
    (rows, columns)
    for rows in range(len(SPANS))
    for columns in range(len(SPANS))
    if abs((SPANS[rows][1] - SPANS[rows][0]) - (SPANS[columns][1] - SPANS[columns][0])) < 0.08
]
ORIENTATIONS = [(turned, down, right) for turned in (0, 1) for down in (0, 1) for right in (0, 1)]


@dataclass(frozen=True)
class NearCopy:
    """Rows of two photos, and the correlation of their fine structure once aligned, 0..1."""

    first: int
    second: int
    similarity: float


def near_copies(thumbnails: np.ndarray) -> list[NearCopy]:
    """
    Pairs of photos of which one is a near copy of the other or of a window of it.

    Parameters
    ----------
    thumbnails : (n_photos, SIDE, SIDE) uint8, may be memory-mapped

    Returns
    -------
    Sorted by ``first``, ``second``; ``first < second``.
    """
    usable = np.flatnonzero(_contrasts(thumbnails) >= MIN_CONTRAST)
    if len(usable) < 2:
        return []
    whole, windows = hashes(thumbnails, usable)
    proposed = propose(whole, windows)
    return decide(thumbnails, usable, proposed)


def decide(thumbnails: np.ndarray, usable: np.ndarray, proposed: np.ndarray) -> list[NearCopy]:
    """The proposed pairs that are near copies by direct comparison."""
    best: dict[tuple[int, int], float] = {}
    for start in range(0, len(proposed), BATCH):
        batch = proposed[start : start + BATCH]
        photos, orientations, others, windows = batch.T
        copies = np.stack(
            [oriented(thumbnails[usable[p]], o) for p, o in zip(photos, orientations, strict=True)]
        )
        originals = thumbnails[usable[others]]
        similarity, agreement = aligned_similarity(copies, originals, windows)
        tied = (similarity >= MIN_SIMILARITY) & (agreement >= MIN_AGREEMENT)
        for p, q, s, t in zip(usable[photos], usable[others], similarity, tied, strict=True):
            if t:
                pair = (int(min(p, q)), int(max(p, q)))
                best[pair] = max(best.get(pair, 0.0), float(s))
    return [NearCopy(*pair, similarity) for pair, similarity in sorted(best.items())]


def hashes(thumbnails: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    The pHash of whole photos and of their windows.

    Returns
    -------
    whole : (n_rows, 8, WORDS) uint64, one for each of ``ORIENTATIONS``
    windows : (n_rows, n_windows, WORDS) uint64
    """
    whole = np.empty((len(rows), len(ORIENTATIONS), WORDS), np.uint64)
    windows = np.empty((len(rows), len(WINDOWS), WORDS), np.uint64)
    kernels = np.concatenate([_cosines() @ span_matrix(*span, HASHED) for span in SPANS])
    for start in range(0, len(rows), BATCH):
        here = slice(start, start + BATCH)
        grey = thumbnails[rows[here]].astype(np.float32)
        across = (grey.reshape(-1, SIDE) @ kernels.T).reshape(len(grey), SIDE, len(kernels))
        down = across.transpose(0, 2, 1).reshape(-1, SIDE) @ kernels.T  # two large products
        blocks = down.reshape(len(grey), len(SPANS), LOW, len(SPANS), LOW).transpose(0, 3, 4, 1, 2)
        window_low = blocks.transpose(0, 1, 3, 2, 4)[:, *np.transpose(WINDOWS)]
        windows[here] = phash_bits(window_low)
        whole[here] = phash_bits(
            np.stack([_turned(blocks[:, 0, :, 0], o) for o in ORIENTATIONS], 1)
        )
    return whole, windows


def phash_bits(low: np.ndarray) -> np.ndarray:
    """(..., WORDS) uint64 from (..., LOW, LOW) coefficients: a bit is set above their median."""
    flat = low.reshape(*low.shape[:-2], N_BITS)
    half = N_BITS // 2
    middle = np.sort(flat, axis=-1)[..., half - 1 : half + 1]  # vectorised: faster than partition
    bits = np.zeros((*flat.shape[:-1], WORDS * 64), bool)
    bits[..., :N_BITS] = flat > middle.mean(-1, keepdims=True)
    return np.packbits(bits, axis=-1).view(np.uint64)


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The number of bits in which (n, WORDS) hashes differ."""
    distance = np.bitwise_count(first[:, 0] ^ second[:, 0])
    for word in range(1, WORDS):
        distance += np.bitwise_count(first[:, word] ^ second[:, word])
    return distance


def propose(whole: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """
    Pairs worth a direct comparison.

    Returns
    -------
    (n_pairs, 4) int64: photo, its orientation, other photo, window of the other; for each two
    photos, whichever way round, the match with the fewest differing bits
    """
    n_windows, n_orientations = windows.shape[1], whole.shape[1]
    queries, targets = whole.reshape(-1, WORDS), windows.reshape(-1, WORDS)
    found = [np.empty((0, 2), np.int64)]
    for table in range(0, N_TABLES, TABLES_AT_ONCE):  # all at once would be most of the memory
        places = _places(len(targets))[:, table : table + TABLES_AT_ONCE]
        for query_keys, target_keys in zip(
            _keys(queries, places), _keys(targets, places), strict=True
        ):
            found.append(_agreeing(query_keys, target_keys, queries, targets))
    pairs = np.unique(np.concatenate(found), axis=0)
    pairs = pairs[pairs[:, 0] // n_orientations != pairs[:, 1] // n_windows]
    distance = _distance(queries[pairs[:, 0]], targets[pairs[:, 1]])
    photo, orientation = np.divmod(pairs[:, 0], n_orientations)
    other, window = np.divmod(pairs[:, 1], n_windows)
    order = np.lexsort((window, orientation, photo, distance))
    rows = np.stack([photo, orientation, other, window], 1)[order]
    unordered = np.minimum(rows[:, 0], rows[:, 2]) * len(whole) + np.maximum(rows[:, 0], rows[:, 2])
    _, first = np.unique(unordered, return_index=True)
    return _nearest(rows[np.sort(first)])


def _nearest(rows: np.ndarray) -> np.ndarray:
    """The pairs, nearest first, that are among the ``NEAREST`` of either of their photos."""
    wanted = np.zeros(len(rows), bool)
    for column in (0, 2):
        order = np.argsort(rows[:, column], kind="stable")
        photo = rows[order, column]
        rank = np.arange(len(rows)) - np.searchsorted(photo, photo)
        wanted[order[rank < NEAREST]] = True
    return rows[wanted]


def _places(n_targets: int) -> np.ndarray:
    """(64 * WORDS, N_TABLES) float32: the weight of each bit of a hash in the key of each table."""
    # As many bits as keep about one chance agreement a query, whatever the number of photos.
    # 24 at most: float32 holds whole numbers exactly up to there.
    n_bits = int(np.clip(np.ceil(np.log2(n_targets)), 12, 24))
    frequency = np.maximum(*np.indices((LOW, LOW))).ravel()
    choice = np.flatnonzero((frequency >= INDEXING[0]) & (frequency < INDEXING[1]))
    rng = generator(0, "near copies")
    places = np.zeros((WORDS * 64, N_TABLES), np.float32)
    for table in range(N_TABLES):
        places[rng.choice(choice, n_bits, replace=False), table] = 2.0 ** np.arange(n_bits)
    return places


def _keys(bits: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n_tables, n) int32: for each table some bits of each hash, read as a number."""
    keys = np.empty((places.shape[1], len(bits)), np.int32)
    for start in range(0, len(bits), KEYED):
        part = np.unpackbits(bits[start : start + KEYED].view(np.uint8), axis=1)
        keys[:, start : start + KEYED] = (part.astype(np.float32) @ places).T
    return keys


def _agreeing(
    query_keys: np.ndarray, target_keys: np.ndarray, queries: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """(n, 2) rows of queries and targets with equal keys and at most MAX_DISTANCE other bits."""
    order = np.argsort(target_keys, kind="stable")
    in_order = target_keys[order]
    low = np.searchsorted(in_order, query_keys, "left")
    high = np.searchsorted(in_order, query_keys, "right")
    found = []
    ends = np.cumsum(high - low)
    step = 1 << 20  # pairs looked at together: bounds the memory
    start = 0
    while start < len(ends):
        stop = max(start + 1, int(np.searchsorted(ends, (ends[start - 1] if start else 0) + step)))
        counts = (high - low)[start:stop]
        query = np.repeat(np.arange(start, start + len(counts)), counts)
        offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        target = order[np.repeat(low[start:stop], counts) + offset]
        near = _distance(queries[query], targets[target]) <= MAX_DISTANCE
        found.append(np.stack([query[near], target[near]], 1))
        start = stop
    return np.concatenate(found) if found else np.empty((0, 2), np.int64)


def aligned_similarity(
    copies: np.ndarray, originals: np.ndarray, windows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
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
    spans = np.array(SPANS, np.float32)
    rows, columns = (spans[np.array(WINDOWS)[windows, axis]] for axis in (0, 1))
    whole = np.tile(np.array([[0, 1]], np.float32), (len(copies), 1))
    copy = _window(copies, whole, whole)
    wanted = fine_structure(copy)
    original = originals.astype(np.float32)
    best = (wanted * fine_structure(_window(original, rows, columns))).sum(axis=(1, 2))
    for step, needed in ALIGNMENT:
        alive = np.flatnonzero((best >= needed) & (best < WELL_ALIGNED))
        for moved, still, turn in ((rows, columns, False), (columns, rows, True)):
            picture, target = original[alive], wanted[alive]
            if turn:
                picture, target = picture.swapaxes(1, 2), target.swapaxes(1, 2)
            best[alive], moved[alive] = _moved(
                best[alive], moved[alive], still[alive], picture, target, step
            )
    agreement = np.zeros_like(best)
    sure = np.flatnonzero(best >= MIN_SIMILARITY)
    fitting = _window(original[sure], rows[sure], columns[sure])
    agreement[sure] = tile_agreement(copy[sure], fitting)
    return best, agreement


STEPS = np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)], np.float32)


def _moved(
    best: np.ndarray,
    moved: np.ndarray,
    still: np.ndarray,
    picture: np.ndarray,
    target: np.ndarray,
    step: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The best correlation after moving one pair of edges by a step either way, and that pair."""
    across = span_matrix(still[:, 0], still[:, 1], COMPARED)
    half = picture @ across.swapaxes(1, 2)  # the same for all moves
    start, best, moved = moved, best.copy(), moved.copy()
    for change in STEPS:
        trial = start + step * change
        window = span_matrix(trial[:, 0], trial[:, 1], COMPARED) @ half
        value = (target * fine_structure(window)).sum(axis=(1, 2))
        better = value > best
        best[better], moved[better] = value[better], trial[better]
    return best, moved


def fine_structure(grey: np.ndarray) -> np.ndarray:
    """
    (n, side, side) images less their blurred selves, each of mean 0 and length 1.

    Values beyond 2.5 standard deviations are cut: a scale bar or a label that only one of two
    copies bears must not outweigh the rock.
    """
    fine = _without_blur(grey, COARSE_PX)
    limit = 2.5 * fine.std(axis=(1, 2), keepdims=True)
    fine = np.clip(fine, -limit, limit)
    fine -= fine.mean(axis=(1, 2), keepdims=True)
    return fine / np.maximum(np.linalg.norm(fine, axis=(1, 2), keepdims=True), 1e-6)


def tile_agreement(first: np.ndarray, second: np.ndarray) -> np.ndarray:
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
    agreement[enough] = np.nanquantile(correlation[enough], 0.25, axis=1)
    return agreement


def _tiles(image: np.ndarray) -> np.ndarray:
    """(n, TILES * TILES, pixels) of (n, COMPARED, COMPARED), each tile of mean 0."""
    side = COMPARED // TILES
    tiles = image.reshape(len(image), TILES, side, TILES, side).transpose(0, 1, 3, 2, 4)
    tiles = tiles.reshape(len(image), TILES**2, side**2)
    return tiles - tiles.mean(axis=-1, keepdims=True)


def _without_blur(grey: np.ndarray, blur_px: float) -> np.ndarray:
    blur = _blur_matrix(grey.shape[-1], blur_px)
    return grey - blur @ grey @ blur.T


def oriented(thumbnail: np.ndarray, orientation: int) -> np.ndarray:
    """The thumbnail transposed, then mirrored, as ``ORIENTATIONS`` says."""
    turned, down, right = ORIENTATIONS[orientation]
    grey = thumbnail.T if turned else thumbnail
    return grey[:: -1 if down else 1, :: -1 if right else 1]


def _turned(low: np.ndarray, orientation: tuple[int, int, int]) -> np.ndarray:
    """Cosine coefficients of the oriented photo: mirroring changes the sign of the odd ones."""
    turned, down, right = orientation
    signs = (-1.0) ** np.arange(LOW)
    low = low.swapaxes(-1, -2) if turned else low
    return low * (signs if down else np.ones(LOW))[:, None] * (signs if right else np.ones(LOW))


def _contrasts(thumbnails: np.ndarray) -> np.ndarray:
    """(n,) standard deviation of each thumbnail, grey levels."""
    parts = [thumbnails[i : i + BATCH].std(axis=(1, 2)) for i in range(0, len(thumbnails), BATCH)]
    return np.concatenate(parts) if parts else np.empty(0)


def _window(grey: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(n, COMPARED, COMPARED): the windows (n, 2) of rows and columns of each image."""
    down = span_matrix(rows[:, 0], rows[:, 1], COMPARED)
    across = span_matrix(columns[:, 0], columns[:, 1], COMPARED)
    return down @ grey.astype(np.float32) @ across.swapaxes(-1, -2)


def span_matrix(start: np.ndarray | float, stop: np.ndarray | float, n: int) -> np.ndarray:
    """
    (..., n, SIDE) weights that resample SIDE pixels between two places, 0..1, to n, antialiased.

    A triangle as wide as two new pixels; beyond the edge the edge's pixels are repeated.
    """
    start, stop = np.asarray(start, np.float32), np.asarray(stop, np.float32)
    pitch = (stop - start) * SIDE / n  # old pixels in a new one
    centres = start[..., None] * SIDE + (np.arange(n, dtype=np.float32) + 0.5) * pitch[..., None]
    weights = centres[..., None] - (np.arange(SIDE, dtype=np.float32) + 0.5)
    np.abs(weights, out=weights)
    weights *= -1 / np.maximum(pitch, 1)[..., None, None]
    weights += 1 + 1e-6  # never all 0, however far beyond the edge
    np.maximum(weights, 1e-9, out=weights)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


def _cosines() -> np.ndarray:
    """(LOW, HASHED): the lowest rows of the cosine transform."""
    return dct(np.eye(HASHED, dtype=np.float32), axis=0)[:LOW]


def _blur_matrix(n: int, sigma: float) -> np.ndarray:
    away = np.subtract.outer(np.arange(n), np.arange(n)).astype(np.float32)
    weights = np.exp(-0.5 * (away / sigma) ** 2)
    return weights / weights.sum(axis=1, keepdims=True)
