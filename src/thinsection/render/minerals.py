"""
The minerals: one table with one entry per species, nothing computed.

An entry is all that a species needs: names, maps, rocks and the chart follow from this table.
``mineral.py`` explains the fields.

Indices are for 589 nm, absorbances base e for 30 micrometres at 450, 550 and 650 nm, angles in
degrees, cells in angstroms. Each entry gives its sources:

HOM  Handbook of Mineralogy data sheets          MIN  MINTS mineral pages, Univ. Western Cape
SMI  Smith College petrographic data files       GRI  Gribble & Hall, Optical Mineralogy
ROM  ROM databank of polarised-light images      BRO  Brock University optical mineralogy
TOR  University of Toronto petrographic atlas    TRO  Troeger, optical determination tables
CELL Brown et al. 2016 (plagioclase cells)       INV  invented: no source was found

Every absorbance is [INV]: it was chosen to give the colours that the sources describe. Crack
density, order of growth, spacing of twins and tendency to alter are [INV] as well.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from thinsection.base.errors import InputError
from thinsection.render.mineral import PLAGIOCLASE_AXES, Alteration, Mineral, Twin

_ENTRIES = (
    Mineral(
        name="augite",
        system="monoclinic",
        cell=(9.70, 8.84, 5.27, 90.0, 106.9, 90.0),
        indices=((1.684, 1.6900, 1.7080), (1.714, 1.7210, 1.7440)),
        two_v_deg=(25, 61),
        axes=("a*", "b", "c"),
        tilt_deg=(39, 48),
        colours={
            "clear": (0.30, ((0.06, 0.04, 0.03),) * 3),
            "brown": (0.32, ((0.22, 0.13, 0.09), (0.28, 0.19, 0.11), (0.20, 0.13, 0.10))),
            "green": (0.23, ((0.18, 0.07, 0.13), (0.20, 0.12, 0.12), (0.24, 0.09, 0.17))),
            "titanian": (0.15, ((0.28, 0.26, 0.14), (0.40, 0.46, 0.20), (0.34, 0.27, 0.17))),
        },
        faces=(
            ((1, 1, 0), 1.0),
            ((1, -1, 0), 1.0),
            ((1, 0, 0), 0.95),
            ((0, 1, 0), 1.0),
            ((1, 1, -1), 1.6),
            ((1, -1, -1), 1.6),
        ),
        shape=(0.9, 0.9, 1.25),
        cleavage=(((1, 1, 0), 0.62), ((1, -1, 0), 0.62)),
        cleavage_um=(60, 130),
        twins=(Twin("100", (1, 0, 0), 0.18), Twin("100", (1, 0, 0), 0.07, (25, 60))),
        alteration=(Alteration("uralite", "patches", 0.5),),
        cracks=0.45,
        zoning_deg=8,
        exsolution_deg=9,
        found_in={"gabbro": 0.45, "basalt": 0.33, "pyroxenite": 0.22},
        map_colour="#5b8c3a",
        microlite=(0.75, 0.6),
        sources="HOM SMI GRI",
    ),
    Mineral(
        name="biotite",
        system="monoclinic",
        cell=(5.34, 9.26, 10.20, 90.0, 100.0, 90.0),
        indices=((1.565, 1.6010, 1.6018), (1.610, 1.6640, 1.6650)),
        two_v_deg=(145, 180),
        axes=("c*", "b", "a"),
        tilt_deg=(-3, 3),
        colours={
            "brown": (0.50, ((0.55, 0.20, 0.10), (3.70, 2.10, 1.00), (3.90, 2.20, 1.05))),
            "red": (0.22, ((0.55, 0.22, 0.10), (4.00, 2.40, 0.70), (4.20, 2.50, 0.75))),
            "green": (0.15, ((0.50, 0.16, 0.18), (3.05, 1.40, 1.60), (3.20, 1.45, 1.70))),
            "pale": (0.13, ((0.25, 0.08, 0.05), (1.60, 0.72, 0.34), (1.70, 0.75, 0.35))),
        },
        faces=(((0, 0, 1), 0.34), ((0, 1, 0), 1.0), ((1, 1, 0), 1.0), ((1, -1, 0), 1.0)),
        shape=(1.0, 1.0, 0.3),
        cleavage=(((0, 0, 1), 0.95),),
        cleavage_um=(18, 45),
        alteration=(Alteration("chlorite", "lamellae", 0.6),),
        start=0.05,
        rounded=0.2,
        cracks=0.03,
        mottling_deg=1.8,
        haloes=0.25,
        found_in={"granite": 0.45, "mica schist": 0.33, "diorite": 0.22},
        map_colour="#7a4a1e",
        platy=True,
        sources="MIN TOR",
    ),
    Mineral(
        name="olivine",
        system="orthorhombic",
        cell=(4.78, 10.25, 6.00, 90.0, 90.0, 90.0),
        # Y of fayalite is 1.869; 1.861 gives 2V = 90 near 13 % fayalite, as in [MIN]
        indices=((1.635, 1.651, 1.670), (1.827, 1.861, 1.879)),
        two_v_deg=(82, 134),
        axes=("b", "c", "a"),
        composition=(0.06, 0.35),  # fayalite
        colours={"olivine": (1.0, ((0.04, 0.012, 0.02),) * 3)},
        faces=(
            ((1, 1, 0), 1.0),
            ((1, -1, 0), 1.0),
            ((0, 1, 0), 1.05),
            ((0, 2, 1), 1.15),
            ((0, 2, -1), 1.15),
            ((1, 0, 1), 1.25),
            ((1, 0, -1), 1.25),
        ),
        shape=(1.0, 1.0, 1.2),
        cleavage=(((0, 1, 0), 0.1),),
        alteration=(
            Alteration("serpentine", "veins", 0.5),
            Alteration("iddingsite", "rims", 0.4),
        ),
        start=-0.2,
        rounded=0.5,
        cracks=1.0,
        strain_deg=2.0,
        found_in={"peridotite": 0.42, "olivine gabbro": 0.23, "basalt": 0.35},
        map_colour="#b8c832",
        sources="MIN TRO",
    ),
    Mineral(
        name="plagioclase",
        system="triclinic",
        cell=(8.17, 12.86, 7.11, 93.6, 116.2, 90.0),
        indices=((1.5286, 1.5326, 1.5388), (1.5755, 1.5835, 1.5885)),
        two_v_deg=(75, 105),
        axes=PLAGIOCLASE_AXES,
        composition=(0.10, 0.90),  # anorthite
        colours={"clear": (1.0, ((0.012, 0.010, 0.010),) * 3)},
        faces=(
            ((0, 1, 0), 0.42),
            ((0, 0, 1), 0.8),
            ((1, 0, 0), 1.5),
            ((1, 1, 0), 1.2),
            ((1, -1, 0), 1.2),
        ),
        shape=(1.2, 0.5, 1.3),
        cleavage=(((0, 0, 1), 0.6), ((0, 1, 0), 0.4)),
        cleavage_um=(45, 110),
        twins=(
            Twin("010", (0, 1, 0), 0.92, (5, 26)),
            Twin("c", (0, 1, 0), 0.35),
            Twin("b", (0, 0, 1), 0.15, (15, 50)),
        ),
        alteration=(Alteration("sericite", "dust", 0.8),),
        start=-0.12,
        cracks=0.14,
        found_in={"anorthosite": 0.38, "andesite": 0.3, "granodiorite": 0.32},
        map_colour="#9fb4c8",
        microlite=(1.9, 0.36),
        sources="GRI BRO CELL",
    ),
    Mineral(
        name="quartz",
        system="trigonal",
        cell=(4.913, 4.913, 5.405, 90.0, 90.0, 120.0),
        indices=((1.5442, 1.5442, 1.5533),) * 2,
        two_v_deg=(0, 0),
        axes=("a*", "b", "c"),
        colours={"clear": (1.0, ((0.0, 0.0, 0.0),) * 3)},
        faces=(((1, 0, 0), 1.0), ((0, 1, 0), 1.0), ((1, -1, 0), 1.0), ((1, 0, 1), 1.1)),
        start=0.35,
        rounded=1.0,
        cracks=0.15,
        strain_deg=3.5,
        found_in={"granite": 0.4, "quartzite": 0.35, "mica schist": 0.25},
        map_colour="#e8e4d8",
        sources="BRO",
    ),
    Mineral(
        name="orthopyroxene",
        system="orthorhombic",
        cell=(18.23, 8.82, 5.19, 90.0, 90.0, 90.0),
        indices=((1.6540, 1.6565, 1.6635), (1.6980, 1.7036, 1.7131)),
        two_v_deg=(55, 90),
        axes=("b", "a", "c"),
        composition=(0.0, 0.5),
        colours={
            "magnesian": (0.6, ((0.05, 0.05, 0.02), (0.05, 0.04, 0.03), (0.05, 0.03, 0.04))),
            "pink-green": (0.4, ((0.12, 0.17, 0.05), (0.14, 0.11, 0.07), (0.16, 0.07, 0.13))),
        },
        faces=(
            ((2, 1, 0), 1.0),
            ((2, -1, 0), 1.0),
            ((1, 0, 0), 0.95),
            ((0, 1, 0), 0.95),
            ((2, 1, 1), 1.6),
            ((2, -1, 1), 1.6),
        ),
        shape=(0.9, 0.9, 1.4),
        cleavage=(((2, 1, 0), 0.62), ((2, -1, 0), 0.62)),
        cleavage_um=(60, 130),
        alteration=(Alteration("bastite", "patches", 0.5),),
        cracks=0.45,
        exsolution_deg=6,
        found_in={"norite": 0.5, "pyroxenite": 0.3, "peridotite": 0.2},
        map_colour="#8a9a5b",
        sources="SMI ROM TOR",
    ),
    Mineral(
        name="hornblende",
        system="monoclinic",
        cell=(9.87, 18.06, 5.31, 90.0, 105.0, 90.0),
        indices=((1.635, 1.6470, 1.6550), (1.670, 1.6830, 1.6920)),
        two_v_deg=(90, 165),
        axes=("a*", "b", "c"),
        tilt_deg=(14, 26),
        colours={
            "green": (0.65, ((0.60, 0.22, 0.30), (1.70, 0.75, 1.10), (1.90, 0.90, 1.50))),
            "brown": (0.35, ((0.60, 0.30, 0.25), (2.00, 1.20, 0.70), (2.40, 1.50, 0.80))),
        },
        faces=(((1, 1, 0), 1.0), ((1, -1, 0), 1.0), ((0, 1, 0), 1.05), ((0, 1, 1), 1.9)),
        shape=(0.8, 0.8, 1.8),
        cleavage=(((1, 1, 0), 0.8), ((1, -1, 0), 0.8)),
        cleavage_um=(40, 90),
        twins=(Twin("100", (1, 0, 0), 0.15),),
        alteration=(Alteration("chlorite", "patches", 0.4),),
        start=0.05,
        cracks=0.2,
        found_in={"diorite": 0.4, "amphibolite": 0.6},
        map_colour="#1f5b46",
        sources="GRI HOM ROM",
    ),
    Mineral(
        name="muscovite",
        system="monoclinic",
        cell=(5.20, 9.00, 20.10, 90.0, 95.8, 90.0),
        indices=((1.556, 1.5890, 1.5938), (1.570, 1.6060, 1.6110)),
        two_v_deg=(133, 150),
        axes=("c*", "a", "b"),
        tilt_deg=(-2, 2),
        faces=(((0, 0, 1), 0.3), ((0, 1, 0), 1.0), ((1, 1, 0), 1.0), ((1, -1, 0), 1.0)),
        shape=(1.0, 1.0, 0.26),
        cleavage=(((0, 0, 1), 0.95),),
        cleavage_um=(18, 45),
        start=0.05,
        rounded=0.2,
        cracks=0.02,
        mottling_deg=1.6,
        found_in={"mica schist": 0.6, "granite": 0.4},
        map_colour="#d9c27a",
        platy=True,
        sources="HOM MIN TOR",
    ),
    Mineral(
        name="k-feldspar",
        system="monoclinic",
        cell=(8.60, 12.97, 7.20, 90.0, 116.0, 90.0),
        indices=((1.5185, 1.5226, 1.5246),) * 2,
        two_v_deg=(105, 145),
        axes=("a", "c*", "b"),
        tilt_deg=(-13, -5),  # X turns from a towards c, inside the obtuse angle
        colours={"dusty": (1.0, ((0.03, 0.025, 0.02),) * 3)},
        faces=(((0, 1, 0), 0.7), ((0, 0, 1), 0.9), ((1, 0, 0), 1.3), ((1, 1, 0), 1.2)),
        shape=(1.2, 0.8, 1.1),
        cleavage=(((0, 0, 1), 0.42), ((0, 1, 0), 0.3)),
        cleavage_um=(50, 130),
        twins=(Twin("c", (0, 1, 0), 0.3),),
        alteration=(Alteration("clay", "dust", 0.9),),
        start=0.3,
        rounded=0.8,
        cracks=0.12,
        tartan_deg=15,
        found_in={"granite": 0.6, "syenite": 0.4},
        map_colour="#d89a86",
        sources="HOM TOR",
    ),
    Mineral(
        name="garnet",
        system="cubic",
        cell=(11.5, 11.5, 11.5, 90.0, 90.0, 90.0),
        indices=((1.74, 1.74, 1.74), (1.83, 1.83, 1.83)),
        two_v_deg=(0, 0),
        axes=("a", "b", "c"),
        colours={"pink": (1.0, ((0.16, 0.19, 0.08),) * 3)},
        colour_strength=(0.3, 1.3),
        faces=(
            ((1, 1, 0), 1.0),
            ((1, -1, 0), 1.0),
            ((1, 0, 1), 1.0),
            ((1, 0, -1), 1.0),
            ((0, 1, 1), 1.0),
            ((0, 1, -1), 1.0),
        ),
        start=-0.3,
        rounded=0.3,
        cracks=0.9,
        found_in={"garnet gneiss": 0.6, "mica schist": 0.4},
        map_colour="#a8273f",
        sources="ROM HOM",
    ),
    Mineral(
        name="calcite",
        system="trigonal",
        cell=(4.99, 4.99, 17.06, 90.0, 90.0, 120.0),
        indices=((1.486, 1.658, 1.658),) * 2,
        two_v_deg=(180, 180),
        axes=("c", "a*", "b"),
        colours={"clear": (1.0, ((0.02, 0.015, 0.015),) * 3)},
        faces=(((1, 0, 4), 1.0), ((0, 1, -4), 1.0), ((1, -1, -4), 1.0)),
        cleavage=(((1, 0, 4), 0.85), ((0, 1, -4), 0.85), ((1, -1, -4), 0.85)),
        cleavage_um=(50, 110),
        twins=(Twin("018", (0, 1, 8), 0.45, (15, 45)),),
        start=0.3,
        rounded=0.8,
        cracks=0.1,
        found_in={"marble": 1.0},
        map_colour="#7fd0d8",
        sources="HOM",
    ),
    Mineral(
        name="opaque",
        system="cubic",
        cell=(8.4, 8.4, 8.4, 90.0, 90.0, 90.0),
        indices=((2.4, 2.4, 2.4),) * 2,
        two_v_deg=(0, 0),
        axes=("a", "b", "c"),
        colours={"black": (1.0, ((12.0, 12.0, 12.0),) * 3)},
        faces=(((1, 1, 1), 1.0), ((1, 1, -1), 1.0), ((1, -1, 1), 1.0), ((-1, 1, 1), 1.0)),
        start=-0.25,
        size=0.6,
        rounded=0.4,
        found_in={"oxide gabbro": 0.7, "pyroxenite": 0.3},
        map_colour="#101010",
        microlite=(0.5, 0.5),
        sources="ROM",
    ),
    Mineral(
        name="microcline",
        system="triclinic",
        # of the original monoclinic crystal, which the twins preserve on average
        cell=(8.58, 12.96, 7.21, 90.0, 116.0, 90.0),
        indices=((1.5180, 1.5220, 1.5250),) * 2,
        two_v_deg=(92, 115),
        axes=("a", "c*", "b"),
        tilt_deg=(-8, -2),
        colours={"dusty": (1.0, ((0.03, 0.025, 0.02),) * 3)},
        faces=(((0, 1, 0), 0.7), ((0, 0, 1), 0.9), ((1, 0, 0), 1.3), ((1, 1, 0), 1.2)),
        shape=(1.2, 0.8, 1.1),
        cleavage=(((0, 0, 1), 0.42), ((0, 1, 0), 0.3)),
        cleavage_um=(50, 130),
        alteration=(Alteration("clay", "dust", 0.9),),
        start=0.3,
        rounded=0.8,
        cracks=0.12,
        tartan_deg=15,
        tartan_share=1.0,
        found_in={"granite": 0.6, "syenite": 0.4},
        map_colour="#c2674f",
        sources="HOM TOR",
    ),
)

MINERALS: dict[str, Mineral] = {mineral.name: mineral for mineral in _ENTRIES}


def check_minerals(names: Iterable[str], where: str) -> None:
    """
    Stop if a name is not in the table.

    Raises
    ------
    InputError
        With every unknown name.
    """
    if problems := unknown_minerals(names):
        raise InputError.of_all(where, problems)


def unknown_minerals(names: Iterable[str]) -> list[str]:
    """A message for each name that is not in the table."""
    return [_unknown(name) for name in names if name not in MINERALS]


def _unknown(name: str) -> str:
    close = get_close_matches(name, MINERALS, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"{name!r} is not a known mineral; allowed: {', '.join(MINERALS)}.{hint}"
