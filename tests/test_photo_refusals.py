"""What isn't decoded is refused by its true name; libraries keep their complaints to themselves."""

import io
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from layouts import DEPTHS, LEVELS, decoded, pixels, png_16, tiff
from thinsection.decode.photo import UnusablePhoto


@pytest.mark.parametrize(
    ("samples", "options", "name"),
    [
        (LEVELS[..., 0].astype(np.complex64), {}, "64-bit complex"),
        (LEVELS[..., 0], {"photometric": "cfa"}, "raw sensor data (colour filter array)"),
        (LEVELS.astype(np.uint16), {"photometric": "cielab"}, "CIELAB colour"),
        (LEVELS.astype(np.uint16), {"photometric": "minisblack", "planarconfig": "contig"},
         "3 channels that aren't said to be colours"),
    ],
)  # fmt: skip
def test_other_kinds_are_refused_by_name(
    samples: np.ndarray, options: dict[str, Any], name: str
) -> None:
    with pytest.raises(UnusablePhoto, match=f"^this kind of TIFF: {re.escape(name)}$"):
        decoded(tiff(samples, **options))


def test_missing_strips_are_not_black() -> None:
    raw = tiff(DEPTHS["16"](LEVELS), photometric="rgb", rowsperstrip=8, compression="zlib")
    with tifffile.TiffFile(io.BytesIO(raw)) as file:
        place = file.pages[0].tags[273].valueoffset  # type: ignore[union-attr]
    with pytest.raises(UnusablePhoto, match="^truncated"):
        decoded(raw[:-100])
    beyond = raw[:place] + struct.pack("<I", len(raw)) + raw[place + 4 :]
    with pytest.raises(UnusablePhoto, match="^truncated"):
        decoded(beyond)


def test_libpng_keeps_its_complaints_to_itself(tmp_path: Path) -> None:
    raw = png_16(DEPTHS["16"](LEVELS))
    data = b"iCCP" + b"x\0\0" + zlib.compress(b"no profile")
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    path = tmp_path / "spoilt.png"
    path.write_bytes(raw[:33] + chunk + raw[33:])  # behind the header
    code = f"""
from pathlib import Path
from thinsection.decode.photo import decode_photo
print(decode_photo(Path({str(path)!r}), (48, 72), 1.0).notes[-1])
"""
    # in a process of its own, for pytest takes what is logged
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("colour profile not applied")
    assert ran.stderr == ""


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_libtiff_keeps_its_complaints_to_itself(capfd: pytest.CaptureFixture[str]) -> None:
    file = io.BytesIO()
    Image.fromarray(LEVELS).convert("1").save(file, "TIFF", compression="group4")
    raw = bytearray(file.getvalue())
    raw[60:160] = bytes(range(100))
    for spoilt in (bytes(raw), file.getvalue()[:-40]):
        try:
            decoded(spoilt)
        except UnusablePhoto:
            continue
    assert capfd.readouterr().err == ""


def test_colour_of_1_bit() -> None:
    raw = bytearray(tiff(np.packbits((LEVELS > 127).reshape(48, -1), axis=1)))
    with tifffile.TiffFile(io.BytesIO(raw)) as file:
        tags = {code: file.pages[0].tags[code].valueoffset for code in (256, 258, 262, 277)}  # type: ignore[union-attr]
    for code, value in {256: 72, 258: 1, 262: 2, 277: 3}.items():  # width, bits, RGB, samples
        struct.pack_into("<H", raw, tags[code], value)
    assert np.array_equal(pixels(bytes(raw)), np.where(LEVELS > 127, 255, 0))


def test_a_tiff_compressed_by_webp() -> None:
    raw = tiff(LEVELS, photometric="rgb", compression="webp", compressionargs={"level": -1})
    assert np.abs(pixels(raw).astype(int) - LEVELS).mean() < 4


@pytest.mark.parametrize("form", ["imagej", "ome"])
@pytest.mark.parametrize("depth", ["8", "16"])
def test_a_channel_is_not_taken_for_a_photo(form: str, depth: str) -> None:
    planes = np.ascontiguousarray(DEPTHS[depth](LEVELS).transpose(2, 0, 1))
    raw = tiff(planes, photometric="minisblack", metadata={"axes": "CYX"}, **{form: True})
    with pytest.raises(UnusablePhoto, match="3 channels that aren't said to be colours$"):
        decoded(raw)
    for samples in (DEPTHS[depth](LEVELS[..., 0]), LEVELS):  # one channel, or a colour photo
        options: dict[str, Any] = {"photometric": "rgb"} if samples.ndim == 3 else {}
        found = pixels(tiff(samples, **options, metadata=None if form == "imagej" else {}, **{form: True}))  # fmt: skip
        expected = LEVELS if samples.ndim == 3 else np.broadcast_to(LEVELS[..., :1], LEVELS.shape)
        assert np.array_equal(found, expected)


# the first bytes of formats that aren't decoded, as their specifications have them
FORMATS_BY_START = {
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "AVIF": b"\0\0\0\x1cftypavif\0\0\0\0mif1avifmiaf",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ",
    "JPEG XL": b"\0\0\0\x0cJXL \r\n\x87\n",
    "CR3, a camera's raw data": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    "CR2, a camera's raw data": b"II*\0\x10\0\0\0CR\2\0",
    "RAF, a camera's raw data": b"FUJIFILMCCD-RAW 0201",
    "PSD (Photoshop)": b"8BPS\0\1",
    "DICOM": bytes(128) + b"DICM",
    "CZI (Zeiss)": b"ZISRAWFILE",
    "ND2 (Nikon)": b"\xda\xce\xbe\n",
    "LIF (Leica)": b"\x70\0\0\0\x10\0\0\0\x2a",
    "PDF": b"%PDF-1.7",
    "a film (MP4 or MOV)": b"\0\0\0\x14ftypqt  \0\0\2\0qt  ",
}


@pytest.mark.parametrize("name", FORMATS_BY_START)
def test_a_format_that_is_not_decoded_is_refused_by_its_name(name: str) -> None:
    message = f"^this format: {re.escape(name)}; save the photo as PNG or TIFF$"
    with pytest.raises(UnusablePhoto, match=message):
        decoded(FORMATS_BY_START[name] + bytes(300))


@pytest.mark.parametrize(
    ("encoder", "options", "name"),
    [
        ("jpeg2k_encode", {}, "JPEG 2000"),
        ("jpeg2k_encode", {"codecformat": "j2k"}, "JPEG 2000"),
        ("jpegxl_encode", {}, "JPEG XL"),
        ("jpegxr_encode", {}, "JPEG XR"),
        ("jpegls_encode", {}, "JPEG-LS"),
        ("avif_encode", {}, "AVIF"),
    ],
)
def test_real_files_of_these_formats(encoder: str, options: dict[str, str], name: str) -> None:
    import imagecodecs

    try:
        raw = bytes(getattr(imagecodecs, encoder)(LEVELS, **options))
    except (ImportError, AttributeError):  # a build without it
        pytest.skip(f"imagecodecs without {encoder}")
    with pytest.raises(UnusablePhoto, match=f"^this format: {name}"):
        decoded(raw)


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ((50706, 1, 4, b"\1\4\0\0", True), "DNG"),
        ((271, 2, 0, "NIKON CORPORATION", True), "NEF"),
        ((271, 2, 0, "SONY", True), "ARW"),
    ],
)
def test_raw_data_in_a_tiff_has_the_name_of_its_format(tag: tuple[Any, ...], name: str) -> None:
    raw = tiff(LEVELS[..., 0], photometric="cfa", extratags=[tag])
    with pytest.raises(UnusablePhoto, match=f"^this format: {name}, a camera's raw data; save"):
        decoded(raw)
