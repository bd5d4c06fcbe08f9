"""Arrays by what they hold; the docstrings say their shapes, docs/conventions.md the usual ones."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thinsection.base.errors import InputError

Numbers = NDArray[np.number]  # whole or not
Floats = NDArray[np.floating]  # of either precision
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]  # pixels of photos, thumbnails and maps
Texts = NDArray[np.str_]
Groups = NDArray[np.str_ | np.integer]  # of photos, by name or number


def read_array(path: Path, mapped: bool = False) -> NDArray[Any]:
    """
    The array in an .npy file that a stage wrote.

    Parameters
    ----------
    mapped : in the file's own memory, to be read as it is used

    Raises
    ------
    InputError
        If it is missing or not whole.
    """
    try:
        found: NDArray[Any]
        try:
            found = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
        except ValueError:  # nothing can't be memory-mapped
            found = np.load(path, allow_pickle=False)
        return found
    except FileNotFoundError:
        raise InputError(f"{path}: no such file. Run `dvc repro` to make it.") from None
    except (ValueError, EOFError) as error:
        raise InputError(
            f"{path}: not whole ({error}). Run `dvc repro` to make it again."
        ) from None


def mirrored(start: int, length: int, end: int) -> Ints:
    """
    Places ``start`` .. ``start + length - 1``, those outside 0 .. ``end - 1`` reflected at the ends.

    Examples
    --------
    >>> mirrored(-2, 6, 3).tolist()
    [2, 1, 0, 1, 2, 1]
    """
    places = np.arange(start, start + length)
    if end == 1:
        return np.zeros_like(places)
    folded = np.mod(places, 2 * (end - 1))
    reflected: Ints = np.minimum(folded, 2 * (end - 1) - folded)
    return reflected
