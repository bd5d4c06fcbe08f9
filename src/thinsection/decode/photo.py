"""
Decode, check and resize one photo; no other code reads photos.

Ingestion and prediction both use this module, so a new photo is prepared exactly like the
training photos. Every photo becomes 8-bit sRGB, upright, without alpha:

1. the format is told by the content, never by the extension;
2. a JPEG much larger than needed is decoded at 1/2, 1/4 or 1/8 of its size, at least
   ``REDUCED_MARGIN`` times the size that is asked for (53 dB from a full decode);
3. the camera's orientation (EXIF, a TIFF's tag, else XMP) is applied;
4. deeper samples are scaled to 8 bits (``deep.py``); an embedded colour profile is applied; alpha
   is laid over white;
5. it is resized with antialiasing, its aspect ratio kept by cropping or padding.
"""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.Image import Resampling, Transpose
from PIL.ImageFile import ImageFile

from thinsection.base.errors import InputError
from thinsection.decode.deep import to_8_bits
from thinsection.decode.tiff import (
    MAGIC,
    Raster,
    TiffPicture,
    alpha_of,
    open_tiff,
    orientation_by_xmp,
    quiet_loggers,
)
from thinsection.decode.unusable import UnusablePhoto, check_megapixels

__all__ = ["FORMATS", "Fit", "Photo", "UnusablePhoto", "decode_photo", "fit_to_size"]

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
    thinsection.decode.unusable.UnusablePhoto: not an image: ...
    """
    with (
        _explained(),
        source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file,
    ):
        return _decode(file, at_least, max_megapixels)


def format_and_size(source: bytes) -> tuple[str, int, int]:
    """
    Format, by content, width and height of a file, without decoding it.

    Raises
    ------
    UnusablePhoto
        If it is not an image in a format that is decoded.
    """
    with _explained(), io.BytesIO(source) as file:
        picture, _ = _found(file)
        return _name(picture), picture.width, picture.height


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


@contextmanager
def _explained() -> Iterator[None]:
    """Turns whatever is raised for a file into an UnusablePhoto."""
    try:
        yield
    except UnusablePhoto:
        raise
    except UnidentifiedImageError:
        raise UnusablePhoto("not an image", f"none of {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError as error:  # some of its formats check again
        raise UnusablePhoto("too large", str(error)) from None
    except MemoryError:
        raise UnusablePhoto("too large", "out of memory") from None
    except ImportError as error:
        raise InputError(
            f"{error.name}, which decodes photos of more than 8 bits, is not installed. "
            "Install it with `pip install 'thinsection[predict]'`."
        ) from None
    except Exception as error:  # Pillow's decoders raise a dozen types on damaged files
        raise UnusablePhoto(*_why(error)) from None


def _decode(file: BinaryIO, at_least: tuple[int, int], max_megapixels: float) -> Photo:
    picture, notes = _found(file)
    check_megapixels(picture.width, picture.height, max_megapixels)
    name = _name(picture)
    width, height = picture.width, picture.height
    quality, complaint = 0, list[str]()
    raster: Raster | None
    if isinstance(picture, TiffPicture):
        orientation = picture.orientation
        raster = picture.raster(max_megapixels)
    else:
        raster = _deep_png(picture, file)
        orientation, complaint = _orientation(picture)
        quality = _jpeg_quality(picture)
        if name == "JPEG":
            size = (height, width) if orientation in _SIDEWAYS else (width, height)
            by = reduction(*size, at_least)
            picture.draft(None, (width // by, height // by))
    rgb, more = _to_srgb(picture, raster)
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    if name == "JPEG":
        width, height = size
    else:  # of a TIFF, Pillow may have turned it by itself as it loaded
        width, height = rgb.size
    return Photo(rgb, width, height, name, quality, (*notes, *complaint, *more))


def _found(file: BinaryIO) -> tuple[ImageFile | TiffPicture, list[str]]:
    """The photo in a file, not yet decoded, and notes."""
    start = file.read(16)
    if not start:
        raise UnusablePhoto("empty", "0 bytes")
    if start.startswith(MAGIC):
        return open_tiff(file)
    image = _opened(file)
    n_pictures = _n_pictures(image)
    return image, [f"first of {n_pictures} pictures in the file"] if n_pictures > 1 else []


def _n_pictures(image: ImageFile) -> int:
    """How many a file holds; the preview that a camera puts behind a JPEG is none."""
    entries = getattr(image, "mpinfo", {}).get(0xB002, [])
    previews = [
        entry for entry in entries if "Thumbnail" in str(entry.get("Attribute", {}).get("MPType"))
    ]
    return int(getattr(image, "n_frames", 1)) - len(previews)


def _name(picture: ImageFile | TiffPicture) -> str:
    return "JPEG" if picture.format == "MPO" else str(picture.format)


def _opened(file: BinaryIO) -> ImageFile:
    """
    ``Image.open`` without its limits on pixels, as our own check follows.

    Pillow warns above 89 megapixels and refuses twice as many. These limits and the warning
    filter are global to the process, so they are not changed here.
    """
    Image.preinit()
    file.seek(0)
    start = file.read(16)
    for name in FORMATS:
        if name == "TIFF":
            continue  # only ever by ``open_tiff``
        if name not in Image.OPEN:
            Image.init()
        factory, accepts = Image.OPEN[name]
        if accepts is None or accepts(start) is True:
            file.seek(0)
            try:
                return factory(file, "")
            except (SyntaxError, IndexError, TypeError, struct.error) as error:
                if str(error).startswith("cannot handle"):  # 12 bits, or an odd number of colours
                    raise UnusablePhoto(f"this kind of {name}", str(error)) from None
                continue  # what Pillow takes for "not of this format"
    raise UnidentifiedImageError


def _to_srgb(
    picture: ImageFile | TiffPicture, raster: Raster | None
) -> tuple[Image.Image, list[str]]:
    """The picture, or its samples where Pillow reads it by halves, in mode RGB, and notes."""
    notes: list[str] = []
    if raster is not None:
        image, alpha, notes = _eight_bits(raster)
    else:
        assert isinstance(picture, ImageFile)
        image, alpha = _without_alpha(picture)
    profile = picture.info.get("icc_profile")
    if alpha is not None and alpha.getextrema() == (0, 0):
        alpha = None
        notes.append("transparent everywhere: its alpha was ignored")
    if profile:
        image, complaint = _profile_applied(image, profile)
        notes += complaint
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", rgb.size, (255, 255, 255))
        white.paste(rgb, mask=alpha)
        rgb = white
    return rgb, notes


def _without_alpha(opened: ImageFile) -> tuple[Image.Image, Image.Image | None]:
    """The image in a mode that a profile can be applied to, and its alpha."""
    opened.load()
    if opened.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in opened.info:
        image = opened.convert("RGBA")
        return image.convert("RGB"), image.getchannel("A")
    if opened.mode in ("P", "1", "YCbCr", "HSV"):
        return opened.convert("RGB"), None
    return opened, None


def _deep_png(image: ImageFile, file: BinaryIO) -> Raster | None:
    """
    The samples of a 16-bit PNG; None for any other image.

    Pillow throws the low byte of each away unless they are grey, which leaves 16 levels of 12 bits.
    """
    if image.format != "PNG":
        return None
    deep = bool(image.tile) and ";16" in str(image.tile[0].args)
    image.load()  # its EXIF may come last; a damaged file stops here
    if not deep:
        return None
    from imagecodecs import png_decode

    quiet_loggers()
    file.seek(0)
    samples = png_decode(file.read())
    samples = samples.reshape(*samples.shape[:2], -1)
    if samples.shape[2] in (1, 3):
        return Raster(samples, None, 16)
    return Raster(samples[..., :-1], alpha_of(samples[..., -1], 16), 16)


def _eight_bits(raster: Raster) -> tuple[Image.Image, Image.Image | None, list[str]]:
    """The image of some samples, its alpha, and notes."""
    levels, note = to_8_bits(raster.samples, raster.bits)
    if raster.inverted:
        levels = 255 - levels
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[levels.shape[2]]
    image = Image.frombytes(mode, levels.shape[1::-1], levels.tobytes())
    alpha = raster.alpha
    mask = None if alpha is None else Image.fromarray(np.rint(255 * alpha).astype(np.uint8))
    return image, mask, [note] if note else []


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


def _orientation(image: ImageFile) -> tuple[int, list[str]]:
    """What is left to turn, as an EXIF orientation, and a complaint where it can't be read."""
    try:
        orientation = image.getexif().get(0x0112)
    except Exception:  # damaged EXIF raises a dozen types; the picture itself may be whole
        return 1, ["its EXIF data can't be read"]
    if orientation and image.format == "TIFF":
        return 1, []  # Pillow turns it upright by itself as it loads
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    return int(orientation or orientation_by_xmp(xmp)), []


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
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = " ".join(told.split()) or type(error).__name__
    cut = ("truncated", "Truncated", "end of file", "unexpected end", "EOF", "stream too small")
    return ("truncated" if any(word in text for word in cut) else "unreadable"), text
