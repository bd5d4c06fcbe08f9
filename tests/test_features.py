from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from conftest import photo_table
from thinsection.base.arrays import Bytes
from thinsection.base.errors import InputError
from thinsection.dataset.colour_texture import colour_texture, hue_chroma_lightness
from thinsection.dataset.packed import Dataset, Variants
from thinsection.dataset.reduction import reduced
from thinsection.learning.examples.features import (
    as_features,
    extract,
    read_features,
    write_features,
)
from thinsection.learning.examples.resnets import build_resnet
from thinsection.settings import EmbeddingSettings, PixelSettings

PIXELS = PixelSettings(height=8, width=12)


@pytest.fixture
def photos() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3), dtype=np.uint8)


@pytest.fixture
def embedding(tmp_path: Path) -> EmbeddingSettings:
    path = tmp_path / "weights.pth"
    torch.save(build_resnet(18, "none", 1000).state_dict(), path)
    return EmbeddingSettings(backbone="resnet-18", weights=str(path), height=32, width=32, views=1)


@pytest.mark.parametrize(("kind", "length"), [("colour_texture", 126), ("embedding", 512)])
def test_every_kind_gives_one_vector_a_photo(
    kind: str, length: int, photos: Bytes, embedding: EmbeddingSettings
) -> None:
    vectors = extract(kind, photos, PIXELS, embedding)
    assert vectors.shape == (3, length)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    # a photo's vector is its own: it doesn't depend on the photos beside it
    assert np.allclose(vectors[1], extract(kind, photos[1:2], PIXELS, embedding)[0], atol=1e-5)


def test_pixels_are_the_reduced_photo_row_by_row(
    photos: Bytes, embedding: EmbeddingSettings
) -> None:
    small = extract("pixels", photos, PIXELS, embedding)
    features = as_features(small, small[:0], np.empty(0, np.int64))
    assert features.x.dtype == np.float32
    assert np.array_equal(features.x.reshape(3, 8, 12, 3) * 255, reduced(photos, 8, 12))
    assert features.parents.tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", ["pixels", "colour_texture", "embedding"])
def test_what_is_asked_for_comes_back_photos_first(
    kind: str, photos: Bytes, embedding: EmbeddingSettings, tmp_path: Path
) -> None:
    data = Dataset(photos, photo_table(["a", "b", "c"]))
    variants = Variants(photos[[2, 0]], np.array([2, 0]))
    (tmp_path / kind).mkdir()
    write_features(
        kind,
        data,
        variants,
        tmp_path / kind,
        asked="photos and variants",
        pixels=PIXELS,
        embedding=embedding,
    )
    features = read_features(kind, folder=tmp_path)
    assert features.parents.tolist() == [0, 1, 2, 2, 0]
    assert np.allclose(features.x[3:], features.x[[2, 0]], atol=1e-5)
    alone = read_features(kind, with_variants=False, folder=tmp_path)
    assert np.array_equal(alone.x, features.x[:3])


def test_what_nobody_asks_for_is_not_made(photos: Bytes, tmp_path: Path) -> None:
    data = Dataset(photos, photo_table(["a", "b", "c"]))
    variants = Variants(photos[:2], np.array([0, 1]))
    # weights that are nowhere: an embedding that nobody asks for needs none
    nowhere = EmbeddingSettings(
        backbone="resnet-18", weights="nowhere.pth", height=32, width=32, views=1
    )
    for kind, n_photos in (("pixels", 0), ("colour_texture", 3), ("embedding", 0)):
        (tmp_path / kind).mkdir()
        write_features(
            kind, data, variants, tmp_path / kind, asked="nothing", pixels=PIXELS, embedding=nowhere
        )
        assert len(read_features(kind, folder=tmp_path).x) == n_photos
    with pytest.raises(InputError, match=r"pixels/photos.npy: no such file. Run `dvc repro`"):
        read_features("pixels", folder=tmp_path / "elsewhere")


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


def test_joint_shares_of_plain_colours_are_known() -> None:
    # sRGB red is L 53.2, C 104.6, h 40 degrees: hue 4 of 8 (0 to 45), chroma 3 of 4 (64 and more),
    # lightness 2 of 5 (40 to 60). Grey 128 is L 53.6 and white L 100, both without a hue.
    photo = np.zeros((4, 8, 3), np.uint8)
    photo[:, :4] = 255, 0, 0
    photo[:, 4:6] = 128
    photo[:, 6:] = 255
    hues, lights = np.split(hue_chroma_lightness(photo), [32])
    assert hues.reshape(8, 4)[4, 3] == hues.sum() == 0.5
    lights = lights.reshape(5, 4)
    assert (lights[2, 3], lights[2, 0], lights[4, 0]) == (0.5, 0.25, 0.25)
    assert lights.sum() == 1


def test_of_two_hues_it_is_known_which_is_the_pale_one() -> None:
    strong_red, pale_blue = (200, 30, 30), (170, 180, 200)
    strong_blue, pale_red = (30, 60, 200), (200, 175, 175)
    one, other = (
        hue_chroma_lightness(np.array([[first], [second]], np.uint8))
        for first, second in ((strong_red, pale_blue), (strong_blue, pale_red))
    )
    assert np.abs(one - other)[:32].sum() > 1  # of 2 at most


@given(
    photo=arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3))),
    turns=st.integers(0, 3),
    mirrored=st.booleans(),
)
def test_joint_shares_do_not_change_however_the_photo_is_turned(
    photo: np.ndarray, turns: int, mirrored: bool
) -> None:
    turned = np.rot90(photo, turns)
    turned = turned[:, ::-1] if mirrored else turned
    assert np.array_equal(hue_chroma_lightness(turned), hue_chroma_lightness(photo))
