"""One photo: every format and oddity becomes 8-bit sRGB, or says why not."""

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from thinsection.decode.photo import Photo, UnusablePhoto, decode_photo, fit_to_size, reduction

RNG = np.random.default_rng(5)
LEVELS = np.kron(RNG.integers(0, 256, (6, 9, 3)), np.ones((8, 8, 1))).astype(np.uint8)
PICTURE = Image.fromarray(LEVELS)  # 72 x 48, in blocks of 8 x 8 that a JPEG keeps


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def decoded(
    raw: bytes | Path, at_least: tuple[int, int] = (48, 72), max_megapixels: float = 1.0
) -> Photo:
    return decode_photo(raw, at_least, max_megapixels)


def pixels(raw: bytes) -> np.ndarray:
    return np.asarray(decoded(raw).image).astype(int)


@pytest.mark.parametrize(
    ("form", "options", "off_by"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 100, "subsampling": 0}, 4),
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 8),
    ],
)
def test_every_format_keeps_its_pixels(form: str, options: dict[str, Any], off_by: int) -> None:
    photo = decoded(saved(PICTURE, form, **options))
    assert photo.format == form
    assert (photo.width, photo.height) == (72, 48)
    assert np.abs(np.asarray(photo.image).astype(int) - LEVELS).max() <= off_by


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_subsampled_jpeg_keeps_its_brightness(subsampling: int) -> None:
    grey = pixels(saved(PICTURE, "JPEG", quality=95, subsampling=subsampling)).mean()
    assert grey == pytest.approx(LEVELS.mean(), abs=1)


def test_grey_palette_and_bilevel() -> None:
    grey = PICTURE.convert("L")
    assert np.array_equal(pixels(saved(grey, "PNG"))[..., 2], np.asarray(grey))
    palette = PICTURE.quantize(54)  # 6 x 9 blocks: 54 colours at most, so nothing is lost
    assert np.array_equal(pixels(saved(palette, "PNG")), np.asarray(palette.convert("RGB")))
    assert np.array_equal(pixels(saved(palette, "GIF")), np.asarray(palette.convert("RGB")))
    assert set(np.unique(pixels(saved(PICTURE.convert("1"), "PNG")))) == {0, 255}


def test_cmyk_jpeg() -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # no cyan, full magenta and yellow
    assert pixels(saved(red, "JPEG", quality=100))[8, 8] == pytest.approx([255, 0, 0], abs=3)


def test_alpha_lies_over_white() -> None:
    # a quarter of black over white: 255 - 255 * 64 / 255 = 191
    half = Image.new("RGBA", (10, 10), (0, 0, 0, 64))
    assert pixels(saved(half, "PNG"))[0, 0].tolist() == [191, 191, 191]
    clear = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    clear.putpalette([10, 20, 30, 40, 50, 60])
    assert pixels(saved(clear, "PNG", transparency=1))[0].tolist() == [[10, 20, 30], [255] * 3]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG"])
def test_turned_upright(orientation: int, form: str) -> None:
    turn = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # stored so; a quarter turn clockwise sets it upright
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = PICTURE if turn is None else PICTURE.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = decoded(
        saved(
            stored, form, exif=exif, **({"quality": 95, "subsampling": 0} if form == "JPEG" else {})
        )
    )
    assert (photo.width, photo.height) == (72, 48)
    assert np.abs(np.asarray(photo.image).astype(int) - LEVELS).mean() < 3


def png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def test_colour_profile_is_applied() -> None:
    # In linear light, 55 of 255 is 0.2157, which sRGB writes as 128: 255 * (1.055 * 0.2157^(1/2.4) - 0.055)
    grey = Image.new("L", (8, 8), 55)
    linear = profile_with_gamma_1()
    assert pixels(saved(grey, "PNG", icc_profile=linear))[0, 0] == pytest.approx([128] * 3, abs=2)


def profile_with_gamma_1() -> bytes:
    """A grey profile of gamma 1: the tags that lcms needs, by hand."""

    def tag(name: bytes, data: bytes) -> tuple[bytes, bytes]:
        return name, data + b"\0" * (-len(data) % 4)

    def xyz(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(v * 65536) for v in (x, y, z)))

    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0" + b"\0" * 78
    tags = [
        tag(b"desc", text),
        tag(b"wtpt", xyz(0.9642, 1, 0.8249)),
        tag(b"kTRC", b"curv\0\0\0\0" + struct.pack(">I", 0)),
        tag(b"cprt", b"text\0\0\0\0none\0"),
    ]
    offset = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags:
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    size = offset + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02100000, b"mntr", b"GRAY", b"XYZ ")
    header += b"\0" * 12 + b"acsp" + b"\0" * 28
    header += struct.pack(">iii", 63190, 65536, 54061) + b"\0" * 48
    return header + table + body


def test_a_broken_profile_is_noted_and_left_out() -> None:
    photo = decoded(saved(PICTURE, "PNG", icc_profile=b"no profile"))
    assert photo.notes[0].startswith("colour profile not applied")
    assert np.array_equal(np.asarray(photo.image), LEVELS)


def test_an_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(pixels(saved(PICTURE, "PNG", icc_profile=profile)), LEVELS)


@pytest.mark.parametrize("form", ["TIFF", "GIF", "PNG"])
def test_first_of_several_pictures_with_a_note(form: str) -> None:
    raw = saved(PICTURE, form, save_all=True, append_images=[PICTURE.rotate(180)])
    photo = decoded(raw)
    assert photo.notes == ("first of 2 pictures in the file",)
    assert np.asarray(photo.image).astype(int).mean() == pytest.approx(LEVELS.mean(), abs=2)


def test_large_jpeg_is_decoded_at_a_reduced_scale_that_loses_nothing() -> None:
    large = PICTURE.resize((1440, 960), Image.Resampling.BICUBIC)
    raw = saved(large, "JPEG", quality=95)
    photo = decoded(raw, at_least=(48, 72), max_megapixels=10)
    assert (photo.width, photo.height) == (1440, 960)
    assert photo.image.size == (180, 120)  # an eighth, still twice 72 x 48
    reduced = np.asarray(fit_to_size(photo.image, 48, 72, "crop")).astype(float)
    whole = np.asarray(fit_to_size(Image.open(io.BytesIO(raw)), 48, 72, "crop")).astype(float)
    assert 10 * np.log10(255**2 / np.mean((reduced - whole) ** 2)) > 40  # dB


def test_scales_of_a_jpeg() -> None:
    # 1440 x 960 for 72 x 48: twice that goes ten times into it, so an eighth; a twelfth is not on offer
    assert reduction(1440, 960, (48, 72)) == 8
    assert reduction(575, 383, (48, 72)) == 2  # a pixel less than four times twice 72 x 48
    assert reduction(143, 95, (48, 72)) == reduction(275, 183, (96, 144)) == 1
    photo = decoded(saved(PICTURE.resize((1440, 960)), "JPEG"), max_megapixels=10)
    assert photo.same_decode((48, 72), (60, 90))  # 8 times 2 * 90 is 1440
    assert not photo.same_decode((48, 72), (61, 90))
    assert decoded(saved(PICTURE, "PNG")).same_decode((4, 6), (48, 72))


@pytest.mark.parametrize("quality", [20, 50, 75, 92])
def test_jpeg_quality_is_read_from_the_table(quality: int) -> None:
    assert decoded(saved(PICTURE, "JPEG", quality=quality)).jpeg_quality == pytest.approx(
        quality, abs=1
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty: 0 bytes"),
        (b"a letter to a colleague", "not an image"),
        (saved(PICTURE, "PNG")[:-60], "truncated"),
        (saved(PICTURE, "JPEG", quality=95)[:-900], "truncated"),
        (saved(PICTURE, "BMP")[:-900], "truncated"),
    ],
)
def test_unusable_files_say_why(raw: bytes, reason: str) -> None:
    with pytest.raises(UnusablePhoto, match=f"^{reason}"):
        decoded(raw)


def png_of(*size: int) -> bytes:
    """A grey PNG that says to be of this size, and holds next to nothing."""
    header = struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)
    return png([(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")])


def test_a_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(
        UnusablePhoto, match="too large: 20000 x 20000 .* 400 megapixels; at most 1"
    ):
        decoded(png_of(20000, 20000))
    with pytest.raises(UnusablePhoto, match=r"72 x 48 pixels.*ingest\.max_megapixels"):
        decoded(saved(PICTURE, "PNG"), max_megapixels=0.003)


def test_the_limit_on_pixels_is_ours_not_pillows() -> None:
    # Pillow alone warns of 90 megapixels and refuses 180; these get as far as the missing pixels
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for width in (9_000, 20_000):
            with pytest.raises(UnusablePhoto, match=r"^truncated: image file is truncated"):
                decoded(png_of(width, 10_000), max_megapixels=250)


def test_fits() -> None:
    left, right = Image.new("RGB", (20, 20), "black"), Image.new("RGB", (20, 20), "white")
    wide = Image.new("RGB", (40, 20))
    wide.paste(left, (0, 0))
    wide.paste(right, (20, 0))
    # 40 x 20 to 16 x 16. crop: columns 10..30 stay, so the step lies in the middle
    crop = np.asarray(fit_to_size(wide, 16, 16, "crop"))[..., 0]
    assert crop[:, :7].max() == 0
    assert crop[:, 9:].min() == 255
    # stretch: likewise, of all columns
    assert np.asarray(fit_to_size(wide, 16, 16, "stretch"))[8, [6, 9], 0].tolist() == [0, 255]
    # pad: the photo is 16 x 8 in the middle, the bars have its mean colour, (0 + 255) / 2
    pad = np.asarray(fit_to_size(wide, 16, 16, "pad"))[..., 0]
    assert pad[[0, 3, 12, 15]].ravel().tolist() == [pad[0, 0]] * 64
    assert pad[0, 0] == pytest.approx(127.5, abs=2)
    assert pad[4:12, :6].max() == 0


def test_extreme_shapes_fit() -> None:
    for size in ((1, 1), (1, 3000), (3000, 1)):
        for fit in ("crop", "pad", "stretch"):
            assert fit_to_size(Image.new("RGB", size, "red"), 32, 48, fit).size == (48, 32)


def test_a_file_is_what_it_holds_not_what_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "a name with\na newline.bmp"
    path.write_bytes(saved(PICTURE, "PNG"))
    photo = decoded(path)
    assert photo.format == "PNG"
    assert np.array_equal(np.asarray(photo.image), LEVELS)
