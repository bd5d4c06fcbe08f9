"""The types of the entries in the table of minerals, without any numbers."""

from dataclasses import dataclass, field

Triple = tuple[float, float, float]
Hkl = tuple[int, int, int]
PLAGIOCLASE_AXES = ("plagioclase",) * 3  # they rotate with composition: see plagioclase.py
CLEAR: tuple[Triple, Triple, Triple] = ((0.01, 0.01, 0.01),) * 3


@dataclass(frozen=True)
class Twin:
    """
    A twin law: a half turn about ``axis``; the domains meet along planes parallel to ``plane``.

    ``axis`` is a lattice direction ("c", "b") or the normal of faces ("010", "100").
    ``share`` of the grains have it. With ``spacing_um`` None there are two halves, else lamellae.
    """

    axis: str
    plane: Hkl
    share: float
    spacing_um: tuple[float, float] | None = None


@dataclass(frozen=True)
class Alteration:
    """
    What a mineral alters to, and where.

    ``where``: veins (cracks and rims), rims, lamellae (along cleavage), patches, dust.
    ``share`` of the specimens with the mineral can show it.
    """

    product: str
    where: str
    share: float


@dataclass(frozen=True)
class Mineral:
    """
    A species.

    Attributes
    ----------
    cell : a, b, c, alpha, beta, gamma
    indices : of X, Y, Z at composition 0 and at composition 1
    composition : range in the rocks, unless a rock gives another
    two_v_deg : tabulated range about Z; above 90 the crystal is optically negative
    axes : the crystal direction of X, Y, Z before ``tilt_deg``
    tilt_deg : range of the turn of the indicatrix about b, from c towards a* (obtuse beta)
    colours : kind -> weight, absorbance along X, Y, Z; a specimen has one random kind
    faces : habit, (hkl) and distance from the centre
    shape : half axes along a*, b, c of a grain without faces
    cleavage : (hkl) and quality 0..1
    start : start of growth, in grain radii; early minerals are euhedral
    found_in : rock -> probability that a specimen of this mineral is of that rock
    joins : rock -> its share in that rock, in addition to those of the rock's recipe
    map_colour : in mineral maps; its number there is its index in the table
    microlite : half length and half width in a groundmass, in cells
    """

    name: str
    system: str
    cell: tuple[float, float, float, float, float, float]
    indices: tuple[Triple, Triple]
    two_v_deg: tuple[float, float]
    axes: tuple[str, str, str]
    faces: tuple[tuple[Hkl, float], ...]
    found_in: dict[str, float]
    map_colour: str
    joins: dict[str, float] = field(default_factory=dict)
    tilt_deg: tuple[float, float] = (0.0, 0.0)
    composition: tuple[float, float] = (0.0, 1.0)
    colours: dict[str, tuple[float, tuple[Triple, Triple, Triple]]] = field(
        default_factory=lambda: {"clear": (1.0, CLEAR)}
    )
    colour_strength: tuple[float, float] = (0.7, 1.3)
    shape: Triple = (1.0, 1.0, 1.0)
    cleavage: tuple[tuple[Hkl, float], ...] = ()
    cleavage_um: tuple[float, float] = (40.0, 90.0)
    twins: tuple[Twin, ...] = ()
    alteration: tuple[Alteration, ...] = ()
    start: float = 0.0
    size: float = 1.0
    rounded: float = 0.4  # share of grains without faces
    cracks: float = 0.0  # 0..1
    strain_deg: float = 0.0  # undulose extinction
    mottling_deg: float = 0.0  # bird's-eye extinction
    zoning_deg: float = 0.0  # change of extinction angle from core to rim, if not from composition
    tartan_deg: float = 0.0  # tartan twinning of microcline
    tartan_share: float = 0.5  # of the specimens
    exsolution_deg: float = 0.0  # lamellae parallel to (100)
    platy: bool = False  # whether a foliation aligns its sheets
    microlite: tuple[float, float] = (0.6, 0.6)
    haloes: float = 0.0  # dark haloes around zircon, per 0.01 mm2
    sources: str = ""
