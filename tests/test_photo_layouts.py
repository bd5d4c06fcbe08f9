"""A photo saved in any layout that is understood decodes to the pixels of its 8-bit PNG."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from layouts import DEPTHS, LEVELS, RNG, decoded, pixels, png_16, tiff

COLOURS = ["rgb", "rgb and alpha", "rgb and more", "grey", "grey, white is 0", "grey and alpha"]


def layout(depth: str, colour: str, planes: bool) -> tuple[np.ndarray, dict[str, Any], np.ndarray]:
    """Samples, how to write them, and the pixels to expect."""
    levels = LEVELS if colour.startswith("rgb") else LEVELS[..., :1]
    expected = np.broadcast_to(levels, LEVELS.shape)
    options: dict[str, Any] = {"photometric": "rgb" if colour.startswith("rgb") else "minisblack"}
    if colour == "grey, white is 0":
        options["photometric"] = "miniswhite"
        levels = 255 - levels
    samples = DEPTHS[depth](levels)
    if "and" in colour:
        full = DEPTHS[depth](np.full_like(levels[..., :1], 255 if "alpha" in colour else 9))
        samples = np.concatenate([samples, full], 2)
        options["extrasamples"] = ["unassalpha" if "alpha" in colour else "unspecified"]
    if samples.shape[2] > 1:
        options["planarconfig"] = "separate" if planes else "contig"
        samples = np.ascontiguousarray(samples.transpose(2, 0, 1)) if planes else samples
    else:
        samples = samples[..., 0]
    return samples, options, expected


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    depth=st.sampled_from(sorted(DEPTHS)),
    colour=st.sampled_from(COLOURS),
    planes=st.booleans(),
    byteorder=st.sampled_from("<>"),
    pieces=st.sampled_from([{}, {"rowsperstrip": 7}, {"tile": (32, 16)}]),
    compression=st.sampled_from([None, "lzw", "zlib", "packbits", "zstd"]),
    predictor=st.booleans(),
    bigtiff=st.booleans(),
)
def test_a_tiff_of_any_layout_is_its_png(
    *,
    depth: str,
    colour: str,
    planes: bool,
    byteorder: str,
    pieces: dict[str, Any],
    compression: str | None,
    predictor: bool,
    bigtiff: bool,
) -> None:
    samples, options, expected = layout(depth, colour, planes)
    if compression in ("lzw", "zlib", "zstd") and predictor:
        options["predictor"] = 3 if "float" in depth else 2
    raw = tiff(
        samples, **options, **pieces, byteorder=byteorder, compression=compression, bigtiff=bigtiff
    )
    photo = decoded(raw)
    assert np.array_equal(np.asarray(photo.image), expected)
    assert (photo.width, photo.height) == (72, 48)
    assert any("scaled" in note for note in photo.notes) == (depth != "8")
    assert ("1 extra sample a pixel left out" in photo.notes) == ("more" in colour)


@pytest.mark.parametrize("depth", ["12 in 16", "16"])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("n_colours", [1, 3])
def test_a_png_of_16_bits_is_that_of_8(depth: str, alpha: bool, n_colours: int) -> None:
    samples = DEPTHS[depth](LEVELS[..., :n_colours])
    if alpha:
        samples = np.concatenate([samples, np.full_like(samples[..., :1], 0xFFFF)], 2)
    expected = np.broadcast_to(LEVELS[..., :n_colours], LEVELS.shape)
    assert np.array_equal(pixels(png_16(samples)), expected)


@pytest.mark.parametrize("wide", [True, False])
def test_palettes_of_16_bit_and_of_8_bit_values(wide: bool) -> None:
    palette = RNG.integers(0, 256, (3, 256)).astype(np.uint16)
    indices = LEVELS[..., 0]
    raw = tiff(indices, photometric="palette", colormap=palette * 257 if wide else palette)
    assert np.array_equal(pixels(raw), palette.T[indices])


def test_12_bits_packed() -> None:
    levels = np.array([[0, 1000, 4095, 2048]], np.uint16)
    # 12 bits each, the high ones first: 000 3E8 FFF 800
    raw = bytearray(tiff(np.frombuffer(bytes.fromhex("0003E8FFF800"), np.uint8)[None]))
    with tifffile.TiffFile(io.BytesIO(raw)) as file:
        tags = {code: file.pages[0].tags[code].valueoffset for code in (256, 258)}  # type: ignore[union-attr]
    struct.pack_into("<H", raw, tags[256], 4)
    struct.pack_into("<H", raw, tags[258], 12)
    photo = decoded(bytes(raw))
    # 1000 / 4095 * 255 = 62.27, 2048 / 4095 * 255 = 127.53
    assert np.asarray(photo.image)[0, :, 0].tolist() == [0, 62, 255, 128]
    assert photo.notes == ("12-bit, 0..4095 scaled to 0..255",)
    assert levels.max() == 4095


@pytest.mark.parametrize(
    ("peak", "white"),
    [(255, 255), (256, 1023), (1023, 1023), (1100, 4095), (5000, 16383), (20000, 65535)],
)
def test_the_scale_is_the_cameras(peak: int, white: int) -> None:
    samples = np.rint(np.linspace(0, peak, 48 * 72)).astype(np.uint16).reshape(48, 72)
    photo = decoded(tiff(samples))
    assert photo.notes == (f"16-bit, 0..{white} scaled to 0..255",)
    assert np.asarray(photo.image).max() == pytest.approx(255 * peak / white, abs=1)


def test_a_few_hot_and_dead_pixels_change_no_others() -> None:
    samples = DEPTHS["12 in 16"](LEVELS)
    spoilt = samples.copy()
    for row, column in RNG.integers(0, (46, 14), (30, 2)) * (1, 5):  # gaps of two at least
        spoilt[row : row + 3, column : column + 3] = 65000  # as filled in by the camera
    spoilt[:, 71] = 0  # a dead column
    spoilt[20, 71] = 65535
    changed = (spoilt != samples).any(2)
    clean = np.asarray(decoded(tiff(samples)).image)
    for raw in (tiff(spoilt), png_16(spoilt), tiff(spoilt.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate")):  # fmt: skip
        photo = decoded(raw)
        assert np.array_equal(np.asarray(photo.image)[~changed], clean[~changed])
        assert photo.notes == ("16-bit, 0..4095 scaled to 0..255",)


def test_dead_pixels_of_a_float_photo_leave_its_scale() -> None:
    samples = DEPTHS["float32"](LEVELS)
    samples[5, 7], samples[9, 9] = -1000, np.nan
    found = pixels(tiff(samples, photometric="rgb")).copy()
    assert found[5, 7].tolist() == found[9, 9].tolist() == [0, 0, 0]
    found[[5, 9], [7, 9]] = LEVELS[[5, 9], [7, 9]]
    assert np.array_equal(found, LEVELS)


def test_a_scale_bar_at_the_top_of_the_file_leaves_a_photo_of_12_bits() -> None:
    samples = DEPTHS["12 in 16"](LEVELS)
    samples[40:44, 10:40] = 65535
    found = pixels(tiff(samples, photometric="rgb"))
    assert found[41, 20].tolist() == [255, 255, 255]
    assert np.array_equal(found[:40], LEVELS[:40])


def test_numbers_without_a_camera_get_their_own_range() -> None:
    # -100..100: zero lies half-way, 127.5, rounded to the even 128
    ramp = np.tile(np.repeat(np.array([-100, 0, 100], np.int16), 8), (50, 1))
    assert pixels(tiff(ramp))[0, ::8, 0].tolist() == [0, 128, 255]
    # 30000..31000 fills 4 of 256 levels of 16 bits
    flat = np.tile(np.repeat(np.array([30000, 31000], np.uint16), 8), (50, 1))
    photo = decoded(tiff(flat))
    assert np.asarray(photo.image)[0, ::8, 0].tolist() == [0, 255]
    assert photo.notes == ("16-bit, 30000..31000 scaled to 0..255",)


# ---- alpha ----


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "BMP", "deep PNG", "deep TIFF"])
def test_alpha_of_0_everywhere_is_a_photo_all_the_same(form: str) -> None:
    clear = np.dstack([LEVELS, np.zeros((48, 72), np.uint8)])
    if form == "deep PNG":
        raw = png_16(DEPTHS["12 in 16"](clear))
    elif form == "deep TIFF":
        raw = tiff(DEPTHS["12 in 16"](clear), photometric="rgb", extrasamples=["unassalpha"])
    else:
        file = io.BytesIO()
        options = {"lossless": True, "exact": True} if form == "WEBP" else {}
        Image.fromarray(clear).save(file, form, **options)
        raw = file.getvalue()
    photo = decoded(raw)
    assert np.array_equal(np.asarray(photo.image), LEVELS)
    if form != "BMP":  # whose fourth byte Pillow takes for nothing
        assert "transparent everywhere: its alpha was ignored" in photo.notes


@pytest.mark.parametrize("opaque", [4095, 65535])
def test_deep_alpha_lies_over_white(opaque: int) -> None:
    # one half black and opaque, one half clear; by 12 or by 16 bits
    rgba = np.zeros((48, 72, 4), np.uint16)
    rgba[:, :36, 3] = opaque
    rgba[0, :2, :3] = 4095
    for raw in (png_16(rgba), tiff(rgba, photometric="rgb", extrasamples=["unassalpha"])):
        assert pixels(raw)[1, [0, 35, 36, 71], 0].tolist() == [0, 0, 255, 255]


def test_premultiplied_alpha_of_16_bits() -> None:
    # 0.5 * 40000 under an alpha of one half, over white: 255 * (0.5 * 40000 / 65535 + 0.5) = 205.3
    rgba = np.full((48, 72, 4), 20000, np.uint16)
    rgba[..., 3] = 32768
    rgba[0, :8] = 65535
    raw = tiff(rgba, photometric="rgb", extrasamples=["assocalpha"])
    assert pixels(raw)[9, 9].tolist() == pytest.approx([205] * 3, abs=1)


# ---- which picture, and which way up ----


def pages(*written: tuple[np.ndarray, dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for samples, options in written:
            colours = "rgb" if samples.ndim == 3 else "miniswhite"
            writer.write(samples, photometric=colours, metadata=None, **options)
    return file.getvalue()


SMALL = np.full((12, 18, 3), 7, np.uint8)
OTHER = LEVELS[::-1].copy()


@pytest.mark.parametrize("depth", ["8", "16"])
@pytest.mark.parametrize(
    ("order", "note"),
    [
        ([("photo", 0)], None),
        ([("photo", 0), ("other", 0)], "first of 2 pictures in the file"),
        ([("photo", 0), ("other", 1)], None),  # a reduced copy
        ([("photo", 0), ("mask", 4)], None),  # a mask
        ([("small", 1), ("photo", 0)], "picture 2 of 2 in the file: the first of full size"),
        ([("small", 0), ("photo", 0)], "picture 2 of 2 in the file: the first of full size"),
        ([("mask", 4), ("photo", 0)], "picture 2 of 2 in the file: the first of full size"),
        ([("photo", 1)], None),  # nothing else is there
        ([("photo", 2), ("other", 2)], "first of 2 pictures in the file"),  # pages
    ],
)
def test_the_photo_among_the_pictures_of_a_file(
    depth: str, order: list[tuple[str, int]], note: str | None
) -> None:
    of = {"photo": LEVELS, "other": OTHER, "small": SMALL}
    of = {name: DEPTHS[depth](levels) for name, levels in of.items()}
    of["mask"] = np.ones((48, 72), bool)
    photo = decoded(pages(*[(of[name], {"subfiletype": kind}) for name, kind in order]))
    assert np.array_equal(np.asarray(photo.image), LEVELS)
    assert [text for text in photo.notes if "scaled" not in text] == ([note] if note else [])


@pytest.mark.parametrize("depth", ["8", "16"])
def test_the_photo_inside_a_preview(depth: str) -> None:
    # as raw formats have it: the first picture is a preview, the photo a sub-picture of it
    raw = pages(
        (DEPTHS[depth](SMALL), {"subfiletype": 1, "subifds": 1}),
        (DEPTHS[depth](LEVELS), {"subfiletype": 0}),
    )
    assert np.array_equal(pixels(raw), LEVELS)


XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description {}</x:xmpmeta>"""
ATTRIBUTE = XMP.format("tiff:Orientation='6'/>")
ELEMENT = XMP.format("><tiff:Orientation>6</tiff:Orientation></rdf:Description>")


@pytest.mark.parametrize("xmp", [ATTRIBUTE, ATTRIBUTE.replace("'", '"'), ELEMENT])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "deep TIFF"])
def test_turned_upright_by_xmp(form: str, xmp: str) -> None:
    stored = np.rot90(LEVELS).copy()  # a quarter turn clockwise sets it upright
    file = io.BytesIO()
    if "TIFF" in form:
        samples = DEPTHS["16"](stored) if form == "deep TIFF" else stored
        raw = tiff(samples, photometric="rgb", extratags=[(700, 1, None, xmp.encode(), True)])
    else:
        options: dict[str, Any] = {
            "JPEG": {"quality": 100, "subsampling": 0, "xmp": xmp.encode()},
            "PNG": {"pnginfo": _text("XML:com.adobe.xmp", xmp)},
            "WEBP": {"lossless": True, "xmp": xmp.encode()},
        }[form]
        Image.fromarray(stored).save(file, form, **options)
        raw = file.getvalue()
    photo = decoded(raw)
    assert (photo.width, photo.height) == (72, 48)
    assert np.abs(np.asarray(photo.image).astype(int) - LEVELS).mean() < 3


def _text(key: str, text: str) -> Any:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt(key, text)
    return info


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("planes", [False, True])
def test_deep_tiff_turned_upright_by_its_tag(orientation: int, planes: bool) -> None:
    stored = {
        1: LEVELS, 2: LEVELS[:, ::-1], 3: LEVELS[::-1, ::-1], 4: LEVELS[::-1],
        5: LEVELS.transpose(1, 0, 2), 6: np.rot90(LEVELS),
        7: LEVELS[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(LEVELS, -1),
    }[orientation]  # fmt: skip
    samples = DEPTHS["16"](stored)
    config = {"planarconfig": "separate"} if planes else {}
    photo = decoded(
        tiff(
            np.ascontiguousarray(samples.transpose(2, 0, 1) if planes else samples),
            photometric="rgb", extratags=[(274, 3, 1, orientation, True)], **config,
        )
    )  # fmt: skip
    assert np.array_equal(np.asarray(photo.image), LEVELS)
    assert (photo.width, photo.height) == (72, 48)


def test_exif_behind_the_pixels_of_a_png_counts() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    file = io.BytesIO()
    Image.fromarray(LEVELS[::-1, ::-1]).save(file, "PNG")
    raw, data = file.getvalue(), exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(data)) + b"eXIf" + data
    chunk += struct.pack(">I", zlib.crc32(b"eXIf" + data))
    assert np.array_equal(pixels(raw[:-12] + chunk + raw[-12:]), LEVELS)
