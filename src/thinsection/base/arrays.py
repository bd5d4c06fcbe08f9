"""Arrays by what they hold; the docstrings say their shapes, docs/conventions.md the usual ones."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.number]  # whole or not
Floats = NDArray[np.floating]  # of either precision
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]  # pixels of photos, thumbnails and maps
Texts = NDArray[np.str_]
Groups = NDArray[np.str_ | np.integer]  # of photos, by name or number
