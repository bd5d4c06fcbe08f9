"""The part of a photo that decides an answer, found by covering it; for any classifier."""

from collections.abc import Callable

import numpy as np

from thinsection.base.arrays import Bytes, Floats

CELLS = 12  # of the map along the longer side
COVER = 3  # cells that a cover is wide and high
LEAST_FALL = 1e-4  # of the probability: less is no more than rounding


def occlusion_map(
    photo: Bytes, label: int, probabilities: Callable[[Bytes], Floats], step: int = 1
) -> Bytes:
    """
    How far the probability of a class falls when each part of the photo is covered.

    Occlusion after Zeiler and Fergus (2014, ECCV, 818-833): a square in the photo's mean colour
    is moved over it, and each cell gets the mean fall over the covers that included it. This
    needs only answers, no gradients.

    Parameters
    ----------
    photo : (H, W, 3) uint8
    label : index of the class
    probabilities : maps (n, H, W, 3) uint8 to (n, n_classes)
    step : cells from one cover to the next, at most ``COVER``; 2 needs a quarter of the answers

    Returns
    -------
    (h, w) uint8, 255 where the probability falls most; all 0 where it falls nowhere
    """
    height, width = photo.shape[:2]
    side = max(height, width) / CELLS
    rows, columns = max(1, round(height / side)), max(1, round(width / side))
    top, left = np.linspace(0, height, rows + 1).round(), np.linspace(0, width, columns + 1).round()
    colour = photo.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    # covers extend beyond the edges, so that with a step of 1 as many of them include every cell
    places = [
        (r, c) for r in range(1 - COVER, rows, step) for c in range(1 - COVER, columns, step)
    ]
    covered = np.repeat(photo[None], len(places) + 1, axis=0)
    spans = []
    for n, (r, c) in enumerate(places):
        cells = slice(max(r, 0), min(r + COVER, rows)), slice(max(c, 0), min(c + COVER, columns))
        spans.append(cells)
        y, x = cells
        covered[n, int(top[y.start]) : int(top[y.stop]), int(left[x.start]) : int(left[x.stop])] = (
            colour
        )
    chances = probabilities(covered)[:, label]
    falls: Floats = np.zeros((rows, columns))
    n_covers = np.zeros((rows, columns))
    for cells, chance in zip(spans, chances[:-1], strict=True):
        falls[cells] += chances[-1] - chance
        n_covers[cells] += 1
    falls = np.maximum(falls / n_covers, 0)
    highest = float(falls.max())
    shown = 255 * falls / highest if highest > LEAST_FALL else 0 * falls
    return shown.round().astype(np.uint8)
