"""
Plagioclase: the one series whose indicatrix rotates with composition.

No table of its orientation was available when this was written. Three curves of extinction angles
of the low-temperature series are widely known: of the fast wave to the a axis on (001)
and on (010), and the greatest one in sections normal to (010), which Michel-Levy's method uses.
The rotations below were fitted to the three (within 1 degree up to 90 % anorthite, within 3
beyond), so the series rests on a fit, not on measured Euler angles (which Burri, Parker & Wenk 1967
give).
See docs/rendering.md.
"""

from functools import cache

import numpy as np

from thinsection.base.arrays import Floats

ANORTHITE = np.arange(0, 101, 10)

# Extinction of the fast wave, degrees: from a on (001), from a on (010), and the greatest angle
# between it and the trace of (010) in sections normal to (010).
ON_001 = np.array([4, 3, 1.5, 0, -3, -7, -12, -18, -25, -32, -39])
ON_010 = np.array([19, 13, 7, 1, -6, -13, -19, -25, -30, -34, -37])
MICHEL_LEVY = np.array([16, 9, 0, 10, 20, 27, 33, 38, 44, 50, 56])

# Fitted: rotation vectors (radians) from X along a, Z near b*, in the crystal frame, every 10 % An.
TURNS = np.array(
    [
        [0.2694, 0.3830, -0.0559],
        [0.1511, 0.2407, -0.0229],
        [0.0073, 0.1219, 0.0128],
        [0.1563, 0.0176, -0.0776],
        [0.2865, -0.1363, -0.1932],
        [0.3545, -0.3325, -0.2985],
        [0.3870, -0.5530, -0.4100],
        [0.4025, -0.7387, -0.5025],
        [0.4449, -0.9136, -0.5926],
        [0.5013, -0.9560, -0.6213],
        [0.5006, -0.9672, -0.6257],
    ]
)

# Indices every 20 % An [GRI, interpolated between the members]
_KNOTS = np.arange(0, 101, 20)
_INDICES = np.array(
    [
        [1.5286, 1.5388, 1.5490, 1.5580, 1.5670, 1.5755],
        [1.5326, 1.5428, 1.5525, 1.5615, 1.5720, 1.5835],
        [1.5388, 1.5465, 1.5565, 1.5665, 1.5775, 1.5885],
    ]
)


@cache
def plagioclase_indices() -> Floats:
    """(101, 3) indices of X, Y, Z for every whole percentage of anorthite."""
    return np.array([np.interp(np.arange(101), _KNOTS, row) for row in _INDICES]).T


@cache
def plagioclase_axes() -> Floats:
    """(101, 3, 3) rows X, Y, Z in the crystal frame for every whole percentage of anorthite."""
    turns = np.array([np.interp(np.arange(101), ANORTHITE, column) for column in TURNS.T]).T
    return np.array([axes_after(turn) for turn in turns])


def axes_after(turn: Floats) -> Floats:
    """(3, 3) rows X, Y, Z after a rotation vector from the start: X along a, Z nearest to b*."""
    beta = np.radians(116.2)
    x = np.array([np.sin(beta), 0.0, np.cos(beta)])
    z = np.array([0.0, 1.0, 0.0])
    start: Floats = np.array([x, np.cross(z, x), z])
    angle = float(np.linalg.norm(turn))
    if angle == 0:
        return start
    a, b, c = turn / angle
    cross: Floats = np.array([[0, -c, b], [c, 0, -a], [-b, a, 0]])
    matrix: Floats = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return start @ matrix.T
