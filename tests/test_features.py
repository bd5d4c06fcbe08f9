from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import photo_table
from thinsection.base.errors import InputError
from thinsection.dataset.colour_texture import colour_texture
from thinsection.dataset.packed import Dataset, Variants
from thinsection.dataset.reduction import reduced
from thinsection.examples.backbones import build_resnet
from thinsection.examples.features import extract, read_features, reduced_pixels, write_features
from thinsection.settings import EmbeddingSettings


@pytest.fixture
def photos() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3), dtype=np.uint8)


@pytest.fixture
def embedding(tmp_path: Path) -> EmbeddingSettings:
    path = tmp_path / "weights.pth"
    torch.save(build_resnet(18, "none", 1000).state_dict(), path)
    return EmbeddingSettings(depth=18, weights=str(path), height=32, width=32)


@pytest.mark.parametrize(("kind", "length"), [("colour_texture", 74), ("embedding", 512)])
def test_every_kind_gives_one_vector_a_photo(
    kind: str, length: int, photos: np.ndarray, embedding: EmbeddingSettings
) -> None:
    vectors = extract(kind, photos, embedding)
    assert vectors.shape == (3, length)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    # a photo's vector is its own: it doesn't depend on the photos beside it
    assert np.allclose(vectors[1], extract(kind, photos[1:2], embedding)[0], atol=1e-5)


def test_pixels_are_the_reduced_photo_row_by_row(photos: np.ndarray) -> None:
    vectors = reduced_pixels(photos, 8, 12)
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors.reshape(3, 8, 12, 3) * 255, reduced(photos, 8, 12))


def test_features_that_nobody_asks_for_are_not_made(
    photos: np.ndarray, embedding: EmbeddingSettings, tmp_path: Path
) -> None:
    data = Dataset(photos, photo_table(["a", "b", "c"]))
    variants = Variants(photos[:2], np.array([0, 1]))
    for kind, asked, expected in (
        ("pixels", True, []),
        ("colour_texture", False, ["photos"]),  # by which the report finds photos that are alike
        ("colour_texture", True, ["photos", "variants"]),
        ("embedding", False, []),
        ("embedding", True, ["photos", "variants"]),
    ):
        folder = tmp_path / str(asked) / kind
        folder.mkdir(parents=True)
        stored = write_features(kind, asked, data, variants, embedding, folder)
        assert stored == expected
        assert [f"{what}.npy" for what in stored] == sorted(p.name for p in folder.glob("*.npy"))
    everything = extract("colour_texture", photos[[0, 1, 2, 0, 1]], embedding)
    assert np.array_equal(
        read_features("colour_texture", of_variants=True, folder=tmp_path / "True"), everything
    )
    assert np.array_equal(
        read_features("colour_texture", of_variants=False, folder=tmp_path / "False"),
        everything[:3],
    )
    with pytest.raises(InputError, match=r"no such vectors. Run `dvc repro features@embedding`"):
        read_features("embedding", of_variants=False, folder=tmp_path / "False")


def test_a_reduced_photo_keeps_its_mean_colour() -> None:
    photo = np.zeros((1, 32, 24, 3), np.uint8)
    photo[:, ::2] = 200  # stripes finer than the reduced photo can show
    small = reduced(photo, 8, 6)
    assert small.shape == (1, 8, 6, 3)
    inner = small[:, 1:-1].astype(int)  # at the edge the first stripe counts more
    assert np.abs(inner - 100).max() <= 1


def test_colour_and_texture_do_not_change_when_the_photo_is_turned(photos: np.ndarray) -> None:
    photo = photos[0]
    for turned in (photo[::-1], photo[:, ::-1], photo.transpose(1, 0, 2)):
        assert np.allclose(colour_texture(turned), colour_texture(photo), atol=1e-5)


def test_colour_histograms_of_a_plain_photo_are_known() -> None:
    # pure red: hue 0 (first bin), saturation 1 and brightness 1 (last bins)
    red = np.zeros((10, 10, 3), np.uint8)
    red[..., 0] = 255
    vector = colour_texture(red)
    hue, saturation, brightness = vector[:16], vector[16:32], vector[32:48]
    assert (hue[0], saturation[15], brightness[15]) == pytest.approx((1, 1, 1))
    assert vector[:48].sum() == pytest.approx(3)
