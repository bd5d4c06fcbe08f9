"""
Decode, check and resize one photo; no other code reads photos.

Ingestion and prediction both use this module, so a new photo is prepared exactly like the
training photos. Every photo becomes 8-bit sRGB, upright, without alpha:

1. the format is recognised from the content, never from the extension;
2. a JPEG much larger than needed is decoded at 1/2, 1/4 or 1/8 of its size, but at least
   ``REDUCED_MARGIN`` times the requested size (53 dB from a full decode);
3. the camera's orientation (EXIF) is applied;
4. 16-bit samples are scaled by the photo's own range; an embedded colour profile is applied;
   transparent photos are placed on white;
5. it is resized with antialiasing; the aspect ratio is kept by cropping or padding.
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
REDUCED_MARGIN = 2  # least ratio of the size at which a JPEG is decoded to the requested size
_PROFILES_KEPT = 16  # size of the cache; a microscope always writes the same profile

_UPRIGHT = {  # EXIF orientation -> the transposition that makes the photo upright
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
    The reason why a file can't be used as a photo.

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
    image : 8-bit sRGB, upright; a large JPEG is decoded at a reduced scale
    width, height : upright size in the file, pixels
    format : JPEG, PNG, TIFF, BMP, WEBP or GIF, by content
    jpeg_quality : 1..100, estimated from the quantisation table; 0 if there is none
    notes : changes that the user may want to know about
    """

    image: Image.Image
    width: int
    height: int
    format: str
    jpeg_quality: int
    notes: tuple[str, ...]

    def same_decode(self, first: tuple[int, int], second: tuple[int, int]) -> bool:
        """Whether the file is decoded at the same scale for two sizes (height, width)."""
        reductions = [reduction(self.width, self.height, size) for size in (first, second)]
        return self.format != "JPEG" or reductions[0] == reductions[1]


def reduction(width: int, height: int, at_least: tuple[int, int]) -> int:
    """1, 2, 4 or 8: divisor of a JPEG's sides when it is decoded for (height, width)."""
    times = min(width // at_least[1], height // at_least[0]) // REDUCED_MARGIN
    return max(by for by in (1, 2, 4, 8) if by <= max(times, 1))


def decode_photo(source: Path | bytes, at_least: tuple[int, int], max_megapixels: float) -> Photo:
    """
    A file decoded to 8-bit sRGB.

    Parameters
    ----------
    source : the file, or its bytes
    at_least : (height, width) to which the photo will be resized
    max_megapixels : a larger photo is refused before it is unpacked

    Raises
    ------
    UnusablePhoto
        With the reason.

    Examples
    --------
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (16, 16), (200, 10, 10)).save(file, "PNG")
    >>> photo = decode_photo(file.getvalue(), at_least=(8, 8), max_megapixels=1.0)
    >>> photo.image.size, photo.image.getpixel((0, 0))
    ((16, 16), (200, 10, 10))
    >>> decode_photo(b"a page of text", at_least=(8, 8), max_megapixels=1.0)
    Traceback (most recent call last):
        ...
    thinsection.decode.photo.UnusablePhoto: not an image: ...
    """
    try:
        with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
            return _decode(file, at_least, max_megapixels)
    except UnusablePhoto:
        raise
    except UnidentifiedImageError:
        raise UnusablePhoto("not an image", f"none of {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError as error:  # some formats check again
        raise UnusablePhoto("too large", str(error)) from None
    except MemoryError:
        raise UnusablePhoto("too large", "out of memory") from None
    except Exception as error:  # Pillow's decoders raise a dozen types on damaged files
        raise UnusablePhoto(*_why(error)) from None


def fit_to_size(image: Image.Image, height: int, width: int, fit: Fit) -> Image.Image:
    """
    The image at ``height`` x ``width``, antialiased.

    ``crop`` trims the longer side symmetrically, ``pad`` adds bars of the photo's mean
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
    # Pillow widens each filter to the scale, so both are antialiased. When a photo shrinks, Hamming
    # is as sharp as bicubic at half the cost, but it shows steps when a photo is enlarged.
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
        notes.append(f"first of {n_pictures} frames in the file")
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
    ``Image.open`` without its limits on pixels, as our own check follows.

    Pillow warns above 89 megapixels and refuses twice as many. These limits and the warning
    filter are global to the process, so they are not changed here.
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
                continue  # Pillow's signs of "not this format"
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
    An image with more than 8 bits per sample, scaled by its own range to 8 bits, and the range.

    None for an 8-bit image. All channels share one scale, which preserves the colour balance.
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

    Pillow unpacks only the high byte of each sample, which leaves 16 grey levels of a 12-bit
    camera. With the other byte order, the same unpacker gives the low bytes, so the tiles are
    decoded twice.
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
    """The transform from a profile to sRGB, or None if it is already sRGB."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if mode == "RGB" and "sRGB" in (source.profile.profile_description or ""):
        return None
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")


def _orientation(image: Image.Image) -> tuple[int, list[str]]:
    """The EXIF orientation, 1..8, and a note if it can't be read."""
    if image.format == "TIFF" or "exif" not in image.info:
        return 1, []  # Pillow makes a TIFF upright when loading it
    try:
        return int(image.getexif().get(0x0112, 1)), []
    except Exception:  # damaged EXIF raises a dozen types; the photo itself may be intact
        return 1, ["its EXIF data can't be read"]


def _jpeg_quality(image: Image.Image) -> int:
    """
    The IJG quality setting, 1..100, that best matches the file's luminance table; 0 if none.

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
    text = " ".join(str(error).split()) or type(error).__name__
    cut = ("truncated", "Truncated", "end of file", "unexpected end", "EOF")
    return ("truncated" if any(word in text for word in cut) else "unreadable"), text
