"""
Perceptual hashes of whole photos and of their windows.

pHash (Zauner 2010; the bits of ``imagehash.phash(hash_size=12)``) of every window in ``WINDOWS`` of
every photo, and of every photo as a whole in its eight orientations. Two matrix products give
the cosine transform of all windows; mirroring changes the signs of its odd rows or columns.
"""

import numpy as np
from scipy.fft import dct

from thinsection.base.arrays import Bytes, Floats, Ints
from thinsection.ingest.threads import in_threads
from thinsection.ingest.windows import ORIENTATIONS, SIDE, SPANS, WINDOWS, span_matrix

HASHED = 48  # pixels per side from which pHash is computed
LOW = 12  # lowest frequencies kept in each direction: 144 bits
N_BITS = LOW * LOW
WORDS = -(-N_BITS // 64)  # 64-bit words for them
BATCH = 32  # photos at a time: their coefficients stay in a core's cache


def hashes(thumbnails: Bytes, rows: Ints, workers: int = 0) -> tuple[Ints, Ints]:
    """
    The pHash of whole photos and of their windows.

    Parameters
    ----------
    thumbnails : (n_photos, SIDE, SIDE) uint8
    rows : (n_rows,) the photos to hash
    workers : threads; 0 for one per core

    Returns
    -------
    whole : (n_rows, 8, WORDS) uint64, one for each of ``ORIENTATIONS``
    windows : (n_rows, n_windows, WORDS) uint64

    Both are stored word by word in memory, as the search reads them.
    """
    whole, windows = (
        np.moveaxis(np.empty((WORDS, len(rows), each), np.uint64), 0, -1)
        for each in (len(ORIENTATIONS), len(WINDOWS))
    )
    kernels = np.concatenate([_cosines() @ span_matrix(*span, HASHED) for span in SPANS])
    places = [down * len(SPANS) + across for down, across in WINDOWS]

    def fill(start: int) -> None:
        here = slice(start, start + BATCH)
        blocks = _coefficients(thumbnails[rows[here]], kernels)
        windows[here] = phash_bits(blocks[:, places])
        turned = [_turned(blocks[:, 0], orientation) for orientation in ORIENTATIONS]
        whole[here] = phash_bits(np.stack(turned, 1))

    in_threads(fill, range(0, len(rows), BATCH), workers)
    return whole, windows


def _coefficients(thumbnails: Bytes, kernels: Floats) -> Floats:
    """(n, spans down * spans across, LOW, LOW): the cosine transform of every window and others."""
    grey = thumbnails.astype(np.float32)
    across = (grey.reshape(-1, SIDE) @ kernels.T).reshape(len(grey), SIDE, len(kernels))
    down = across.transpose(0, 2, 1).reshape(-1, SIDE) @ kernels.T  # two large products
    blocks = down.reshape(len(grey), len(SPANS), LOW, len(SPANS), LOW).transpose(0, 3, 1, 4, 2)
    return blocks.reshape(len(grey), -1, LOW, LOW)


def phash_bits(low: Floats) -> Ints:
    """(..., WORDS) uint64 from (..., LOW, LOW) coefficients: a bit is set above their median."""
    flat = low.reshape(*low.shape[:-2], N_BITS)
    half = N_BITS // 2
    middle = np.sort(flat, axis=-1)[
        ..., half - 1 : half + 1
    ]  # vectorised, and so faster than partition
    bits = np.zeros((*flat.shape[:-1], WORDS * 64), bool)
    bits[..., :N_BITS] = flat > middle.mean(-1, keepdims=True)
    return np.packbits(bits, axis=-1).view(np.uint64)


def distance(first: Ints, second: Ints) -> Ints:
    """The number of bits in which (n, WORDS) hashes differ."""
    distance: Ints = np.bitwise_count(first[:, 0] ^ second[:, 0])
    for word in range(1, WORDS):
        distance += np.bitwise_count(first[:, word] ^ second[:, word])
    return distance


def _turned(low: Floats, orientation: tuple[int, int, int]) -> Floats:
    """Cosine coefficients of the oriented photo: mirroring changes the signs of the odd ones."""
    turned, down, right = orientation
    signs = (-1.0) ** np.arange(LOW)
    low = low.swapaxes(-1, -2) if turned else low
    return low * (signs if down else np.ones(LOW))[:, None] * (signs if right else np.ones(LOW))


def _cosines() -> Floats:
    """(LOW, HASHED): the lowest rows of the cosine transform."""
    return dct(np.eye(HASHED, dtype=np.float32), axis=0)[:LOW]
