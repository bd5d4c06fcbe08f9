"""
Rock recipes: which minerals accompany a labelled one, and their fabric.

The shares are of the area not covered by the labelled mineral. They are typical modes, not measured
ones; compositions are those common in such rocks (anorthite of plagioclase, fayalite of olivine).
"""

from dataclasses import dataclass, field, replace

from thinsection.render.minerals import MINERALS


@dataclass(frozen=True)
class Rock:
    """
    A recipe.

    Attributes
    ----------
    minerals : share of each in the whole rock; the labelled one is left out and the rest scaled
    composition : if it differs from the mineral's own range
    groundmass : shares of a fine groundmass between phenocrysts; empty for grains that touch
    foliation : 0 none .. 1 micas nearly parallel
    """

    minerals: dict[str, float]
    composition: dict[str, tuple[float, float]] = field(default_factory=dict)
    groundmass: dict[str, float] = field(default_factory=dict)
    foliation: float = 0.0


LAVA = {"plagioclase": 0.66, "augite": 0.20, "opaque": 0.11, "olivine": 0.03}

_RECIPES: dict[str, Rock] = {
    "gabbro": Rock(
        {
            "plagioclase": 0.5,
            "augite": 0.3,
            "olivine": 0.08,
            "orthopyroxene": 0.1,
            "opaque": 0.06,
            "hornblende": 0.04,
        },
        {"plagioclase": (0.50, 0.75)},
    ),
    "oxide gabbro": Rock(
        {"plagioclase": 0.45, "augite": 0.3, "opaque": 0.25}, {"plagioclase": (0.40, 0.60)}
    ),
    "norite": Rock(
        {"plagioclase": 0.55, "orthopyroxene": 0.35, "augite": 0.08, "opaque": 0.04},
        {"plagioclase": (0.50, 0.75)},
    ),
    "olivine gabbro": Rock(
        {"plagioclase": 0.5, "augite": 0.25, "olivine": 0.25, "opaque": 0.06},
        {"plagioclase": (0.55, 0.80), "olivine": (0.15, 0.35)},
    ),
    "basalt": Rock(
        {"plagioclase": 0.4, "augite": 0.3, "olivine": 0.2, "opaque": 0.06},
        {"plagioclase": (0.50, 0.75), "olivine": (0.12, 0.30)},
        groundmass=LAVA,
    ),
    "pyroxenite": Rock(
        {
            "augite": 0.5,
            "orthopyroxene": 0.25,
            "olivine": 0.2,
            "plagioclase": 0.06,
            "opaque": 0.05,
        },
        {"plagioclase": (0.60, 0.85)},
    ),
    "peridotite": Rock(
        {
            "olivine": 0.6,
            "orthopyroxene": 0.2,
            "augite": 0.14,
            "opaque": 0.04,
            "plagioclase": 0.02,
        },
        {"olivine": (0.06, 0.13), "plagioclase": (0.70, 0.90)},
    ),
    "anorthosite": Rock(
        {
            "plagioclase": 0.85,
            "augite": 0.06,
            "orthopyroxene": 0.03,
            "olivine": 0.04,
            "opaque": 0.02,
        },
        {"plagioclase": (0.45, 0.70)},
    ),
    "andesite": Rock(
        {
            "plagioclase": 0.6,
            "augite": 0.15,
            "hornblende": 0.12,
            "biotite": 0.04,
            "opaque": 0.06,
        },
        {"plagioclase": (0.35, 0.55)},
        groundmass=LAVA,
    ),
    "granodiorite": Rock(
        {
            "plagioclase": 0.45,
            "quartz": 0.25,
            "biotite": 0.12,
            "hornblende": 0.08,
            "k-feldspar": 0.1,
        },
        {"plagioclase": (0.18, 0.38)},
    ),
    "granite": Rock(
        {
            "quartz": 0.34,
            "k-feldspar": 0.3,
            "plagioclase": 0.22,
            "biotite": 0.1,
            "muscovite": 0.03,
            "opaque": 0.01,
        },
        {"plagioclase": (0.08, 0.25)},
    ),
    "syenite": Rock(
        {
            "k-feldspar": 0.7,
            "plagioclase": 0.12,
            "hornblende": 0.1,
            "biotite": 0.05,
            "opaque": 0.03,
        },
        {"plagioclase": (0.10, 0.28)},
    ),
    "diorite": Rock(
        {
            "plagioclase": 0.5,
            "hornblende": 0.25,
            "biotite": 0.15,
            "quartz": 0.07,
            "opaque": 0.03,
        },
        {"plagioclase": (0.32, 0.50)},
    ),
    "mica schist": Rock(
        {
            "quartz": 0.45,
            "biotite": 0.22,
            "muscovite": 0.18,
            "plagioclase": 0.1,
            "garnet": 0.05,
        },
        {"plagioclase": (0.12, 0.30)},
        foliation=0.75,
    ),
    "amphibolite": Rock(
        {"hornblende": 0.6, "plagioclase": 0.3, "quartz": 0.04, "garnet": 0.04, "opaque": 0.02},
        {"plagioclase": (0.30, 0.50)},
    ),
    "garnet gneiss": Rock(
        {"garnet": 0.3, "quartz": 0.35, "plagioclase": 0.2, "biotite": 0.15},
        {"plagioclase": (0.20, 0.40)},
        foliation=0.5,
    ),
    "quartzite": Rock({"quartz": 0.9, "muscovite": 0.06, "opaque": 0.02, "k-feldspar": 0.04}),
    "marble": Rock({"calcite": 0.92, "quartz": 0.04, "muscovite": 0.03, "opaque": 0.01}),
}


def _with_those_that_join(name: str, rock: Rock) -> Rock:
    joining = {m.name: m.joins[name] for m in MINERALS.values() if name in m.joins}
    return replace(rock, minerals=rock.minerals | joining)


ROCKS = {name: _with_those_that_join(name, rock) for name, rock in _RECIPES.items()}
