"""A specimen: one rock with one thickness under one microscope."""

from dataclasses import dataclass, field

import numpy as np

from thinsection.base.arrays import Floats
from thinsection.base.seeds import generator
from thinsection.render.camera import Camera, draw_camera
from thinsection.render.colour import absorbance
from thinsection.render.crystals import indicatrix
from thinsection.render.mineral import Mineral
from thinsection.render.minerals import MINERALS
from thinsection.render.rocks import ROCKS


@dataclass(frozen=True)
class Character:
    """
    The properties of a mineral in one specimen.

    Attributes
    ----------
    composition : 0..1
    indices : (3,) of X, Y, Z
    axes : (3, 3) rows X, Y, Z in the crystal frame
    absorbance : (3, n_wavelengths) along X, Y, Z
    product : its alteration product, or "" if fresh
    where : where it alters
    features : features of the table that this specimen shows, e.g. tartan, exsolution
    """

    composition: float
    indices: Floats
    axes: Floats
    absorbance: Floats
    product: str
    where: str
    features: frozenset[str]


@dataclass(frozen=True)
class Specimen:
    """
    The properties shared by all fields of view of one thin section.

    Attributes
    ----------
    label : the labelled mineral; empty for a whole section, which shows a rock as it is (sections.py)
    number : from 0, among the specimens of the label
    rock : name of a recipe
    radius_um : median grain radius
    thickness_um : of the section
    alteration : 0 fresh .. 1 strongly altered
    foliation_rad : azimuth of the foliation's normal
    modes : mineral -> share of each, where the rock's own are not to be taken
    """

    seed: int
    label: str
    number: int
    rock: str
    radius_um: float
    thickness_um: float
    alteration: float
    foliation_rad: float
    characters: dict[str, Character]
    camera: Camera
    flaws: frozenset[str] = frozenset()  # kinds; how much of each: flaws.draw_flaws
    modes: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Unique in the data set."""
        return f"{self.label or self.rock.replace(' ', '-')}-{self.number:02d}"


def draw_specimen(
    seed: int,
    label: str,
    number: int,
    *,
    grain_radius_um: tuple[float, float],
    alteration: float,
    automatic_exposure: float,
    colour_cast: float,
    flaws: tuple[str, ...] = (),
    rock: str = "",
) -> Specimen:
    """
    Specimen ``number`` of a mineral, the same for the same seed.

    The camera is drawn from its own generator, independently of the rock.

    Parameters
    ----------
    rock : of a specimen without a label; of others it is drawn from those that hold the mineral
    """
    rng = generator(seed, "render", "specimen", label or rock, number)
    if label:
        hosts = MINERALS[label].found_in
        rock = str(rng.choice(list(hosts), p=list(hosts.values())))
    radius_um = float(np.exp(rng.uniform(*np.log(grain_radius_um))))
    return Specimen(
        seed=seed,
        label=label,
        number=number,
        rock=rock,
        radius_um=radius_um,
        thickness_um=float(rng.uniform(26, 34)),
        alteration=float(min(alteration * rng.beta(1.1, 2.0) * 1.5, 1)),
        foliation_rad=float(rng.uniform(0, np.pi)),
        characters={
            name: _character(seed, label or rock, number, rock, name)
            for name in MINERALS
            if name == label or name in ROCKS[rock].minerals or name in ROCKS[rock].groundmass
        },
        camera=draw_camera(
            generator(seed, "render", "camera", label or rock, number),
            automatic_exposure,
            colour_cast,
        ),
        flaws=frozenset(flaws),
    )


def _character(seed: int, label: str, number: int, rock: str, name: str) -> Character:
    rng = generator(seed, "render", "character", label, number, name)
    mineral = MINERALS[name]
    composition = float(rng.uniform(*ROCKS[rock].composition.get(name, mineral.composition)))
    indices, axes = indicatrix(mineral, composition, float(rng.uniform(*mineral.tilt_deg)))
    weights = [weight for weight, _ in mineral.colours.values()]
    kind = str(rng.choice(list(mineral.colours), p=weights))
    strength = rng.uniform(*mineral.colour_strength)
    curves = np.array([absorbance(*anchors) for anchors in mineral.colours[kind][1]])
    product, where = _alteration(mineral, rng)
    return Character(
        composition, indices, axes, curves * strength, product, where, _features(mineral, rng)
    )


def _alteration(mineral: Mineral, rng: np.random.Generator) -> tuple[str, str]:
    for alteration in mineral.alteration:
        if rng.random() < alteration.share:
            return alteration.product, alteration.where
    return "", ""


def _features(mineral: Mineral, rng: np.random.Generator) -> frozenset[str]:
    draws = dict(zip(("tartan", "exsolution", "zoning"), rng.random(3), strict=True))
    return frozenset(
        name
        for name, chance in (("tartan", mineral.tartan_share), ("exsolution", 0.4), ("zoning", 0.6))
        if draws[name] < chance and getattr(mineral, f"{name}_deg") > 0
    ) | ({"zoning"} if mineral.name == "plagioclase" and draws["zoning"] < 0.6 else frozenset())
