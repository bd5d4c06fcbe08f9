"""What clean crystals lack: each flaw does what it is named for, and no other photo changes."""

import numpy as np
import pytest
from scipy.ndimage import minimum_filter

from thinsection.base.arrays import Floats
from thinsection.base.seeds import generator
from thinsection.render.field import Photo, View, compose, flaws_of, take_photos
from thinsection.render.flaws import FLAWS, NO_FLAWS, Flaws, add_flaws, draw_flaws, stamp
from thinsection.render.light import illuminate
from thinsection.render.scene import Scene
from thinsection.render.specimen import Specimen, draw_specimen
from thinsection.render.texture import HOLE

SHAPE, PX_PER_UM, SHARE = (60, 90), 1 / 6, (0.6, 1.0)


def specimen(label: str, *flaws: str) -> Specimen:
    return draw_specimen(
        5, label, 0,
        grain_radius_um=(150, 160), alteration=0, automatic_exposure=0, colour_cast=0, flaws=flaws,
    )  # fmt: skip


def photos(label: str, *flaws: str) -> tuple[Photo, Photo]:
    views = [View("ppl"), View("xpl")]
    ppl, xpl = take_photos(specimen(label, *flaws), 0, views, width=90, height=60, share=SHARE)
    return ppl, xpl


def with_flaws(label: str, flaws: Flaws) -> tuple[Scene, Scene]:
    """A scene without and with flaws."""
    plain, worn = (compose(specimen(label), 0, SHAPE, PX_PER_UM, SHARE) for _ in range(2))
    add_flaws(worn, flaws, generator(1, "flaws"))
    return plain, worn


def test_strengths_are_those_of_the_specimen_whatever_else_is_chosen() -> None:
    drawn = draw_flaws(generator(1, "a"), FLAWS)
    assert all(getattr(drawn, name) > 0 for name in FLAWS)
    assert draw_flaws(generator(1, "a"), ["pits"]) == Flaws(pits=drawn.pits)
    assert draw_flaws(generator(1, "a"), []) == NO_FLAWS
    assert flaws_of(specimen("quartz", "pits")) == flaws_of(specimen("quartz", "pits"))


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_changes_the_photo_and_not_what_is_where(flaw: str) -> None:
    label = "biotite" if flaw == "mottling" else "quartz"
    plain, worn = photos(label), photos(label, flaw)
    same = plain[1].minerals == worn[1].minerals
    assert (same | (worn[1].minerals == HOLE)).all()
    assert same.all() or flaw == "resin"
    assert not np.array_equal(plain[1].pixels, worn[1].pixels)
    assert np.array_equal(photos(label, flaw)[1].pixels, worn[1].pixels)


def test_extinction_sweeps_through_strained_grains_and_spots_micas() -> None:
    plain, worn = with_flaws("quartz", Flaws(undulose=6.0))
    grain = np.bincount(worn.fabric.grain.ravel()).argmax()
    inside = worn.fabric.grain == grain
    swept = np.degrees((worn.twist - plain.twist)[inside])
    assert 0.2 < np.std(swept) < 20
    # smooth: neighbouring pixels differ by much less than the grain does
    assert np.abs(np.diff(np.degrees(worn.twist - plain.twist), axis=1)[inside[:, 1:]]).mean() < 2
    _, mottled = with_flaws("biotite", Flaws(mottling=3.0))
    assert np.degrees(mottled.twist.std()) > 1
    _, quartz = with_flaws("quartz", Flaws(mottling=3.0))
    where = quartz.minerals == np.bincount(quartz.minerals.ravel()).argmax()
    assert np.abs(quartz.twist - plain.twist)[where].max() == 0


def test_inclusions_lie_in_the_field_and_are_as_many_as_drawn() -> None:
    def dark(number: float) -> Floats:
        plain, worn = with_flaws("quartz", Flaws(inclusions=number))
        return worn.density - plain.density

    assert dark(0).max() == 0
    assert dark(4).sum() < dark(16).sum() < 8 * dark(4).sum()
    plain, worn = with_flaws("quartz", Flaws(pits=3.0))
    assert (worn.thickness <= plain.thickness).all()
    assert worn.gap.sum() > plain.gap.sum()


def test_a_point_is_a_bell_as_high_and_wide_as_drawn_cut_off_at_the_edge() -> None:
    once, twice = np.zeros((2, 9, 11), np.float32)
    twice[3, 5] = 5
    y, x, radius = np.array([3.0, 0.0]), np.array([5.0, 10.0]), np.array([2.0, 0.3])
    stamp(y, x, radius, (once, np.array([0.5, 1.0])), (twice, np.array([1.0, 2.0])))
    assert once[3, 5] == 0.5
    assert once[5, 5] == once[3, 7] == pytest.approx(0.5 / np.e)  # a radius from the middle
    assert once[0, 10] == pytest.approx(0.25)  # half as wide as what is drawn: a quarter as high
    assert twice[3, 5] == 5  # raised, never lowered
    assert twice[5, 5] == pytest.approx(1 / np.e)
    assert once[8].max() == 0  # farther than is drawn


def test_stray_light_lifts_the_black_and_faint_outlines_are_fainter() -> None:
    plain, worn = photos("garnet")[1].pixels, photos("garnet", "stray_light")[1].pixels
    assert np.percentile(worn, 5) > np.percentile(plain, 5)
    even = compose(specimen("quartz"), 0, SHAPE, PX_PER_UM, SHARE).gap
    faint = compose(specimen("quartz", "outlines"), 0, SHAPE, PX_PER_UM, SHARE).gap
    assert faint.sum() < 0.9 * even.sum()


def test_holes_are_dark_between_crossed_polarisers_and_in_the_map_no_mineral() -> None:
    scene = compose(specimen("olivine"), 0, SHAPE, PX_PER_UM, SHARE)
    add_flaws(scene, Flaws(resin=1.0), generator(1, "flaws"))
    hole = scene.minerals == HOLE
    assert 0.005 < hole.mean() < 0.3
    scene.dye = 0.0
    matrix = scene.specimen.camera.matrix
    crossed, plane = (
        illuminate(scene, matrix, 0.0, crossed=each, defocus=2.0) for each in (True, False)
    )
    inside = minimum_filter(hole, 3)
    assert crossed[inside].max() < 0.01 < crossed[~hole].mean()
    assert np.allclose(
        np.median(plane[inside], axis=0), 1, atol=0.1
    )  # as bright as without a section
    scene.dye = 1.0
    red, _, blue = np.median(
        illuminate(scene, matrix, 0.0, crossed=False, defocus=2.0)[inside], axis=0
    )
    assert blue > 3 * red


def test_soft_focus_takes_away_detail() -> None:
    sharp, soft = photos("olivine")[0].pixels, photos("olivine", "soft_focus")[0].pixels
    detail = [np.abs(np.diff(each.astype(float), axis=1)).mean() for each in (sharp, soft)]
    assert detail[1] < detail[0]
