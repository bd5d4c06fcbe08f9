import numpy as np
import pytest
import torch

from thinsection.learning.examples.augment import (
    as_batch,
    as_photos,
    draw_matrices,
    draw_variants,
    stored_variants,
)
from thinsection.params import Params
from thinsection.settings import OperatorSettings

NONE = {
    "flip_horizontal": False,
    "flip_vertical": False,
    "rotation_deg": 0,
    "turns": "any",
    "zoom": 0,
    "scale": 0,
    "crop": 0,
    "shift": 0,
    "noise": 0,
}


def operators(**changes: object) -> OperatorSettings:
    return OperatorSettings.model_validate(NONE | changes)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def photos() -> torch.Tensor:
    """64 different photos of 8 x 12."""
    return torch.rand(64, 3, 8, 12, generator=rng(1))


def test_with_every_operator_off_a_variant_is_its_photo(photos: torch.Tensor) -> None:
    assert torch.allclose(draw_variants(photos, operators(), rng()), photos, atol=1e-5)


@pytest.mark.parametrize(("operator", "axis"), [("flip_horizontal", 3), ("flip_vertical", 2)])
def test_a_flip_mirrors_about_half_of_the_photos_and_leaves_the_rest(
    photos: torch.Tensor, operator: str, axis: int
) -> None:
    variants = draw_variants(photos, operators(**{operator: True}), rng())
    same = torch.isclose(variants, photos, atol=1e-4).flatten(1).all(1)
    mirrored = torch.isclose(variants, photos.flip(axis), atol=1e-4).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 16 <= mirrored.sum() <= 48  # 64 fair coins: outside this once in 30,000


def test_a_quarter_turn_keeps_shapes_in_an_oblong_photo() -> None:
    # a horizontal bar, 9 x 3 pixels in the middle of 21 x 33, stands upright after 90 degrees
    photo = torch.zeros(1, 1, 21, 33)
    photo[:, :, 9:12, 12:21] = 1
    matrix = draw_matrices(1, 21 / 33, operators(), rng())
    quarter = torch.tensor([[0.0, -21 / 33], [33 / 21, 0.0]])
    turned = torch.cat([quarter @ matrix[0, :, :2], matrix[0, :, 2:]], 1)[None]
    grid = torch.nn.functional.affine_grid(turned, [1, 1, 21, 33], align_corners=False)
    upright = torch.nn.functional.grid_sample(photo, grid, align_corners=False)
    rows, columns = torch.nonzero(upright[0, 0] > 0.5, as_tuple=True)
    assert (int(rows.min()), int(rows.max())) == (6, 14)
    assert (int(columns.min()), int(columns.max())) == (15, 17)
    # and that is the matrix which a rotation by exactly 90 degrees draws
    angles = torch.rad2deg(
        torch.atan2(
            draw_matrices(500, 21 / 33, operators(rotation_deg=90), rng())[:, 1, 0] * 21 / 33,
            draw_matrices(500, 21 / 33, operators(rotation_deg=90), rng())[:, 0, 0],
        )
    )
    assert -90 <= angles.min() < -80
    assert 80 < angles.max() <= 90


def test_a_shift_moves_by_up_to_its_share_of_the_side() -> None:
    matrices = draw_matrices(1000, 0.5, operators(shift=0.25), rng())
    # coordinates run from -1 to 1, so a quarter of the side is 0.5
    assert matrices[:, :, 2].abs().max() <= 0.5
    assert matrices[:, :, 2].abs().max() > 0.48
    assert torch.equal(matrices[:, :, :2], torch.eye(2).expand(1000, 2, 2))


def test_a_crop_never_looks_beyond_the_photo() -> None:
    matrices = draw_matrices(1000, 0.5, operators(crop=0.4), rng())
    kept = torch.stack([matrices[:, 0, 0], matrices[:, 1, 1]], 1)
    assert kept.min() >= 0.6
    assert kept.min() < 0.62
    assert (kept + matrices[:, :, 2].abs()).max() <= 1 + 1e-6


def test_zoom_keeps_shapes_and_scale_does_not() -> None:
    zoomed = draw_matrices(100, 0.5, operators(zoom=0.3), rng())
    assert torch.allclose(zoomed[:, 0, 0], zoomed[:, 1, 1])
    assert zoomed[:, 0, 0].min() >= 1 / 1.3 - 1e-6
    assert zoomed[:, 0, 0].max() <= 1 / 0.7 + 1e-6
    scaled = draw_matrices(100, 0.5, operators(scale=0.3), rng())
    assert not torch.allclose(scaled[:, 0, 0], scaled[:, 1, 1])


def test_noise_has_the_given_spread() -> None:
    grey = torch.full((4, 3, 50, 50), 0.5)
    difference = draw_variants(grey, operators(noise=0.05), rng()) - grey
    assert difference.std().item() == pytest.approx(0.05, rel=0.03)  # 30,000 values
    assert difference.mean().item() == pytest.approx(0, abs=0.002)


def test_the_same_generator_gives_the_same_variants(photos: torch.Tensor, tiny: Params) -> None:
    first, again = (draw_variants(photos, tiny.augment, rng(5)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, draw_variants(photos, tiny.augment, rng(6)))
    assert first.min() >= 0
    assert first.max() <= 1


def test_stored_variants_name_their_photo_and_come_in_its_order() -> None:
    pixels = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.full(
        (1, 8, 12, 3), 50, np.uint8
    )
    ids = [f"olivine/{i}.jpg" for i in range(5)]
    chunks, table = stored_variants(pixels, ids, operators(shift=0.2), 2, seed=1)
    variants = np.concatenate(list(chunks))
    assert table["photo_id"].tolist() == ids * 2
    assert table["variant_id"].is_unique
    # a shift with mirrored edges of an even grey photo is the same photo: the order can be seen
    assert np.array_equal(variants, np.concatenate([pixels, pixels]))


def test_photos_survive_the_way_to_a_batch_and_back() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
    batch = as_batch(pixels)
    assert batch.shape == (3, 3, 4, 5)
    assert batch.max() <= 1
    assert np.array_equal(as_photos(batch), pixels)
