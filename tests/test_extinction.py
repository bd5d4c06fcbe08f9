"""The fourfold extinction of a turned stage, and photos that are put in register for it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from modelling import small_params
from thinsection.base.arrays import Bytes
from thinsection.dataset.extinction import encoded, extinction, fits_extinction, linear
from thinsection.dataset.registration import registered, way_of_turning
from thinsection.render.dataset import specimen_of
from thinsection.render.field import View, compose, scale_of, take_photos
from thinsection.render.turntable import round_scene, turned_photo

ANGLES = [0.0, 30.0, 60.0]
RENDER = small_params().render.model_copy(
    update={"width": 144, "height": 96, "supersample": 1.0, "automatic_exposure": 0.0}
)


def seen(dark_at: float, brightest: float, darkest: float, angles: list[float]) -> Bytes:
    """One grey pixel, as a camera sees it at each angle."""
    oscillation = np.sin(2 * np.radians(np.array(angles) - dark_at)) ** 2
    light = darkest + (brightest - darkest) * oscillation
    return encoded(np.broadcast_to(light[:, None, None, None], (len(angles), 1, 1, 3)))


@given(
    st.floats(0, 89.9),
    st.floats(0.2, 0.9),
    st.lists(st.sampled_from(np.arange(0, 360, 7.5).tolist()), min_size=3, max_size=8),
)
def test_the_angle_and_the_brightest_of_a_pixel_are_found(
    dark_at: float, brightest: float, angles: list[float]
) -> None:
    assume(fits_extinction(angles))
    found = extinction(seen(dark_at, brightest, 0.01, angles), angles)
    # a photo knows brightness to one part in 255
    assert (found.angle_deg[0, 0] - dark_at + 45) % 90 - 45 == pytest.approx(0, abs=3)
    assert found.brightest[0, 0] == pytest.approx(brightest, abs=0.04)
    assert found.amplitude[0, 0] == pytest.approx((brightest - 0.01) / 2, abs=0.02)


def test_an_isotropic_pixel_has_no_contrast() -> None:
    found = extinction(seen(0, 0.3, 0.3, ANGLES), ANGLES)
    assert found.contrast[0, 0] == pytest.approx(0, abs=1e-9)


def test_a_quarter_turn_tells_nothing_new() -> None:
    assert fits_extinction([0, 22.5, 45])
    assert not fits_extinction([0, 45, 90])
    assert not fits_extinction([10, 100, 190, 280])
    assert not fits_extinction([0, 30])
    assert not fits_extinction([0, 30, float("nan")])


def test_bytes_survive_linear_light() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(encoded(linear(every)), every)


@pytest.mark.parametrize("mineral", ["biotite", "quartz", "plagioclase"])
def test_the_renderer_knows_the_angle(mineral: str) -> None:
    specimen = specimen_of(7, mineral, 0, RENDER)
    size = (RENDER.width, RENDER.height)
    share = (RENDER.share[0], RENDER.share[1])
    views = [View("xpl", angle) for angle in ANGLES]
    photos = take_photos(specimen, 0, views, width=size[0], height=size[1], share=share)
    scene = compose(specimen, 0, size[::-1], scale_of(*size), share)
    cut, _, _ = scene.segments.cut(np.arange(scene.segments.count))
    turned = cut.azimuth[scene.segment] + scene.twist.reshape(scene.segment.shape)
    true = specimen.camera.polariser_deg - np.degrees(turned)
    found = extinction(np.stack([photo.pixels for photo in photos]), ANGLES)
    told = (found.contrast > 0.5) & (found.amplitude > 0.02)
    for pixels in scene.altered:
        told.ravel()[pixels] = False
    wrong = np.abs((found.angle_deg - true + 45) % 90 - 45)[told]
    assert told.mean() > 0.3
    assert np.median(wrong) < 2  # degrees


def turned_and_not(mineral: str) -> tuple[Bytes, Bytes]:
    """Photos of a turned stage, and photos of one field under turned polarisers."""
    specimen = specimen_of(7, mineral, 0, RENDER)
    specimen = replace(specimen, camera=replace(specimen.camera, automatic=0.0))
    scene = round_scene(specimen, RENDER)
    turned = np.stack([turned_photo(scene, RENDER, "xpl", angle) for angle in ANGLES])
    views = [View("xpl", angle) for angle in ANGLES]
    share = (RENDER.share[0], RENDER.share[1])
    still = take_photos(specimen, 0, views, width=RENDER.width, height=RENDER.height, share=share)
    return turned, np.stack([photo.pixels for photo in still])


def test_which_way_the_stage_was_turned_is_found() -> None:
    turned, still = zip(*map(turned_and_not, ["augite", "biotite", "plagioclase"]), strict=True)
    backwards = [0.0, -30.0, -60.0]
    assert way_of_turning((photos, ANGLES) for photos in turned) == 1
    assert way_of_turning((photos, backwards) for photos in turned) == -1
    assert way_of_turning((photos, ANGLES) for photos in still) == 0


def test_a_shift_is_undone_and_the_common_part_is_left() -> None:
    _, still = turned_and_not("augite")
    shifted = np.stack(
        [still[0], np.roll(still[1], (3, -2), (0, 1)), np.roll(still[2], (-4, 5), (0, 1))]
    )
    found = registered(shifted, ANGLES, 0)
    assert found.succeeded
    assert found.shift_px == pytest.approx(5, abs=0.3)
    high, wide = found.photos.shape[1:3]
    assert (high, wide) == (88, 132)  # the largest with the same sides that lost nothing
    top, left = (96 - high) // 2, (144 - wide) // 2
    expected = still[1][top : top + high, left : left + wide].astype(float)
    a_pixel_off = np.abs(np.roll(expected, 1, axis=0) - expected).mean()
    assert np.abs(found.photos[1] - expected).mean() < a_pixel_off / 2


def test_photos_in_register_stay_as_they_are() -> None:
    _, still = turned_and_not("augite")
    found = registered(still, ANGLES, 0)
    assert np.array_equal(found.photos, still)
    assert found.shift_px == 0


def test_photos_of_two_places_are_found_out() -> None:
    rng = np.random.default_rng(3)
    photos = rng.integers(0, 256, (3, 96, 144, 3)).astype(np.uint8)
    assert not registered(photos, ANGLES, 0).succeeded
