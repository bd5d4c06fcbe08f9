"""
Decode, check and resize one photo: the only way by which a picture enters the program.

Ingestion and prediction both come through here, so a new photo is prepared exactly as the
training photos were. Every photo becomes 8-bit sRGB, upright, without alpha:

1. the format is told by the content, never by the extension;
2. a JPEG much larger than needed is decoded at 1/2, 1/4 or 1/8 of its size, at least
   ``REDUCED_MARGIN`` times the size that is asked for (53 dB from a full decode);
3. the camera's orientation (EXIF) is applied;
4. 16-bit samples are scaled by the photo's own range; an embedded colour profile is applied;
   alpha is laid over white;
5. it is resized with antialiasing, its aspect ratio kept by cropping or padding.
"""

import io
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.Image import Resampling, Transpose
from PIL.ImageFile import ImageFile, _Tile

from thinsection.base.arrays import Floats

Fit = Literal["crop", "pad", "stretch"]

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF")
REDUCED_MARGIN = 2  # a JPEG is decoded at no less than this times the size asked for
_PROFILES_KEPT = 16  # colour transforms remembered: a microscope writes one and the same profile

_UPRIGHT = {  # EXIF orientation -> what turns the photo upright
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)


class UnusablePhoto(ValueError):
    """
    Why a file can't be used as a photo.

    ``kind`` is one of ``empty``, ``not an image``, ``truncated``, ``too large``, ``unreadable``.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


@dataclass(frozen=True)
class Photo:
    """
    One decoded photo.

    Attributes
    ----------
    image : 8-bit sRGB, upright; of a large JPEG at a reduced scale
    width, height : upright size in the file, pixels
    format : JPEG, PNG, TIFF, BMP, WEBP or GIF, by content
    jpeg_quality : 1..100, estimated from the quantisation table; 0 where there is none
    notes : what was done to it that its owner may want to know
    """

    image: Image.Image
    width: int
    height: int
    format: str
    jpeg_quality: int
    notes: tuple[str, ...]

    def same_decode(self, first: tuple[int, int], second: tuple[int, int]) -> bool:
        """Whether the file is decoded at one and the same scale for two sizes (height, width)."""
        reductions = [reduction(self.width, self.height, size) for size in (first, second)]
        return self.format != "JPEG" or reductions[0] == reductions[1]


def reduction(width: int, height: int, at_least: tuple[int, int]) -> int:
    """1, 2, 4 or 8: what the sides of a JPEG are divided by as it is decoded for (height, width)."""
    times = min(width // at_least[1], height // at_least[0]) // REDUCED_MARGIN
    return max(by for by in (1, 2, 4, 8) if by <= max(times, 1))


def decode_photo(source: Path | bytes, at_least: tuple[int, int], max_megapixels: float) -> Photo:
    """
    A file decoded to 8-bit sRGB.

    Parameters
    ----------
    source : the file, or its bytes
    at_least : (height, width) that the photo will be resized to
    max_megapixels : a file that unpacks to more is refused before it is unpacked

    Raises
    ------
    UnusablePhoto
        With the reason, for whatever is wrong with the file.
    """
    try:
        with open(source, "rb") if isinstance(source, Path) else io.BytesIO(source) as file:
            return _decode(file, at_least, max_megapixels)
    except UnusablePhoto:
        raise
    except UnidentifiedImageError:
        raise UnusablePhoto("not an image", f"none of {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError as error:  # some of its formats check again
        raise UnusablePhoto("too large", str(error)) from None
    except MemoryError:
        raise UnusablePhoto("too large", "out of memory") from None
    except Exception as error:  # Pillow's decoders raise a dozen types on damaged files
        raise UnusablePhoto(*_why(error)) from None


def fit_to_size(image: Image.Image, height: int, width: int, fit: Fit) -> Image.Image:
    """
    The image at ``height`` x ``width``, antialiased.

    ``crop`` cuts the longer side about the centre, ``pad`` adds bars of the photo's mean
    colour, ``stretch`` changes the aspect ratio.
    """
    if fit == "stretch":
        return _resized(image, width, height, (0, 0, image.width, image.height))
    if fit == "crop":
        scale = min(image.width / width, image.height / height)
        left = (image.width - width * scale) / 2
        top = (image.height - height * scale) / 2
        return _resized(
            image, width, height, (left, top, left + width * scale, top + height * scale)
        )
    scale = max(image.width / width, image.height / height)
    inner_width = max(1, min(width, round(image.width / scale)))
    inner_height = max(1, min(height, round(image.height / scale)))
    inner = _resized(image, inner_width, inner_height, (0, 0, image.width, image.height))
    mean = np.asarray(inner).mean(axis=(0, 1)).round().astype(int)
    canvas = Image.new("RGB", (width, height), tuple(int(channel) for channel in mean))
    canvas.paste(inner, ((width - inner_width) // 2, (height - inner_height) // 2))
    return canvas


def _resized(
    image: Image.Image, width: int, height: int, box: tuple[float, float, float, float]
) -> Image.Image:
    box = (max(box[0], 0), max(box[1], 0), min(box[2], image.width), min(box[3], image.height))
    # Pillow widens each filter to the scale, so both are antialiased. Hamming is as sharp as
    # bicubic at half the cost when a photo shrinks, but shows steps when it grows.
    shrinks = box[2] - box[0] > width and box[3] - box[1] > height
    return image.resize((width, height), Resampling.HAMMING if shrinks else Resampling.BICUBIC, box)


def _decode(file: BinaryIO, at_least: tuple[int, int], max_megapixels: float) -> Photo:
    if not file.read(1):
        raise UnusablePhoto("empty", "0 bytes")
    file.seek(0)
    image = _opened(file)
    megapixels = image.width * image.height / 1e6
    if megapixels > max_megapixels:
        raise UnusablePhoto(
            "too large",
            f"{image.width} x {image.height} pixels, {megapixels:.0f} megapixels; "
            f"at most {max_megapixels:g} (ingest.max_megapixels)",
        )
    notes = []
    n_pictures = getattr(image, "n_frames", 1)
    if n_pictures > 1:
        notes.append(f"first of {n_pictures} pictures in the file")
    quality = _jpeg_quality(image)
    orientation, complaint = _orientation(image)
    notes += complaint
    sideways = orientation in _SIDEWAYS
    width, height = image.size[::-1] if sideways else image.size
    if image.format in ("JPEG", "MPO"):
        by = reduction(width, height, at_least)
        image.draft(None, (image.width // by, image.height // by))
    name = "JPEG" if image.format == "MPO" else str(image.format)
    rgb, more = _to_srgb(image)
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    return Photo(rgb, width, height, name, quality, (*notes, *more))


def _opened(file: BinaryIO) -> ImageFile:
    """
    ``Image.open`` without its limits on pixels, for ours comes next.

    Pillow warns above 89 megapixels and refuses twice as many; both limits and the warning's
    filter are the whole process's, which is not ours to change.
    """
    Image.preinit()
    start = file.read(16)
    for name in FORMATS:
        if name not in Image.OPEN:
            Image.init()
        factory, accepts = Image.OPEN[name]
        if accepts is None or accepts(start) is True:
            file.seek(0)
            try:
                return factory(file, "")
            except (SyntaxError, IndexError, TypeError, struct.error):
                continue  # what Pillow takes for "not of this format"
    raise UnidentifiedImageError


def _to_srgb(opened: ImageFile) -> tuple[Image.Image, list[str]]:
    """The image in mode RGB, and notes."""
    notes: list[str] = []
    image: Image.Image = opened
    deep = _sixteen_bit(opened)
    if deep is not None:
        image, low, high = deep
        notes.append(f"16-bit, {low}..{high} scaled to 0..255")
    else:
        image.load()
    profile = image.info.get("icc_profile")
    alpha = None
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
    elif image.mode in ("P", "1", "YCbCr", "HSV"):
        image = image.convert("RGB")
    if profile:
        image, complaint = _profile_applied(image, profile)
        notes += complaint
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", rgb.size, (255, 255, 255))
        white.paste(rgb, mask=alpha)
        rgb = white
    return rgb, notes


def _sixteen_bit(image: ImageFile) -> tuple[Image.Image, int, int] | None:
    """
    An image of more than 8 bits a sample scaled by its own range to 8, with the range.

    None for an image of 8 bits. All channels share one scale, so colours keep their balance.
    """
    if image.mode.startswith(("I", "F")):
        image.load()
        samples = np.asarray(image).astype(np.float32)
    elif image.mode == "RGB" and image.tile and "RGB;16" in str(image.tile[0].args):
        samples = _both_bytes(image)
    else:
        return None
    samples = np.nan_to_num(samples, posinf=0, neginf=0)
    low, high = float(samples.min()), float(samples.max())
    scaled = (samples - low) * (255 / max(high - low, 1e-30))
    grey = Image.fromarray(np.rint(scaled).astype(np.uint8))
    grey.info = {k: v for k, v in image.info.items() if k == "icc_profile"}
    return grey, round(low), round(high)


def _both_bytes(image: ImageFile) -> Floats:
    """
    (height, width, 3) float32 samples of a 16-bit RGB image.

    Pillow unpacks such a file to the high byte of each sample and throws the low byte away,
    which leaves 16 grey levels of a 12-bit camera. Read in the other byte order, the same
    unpacker gives the low bytes: so the tiles are decoded twice.
    """
    stream = image.fp
    assert stream is not None
    tiles = list(image.tile)
    native = "L" if struct.pack("=H", 1) == struct.pack("<H", 1) else "B"
    order = str(tiles[0].args).split("RGB;16")[1][0].replace("N", native)
    stream.seek(0)
    other = _opened(io.BytesIO(stream.read()))
    other.tile = [_with_order(tile, "B" if order == "L" else "L") for tile in tiles]
    image.load()
    other.load()
    high, low = np.asarray(image, np.float32), np.asarray(other, np.float32)
    return high * 256 + low


def _with_order(tile: _Tile, order: str) -> _Tile:
    first, *others = [tile.args] if isinstance(tile.args, str) else list(tile.args or ())
    changed = f"RGB;16{order}{first[7:]}"
    return tile._replace(args=(changed, *others) if others else changed)


def _profile_applied(image: Image.Image, profile: bytes) -> tuple[Image.Image, list[str]]:
    try:
        transform = _to_srgb_transform(profile, image.mode)
        if transform is None:
            return image, []
        return ImageCms.applyTransform(image, transform) or image, []
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        return image, [f"colour profile not applied: {error}"]


@lru_cache(maxsize=_PROFILES_KEPT)
def _to_srgb_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB, or None where it is sRGB already."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if mode == "RGB" and "sRGB" in (source.profile.profile_description or ""):
        return None
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")


def _orientation(image: Image.Image) -> tuple[int, list[str]]:
    """The EXIF orientation, 1..8, and a complaint where it can't be read."""
    if image.format == "TIFF" or "exif" not in image.info:
        return 1, []  # Pillow turns a TIFF upright by itself as it loads
    try:
        return int(image.getexif().get(0x0112, 1)), []
    except Exception:  # damaged EXIF raises a dozen types; the picture itself may be whole
        return 1, ["its EXIF data can't be read"]


def _jpeg_quality(image: Image.Image) -> int:
    """
    The IJG quality setting, 1..100, that gives the file's luminance table most nearly; 0 if none.

    A quality below 50 scales the standard table by 50/quality, above by 2 - quality/50.
    """
    tables = getattr(image, "quantization", None)
    if not tables or 0 not in tables:
        return 0
    percent = 100 * sum(tables[0]) / _STANDARD_SUM
    quality = (200 - percent) / 2 if percent <= 100 else 5000 / percent
    return int(min(max(round(quality), 1), 100))


_STANDARD_SUM = 3688  # of the 64 entries of the luminance table, ITU-T T.81, Annex K.1


def _why(error: Exception) -> tuple[str, str]:
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = " ".join(told.split()) or type(error).__name__
    cut = ("truncated", "Truncated", "end of file", "unexpected end", "EOF")
    return ("truncated" if any(word in text for word in cut) else "unreadable"), text
