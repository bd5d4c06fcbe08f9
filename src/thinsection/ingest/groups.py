"""Groups of photos that no split may divide."""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def group_photos(
    photo_ids: Sequence[str],
    keys: Iterable[Sequence[str]],
    ties: Sequence[tuple[int, int]] = (),
) -> list[str]:
    """
    Each photo's group: photos that share a specimen or grain or are copies, directly or in chains.

    A group has the name of its first photo_id in sorted order. A photo about which nothing is known
    is a group of its own. A specimen can connect photos of two classes: grains cut from one photo
    share its lighting, whatever they are.

    Parameters
    ----------
    photo_ids : (n_photos,)
    keys : sequences of (n_photos,) names (specimens, grains); equal, non-empty names connect
    ties : pairs of rows that are copies of each other

    Returns
    -------
    (n_photos,) name of each photo's group
    """
    pairs = list(ties)
    for names in keys:
        first: dict[str, int] = {}
        pairs += [(first.setdefault(name, row), row) for row, name in enumerate(names) if name]
    n_photos = len(photo_ids)
    ends = np.array(pairs, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(ends.shape[1], bool), (ends[0], ends[1])), (n_photos, n_photos))
    _, component = connected_components(graph, directed=False)
    smallest: dict[int, str] = {}
    for photo_id, number in zip(photo_ids, component.tolist(), strict=True):
        smallest[number] = min(smallest.get(number, photo_id), photo_id)
    return [smallest[number] for number in component.tolist()]
