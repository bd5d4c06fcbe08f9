"""
A field of view before illumination: the crystal at each pixel, and its damage.

A *segment* is one crystal orientation of one substance: a grain, one of its twin domains or an
alteration product. The optics are computed once for each segment; pixels only look them up.
"""

from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np

from thinsection.base.arrays import Bools, Bytes, Floats, Ints
from thinsection.render.fields import Rulings, noise
from thinsection.render.optics import Sections, sections
from thinsection.render.specimen import Specimen
from thinsection.render.texture import HOLE, SPECIES, Fabric, Grains


@dataclass
class Segments:
    """A growing list of crystal orientations."""

    indices: list[Floats] = field(default_factory=list)  # (k, 3) each
    axes: list[Floats] = field(default_factory=list)  # (k, 3, 3) each, rows X, Y, Z on the stage
    colour: list[Ints] = field(default_factory=list)  # (k,) each, place in ``absorbances``
    absorbances: list[Floats] = field(default_factory=list)  # (3, n_wavelengths) each
    count: int = 0

    def add(self, indices: Floats, axes: Floats, absorbance: Floats) -> int:
        """Append ``k`` orientations of one substance; returns the index of the first."""
        first, k = self.count, len(axes)
        self.indices.append(np.broadcast_to(indices, (k, 3)))
        self.axes.append(axes)
        self.colour.append(np.full(k, len(self.absorbances)))
        self.absorbances.append(absorbance)
        self.count += k
        return first

    def cut(self, wanted: Ints) -> tuple[Sections, Floats, Floats]:
        """Sections of the ``wanted`` segments and their absorbance along slow and fast wave."""
        found = sections(np.concatenate(self.indices)[wanted], np.concatenate(self.axes)[wanted])
        curves = np.array(self.absorbances)[np.concatenate(self.colour)[wanted]]  # (n, 3, wl)
        slow = np.einsum("ni,niw->nw", found.slow_weights, curves)
        fast = np.einsum("ni,niw->nw", found.fast_weights, curves)
        return found, slow, fast


@dataclass(frozen=True)
class Patch:
    """
    The pixels of one mineral, as flat lists.

    Attributes
    ----------
    pixels : (n_pixels,) flat index
    grain : (n_pixels,) row of Grains
    x, y : (n_pixels,) float32 px
    fine, medium, broad : (n_pixels,) the scene's noise
    """

    pixels: Ints
    grain: Ints
    x: Floats
    y: Floats
    fine: Floats
    medium: Floats
    broad: Floats

    def __len__(self) -> int:
        return len(self.pixels)

    def where(self, chosen: Bools) -> "Patch":
        """The chosen pixels of the patch, (n_pixels,) bool."""
        return Patch(*(getattr(self, each.name)[chosen] for each in fields(self)))


@dataclass
class Scene:
    """
    Everything that affects the light; pixel arrays are (h, w).

    Attributes
    ----------
    px_per_um : scale
    segment : int32, place in ``segments``
    twist : difference of the extinction position from the segment's, radians
    thickness : share of the section's thickness that remains
    gap : 0..1, cracks and cleavage
    density : neutral optical density (base e) of dust and ore
    halo : extra absorption, as a share of the mineral's own
    altered, product, amount : flat indices of altered pixels, the segments of the products, and
        the altered share of the thickness
    speckle : flat indices of sericite pixels
    resin : 0..1, holes filled with it
    dye : strength of the resin's blue
    x, y : (1, w), (h, 1) pixel coordinates
    fine, medium, broad : noise at three scales
    """

    specimen: Specimen
    px_per_um: float
    grains: Grains
    fabric: Fabric
    rulings: Rulings
    rng: np.random.Generator
    segments: Segments
    segment: Ints
    twist: Floats
    thickness: Floats
    gap: Floats
    density: Floats
    halo: Floats
    x: Floats
    y: Floats
    fine: Floats
    medium: Floats
    broad: Floats
    altered: list[Ints] = field(default_factory=list)
    product: list[Ints] = field(default_factory=list)
    amount: list[Floats] = field(default_factory=list)
    speckle: list[Ints] = field(default_factory=list)
    resin: Floats | None = None  # None: there are no holes
    dye: float = 0.0
    _patches: dict[str, "Patch"] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.segment.shape

    @cached_property
    def _larger(self) -> Bytes:
        """(h * w,) uint8 like ``minerals``, 255 in the groundmass."""
        species = np.where(self.grains.radius > 0, self.grains.species, 255).astype(np.uint8)
        return species[self.fabric.grain.ravel()]

    @property
    def minerals(self) -> Bytes:
        """(h, w) uint8 place of each pixel's mineral in SPECIES, altered ones as fresh, or HOLE."""
        found: Bytes = self.grains.species.astype(np.uint8)[self.fabric.grain]
        if self.resin is not None:
            found[self.resin > 0.5] = HOLE
        return found

    def share_of(self, mineral: str) -> float:
        """Share of the area that a mineral covers."""
        return float(np.mean(self.minerals == SPECIES.index(mineral)))

    def patch_of(self, mineral: str) -> "Patch":
        """The pixels of a mineral's larger grains; the groundmass has no features."""
        if mineral not in self._patches:
            grain = self.fabric.grain.ravel()
            pixels = np.flatnonzero(self._larger == SPECIES.index(mineral))
            rows, columns = np.divmod(pixels.astype(np.int32), np.int32(self.shape[1]))
            self._patches[mineral] = Patch(
                pixels,
                grain[pixels],
                columns.astype(np.float32),
                rows.astype(np.float32),
                *(each.ravel()[pixels] for each in (self.fine, self.medium, self.broad)),
            )
        return self._patches[mineral]

    def across(self, normal: Floats, patch: "Patch") -> tuple[Floats, Floats]:
        """
        Position of pixels across the traces of planes.

        Parameters
        ----------
        normal : (n_grains, 3) on the stage

        Returns
        -------
        position : (n_pixels,) px from the grain's centre, along the trace's normal
        slope : (n_grains,) sine of the angle between plane and section; traces are 1/slope as far
            apart as the planes
        """
        slope = np.hypot(normal[:, 0], normal[:, 1])
        flat = normal[:, :2] / np.maximum(slope, 1e-3)[:, None]
        zero = np.einsum("ni,ni->n", flat, self.grains.centre)
        to_x, to_y, zero = (np.ascontiguousarray(v, np.float32) for v in (*flat.T, zero))
        position = np.take(to_x, patch.grain)
        position *= patch.x
        down = np.take(to_y, patch.grain)
        down *= patch.y
        position += down
        position -= np.take(zero, patch.grain)
        return position, slope

    def along(self, normal: Floats, patch: "Patch") -> Floats:
        """(n_pixels,) position of pixels along the traces of planes, px."""
        turned = np.stack([-normal[:, 1], normal[:, 0], normal[:, 2]], axis=1)
        return self.across(turned, patch)[0]

    def normals(self, crystal: Floats) -> Floats:
        """(n_grains, 3) on the stage, of a direction (3,) in the crystal frame."""
        return self.grains.rotation @ crystal


def bare_scene(
    specimen: Specimen, grains: Grains, fabric: Fabric, px_per_um: float, rng: np.random.Generator
) -> Scene:
    """Grains after growth, one segment each, not yet damaged or altered."""
    shape = fabric.grain.shape
    radius = float(np.median(grains.radius[grains.radius > 0]))
    scene = Scene(
        specimen=specimen,
        px_per_um=px_per_um,
        grains=grains,
        fabric=fabric,
        rulings=Rulings.draw(rng),
        rng=rng,
        segments=Segments(),
        segment=np.zeros(shape, np.int32),
        twist=np.zeros(shape, np.float32),
        thickness=np.ones(shape, np.float32),
        gap=np.zeros(shape, np.float32),
        density=np.zeros(shape, np.float32),
        halo=np.zeros(shape, np.float32),
        x=np.arange(shape[1], dtype=np.float32)[None],
        y=np.arange(shape[0], dtype=np.float32)[:, None],
        fine=noise(shape, 9 * px_per_um, rng),
        medium=noise(shape, 0.6 * radius, rng, 2),
        broad=noise(shape, 2.5 * radius, rng, 2),
    )
    first = np.zeros(len(grains), np.int32)
    for number in np.unique(grains.species):
        rows = np.flatnonzero(grains.species == number)
        character = specimen.characters[SPECIES[number]]
        axes = character.axes @ np.swapaxes(grains.rotation[rows], 1, 2)
        start = scene.segments.add(character.indices, axes, character.absorbance)
        first[rows] = start + np.arange(len(rows))
    scene.segment = first[fabric.grain]
    return scene
