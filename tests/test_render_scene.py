"""Scenes and the light through them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from thinsection.base.arrays import Bytes, Floats
from thinsection.render.camera import (
    TARGET_LUMINANCE,
    Camera,
    develop,
    exposure,
    photograph,
    vignette,
)
from thinsection.render.colour import LUMINANCE
from thinsection.render.field import View, compose, scale_of, take_photos
from thinsection.render.light import illuminate
from thinsection.render.minerals import MINERALS
from thinsection.render.scene import Scene
from thinsection.render.specimen import Specimen, draw_specimen
from thinsection.render.texture import SPECIES

SIZE = {"width": 96, "height": 64}
SHAPE = (64, 96)
FRESH: dict[str, Any] = {
    "grain_radius_um": (60, 120),
    "alteration": 0.0,
    "automatic_exposure": 0.0,
    "colour_cast": 0.0,
}
ALTERED = FRESH | {"alteration": 1.0}


def scene_of(
    label: str,
    number: int = 0,
    options: dict[str, Any] = FRESH,
    share: tuple[float, float] = (0.5, 1.0),
    seed: int = 5,
) -> Scene:
    specimen = draw_specimen(seed, label, number, **options)
    return compose(specimen, 0, SHAPE, scale_of(96, 64), share)


def lit(scene: Scene, crossed: bool, polariser: float = 0.0, defocus: float = 0.0) -> Floats:
    return illuminate(scene, scene.specimen.camera.matrix, polariser, crossed, defocus)


@pytest.mark.parametrize("label", list(MINERALS))
def test_every_species_renders_in_both_lights_with_the_share_it_says(label: str) -> None:
    specimen = draw_specimen(1, label, 0, **ALTERED)
    for light in ("ppl", "xpl"):
        (photo,) = take_photos(specimen, 0, [View(light)], **SIZE, share=(0.3, 1))
        assert photo.pixels.shape == (*SHAPE, 3)
        assert photo.pixels.dtype == np.uint8
        assert photo.share == pytest.approx(np.mean(photo.minerals == SPECIES.index(label)))
        assert 0.3 <= photo.share <= 1


@pytest.mark.parametrize("label", ["augite", "plagioclase", "biotite"])
def test_nothing_changes_between_crossed_polarisers_when_the_stage_turns_by_90(label: str) -> None:
    scene = scene_of(label, options=ALTERED)
    before = lit(scene, crossed=True, polariser=0.3, defocus=2)
    after = lit(scene, crossed=True, polariser=0.3 + np.pi / 2, defocus=2)
    assert np.abs(before - after).max() < 1e-4
    between = lit(scene, crossed=True, polariser=0.3 + np.pi / 4, defocus=2)
    assert np.abs(before - between).max() > 0.1


def test_garnet_is_black_between_crossed_polarisers_at_every_angle() -> None:
    scene = scene_of("garnet")
    garnet = scene.minerals == SPECIES.index("garnet")
    assert garnet.mean() > 0.4
    for polariser in np.linspace(0, np.pi / 2, 7):
        assert lit(scene, crossed=True, polariser=polariser)[garnet].max() < 0.01


def test_opaque_grains_are_black_in_both_lights() -> None:
    scene = scene_of("opaque")
    ore = scene.minerals == SPECIES.index("opaque")
    assert lit(scene, crossed=False)[ore].max() < 0.02
    assert lit(scene, crossed=True)[ore].max() < 0.01


def test_biotite_changes_its_colour_when_the_stage_turns_and_quartz_does_not() -> None:
    scene = scene_of("biotite", share=(0.4, 0.8))
    one, other = (lit(scene, crossed=False, polariser=angle) for angle in (0, np.pi / 2))
    change = np.abs(one - other).mean(axis=-1)
    minerals = scene.minerals
    assert change[minerals == SPECIES.index("biotite")].mean() > 0.1
    rest = np.isin(minerals, [SPECIES.index(n) for n in ("quartz", "plagioclase", "k-feldspar")])
    assert change[rest].mean() < 0.03


def test_plagioclase_grains_show_twins() -> None:
    scene = scene_of("plagioclase")
    light = lit(scene, crossed=True).mean(axis=-1)
    inside = scene.minerals == SPECIES.index("plagioclase")
    grains, counts = np.unique(scene.fabric.grain[inside], return_counts=True)
    segments = [len(np.unique(scene.segment[scene.fabric.grain == g])) for g in grains]
    large = counts > 60
    assert np.mean(np.array(segments)[large] > 1) > 0.6
    assert light.max() > 0.2


def test_grain_boundaries_of_one_mineral_can_be_seen_in_plane_polarised_light() -> None:
    scene = scene_of("olivine", share=(0.7, 1.0), seed=8)
    light = lit(scene, crossed=False, defocus=2).mean(axis=-1)
    interior = np.median(light[scene.fabric.margin > 4])
    assert np.median(light[scene.fabric.margin < 0.4]) < 0.85 * interior


def test_alteration_happens_only_where_the_specimen_is_altered() -> None:
    assert not scene_of("olivine").altered
    altered = [s for s in (scene_of("olivine", n, ALTERED) for n in range(6)) if s.altered]
    assert altered
    for scene in altered:
        amount = np.concatenate(scene.amount)
        assert amount.min() > 0
        assert amount.max() <= 1
        assert ((amount > 0.1) & (amount < 0.9)).any()  # edges are soft


def test_twins_cleavage_and_colour_follow_the_crystal_when_it_is_turned_on_the_stage() -> None:
    # the same scene seen with the polariser turned back is what a turned stage shows: a section's
    # azimuth counts from the polariser alone
    scene = scene_of("hornblende")
    one, other = (lit(scene, crossed=False, polariser=0.2 + turn) for turn in (0, np.pi))
    assert np.allclose(one, other, atol=1e-5)


def test_same_seed_same_photo_other_field_other_photo() -> None:
    specimen = draw_specimen(4, "augite", 1, **ALTERED)
    again = draw_specimen(4, "augite", 1, **ALTERED)
    shot: dict[str, Any] = SIZE | {"share": (0.4, 1)}

    def pixels(specimen: Specimen, field: int) -> Bytes:
        return take_photos(specimen, field, [View("xpl")], **shot)[0].pixels

    first = pixels(specimen, 0)
    assert np.array_equal(first, pixels(again, 0))
    assert not np.array_equal(first, pixels(specimen, 1))


def test_supersampling_keeps_size_and_roughly_the_picture() -> None:
    specimen = draw_specimen(4, "quartz", 0, **FRESH)
    shot: dict[str, Any] = SIZE | {"share": (0.4, 1)}
    (photo,) = take_photos(specimen, 0, [View("ppl")], **shot, supersample=2.0)
    assert photo.pixels.shape == (*SHAPE, 3)
    assert photo.minerals.shape == SHAPE


# ---- the camera

PLAIN = Camera(
    lamp_k=3100,
    balance=1.0,
    exposure=(1.0, 1.0),
    automatic=0.0,
    blur_px=0.0,
    fall_off=0.0,
    centre=(0.0, 0.0),
    noise=0.0,
    gamma=1.0,
    saturation=1.0,
    polariser_deg=0.0,
    quality=90,
)


def shot(light: Floats, camera: Camera, crossed: bool = False) -> Bytes:
    return photograph(light.copy(), camera, crossed, 1.0, np.random.default_rng(0))


def test_a_plain_camera_only_applies_the_srgb_curve() -> None:
    light = np.full((8, 9, 3), 0.2140411, np.float32)  # half of full scale in sRGB
    assert np.abs(shot(light, PLAIN).astype(int) - 128).max() <= 1


def test_no_saturation_leaves_grey() -> None:
    light = np.random.default_rng(0).random((8, 9, 3), np.float32)
    photo = shot(light, replace(PLAIN, saturation=0.0))
    assert np.ptp(photo.astype(int), axis=-1).max() <= 1


def test_noise_has_the_spread_that_the_camera_states() -> None:
    light = np.full((200, 200, 3), 0.25, np.float32)
    found = shot(light, replace(PLAIN, noise=0.02)).astype(float) - shot(light, PLAIN)
    # 0.02 sqrt(0.25) = 0.01 of linear light; the sRGB curve's slope at 0.25 is 0.942
    assert found.std() == pytest.approx(255 * 0.01 * 0.942, rel=0.06)


def test_full_automatic_makes_every_photo_equally_bright() -> None:
    for level in (0.1, 0.3, 0.9):
        light = np.full((4, 4, 3), level, np.float32)
        gain = exposure(light, replace(PLAIN, automatic=1.0), crossed=False)
        if gain < 2.5:
            assert (light * gain)[0, 0] @ LUMINANCE == pytest.approx(TARGET_LUMINANCE, rel=1e-5)
        assert exposure(light, PLAIN, crossed=False) == 1


def test_fall_off_darkens_the_corners_by_what_it_says() -> None:
    field = vignette((101, 101), replace(PLAIN, fall_off=0.2))
    assert field[50, 50] == 1
    assert field[0, 0] == pytest.approx(0.8)


def test_light_beyond_full_scale_is_white() -> None:
    assert (develop(np.array([[[-1.0, 0.0, 7.0]]])) == [0, 0, 255]).all()
