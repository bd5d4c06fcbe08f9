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
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError
from PIL.Image import Transpose
from PIL.ImageFile import ImageFile

from thinsection.base.errors import InputError
from thinsection.decode.colour import to_srgb
from thinsection.decode.deep import EACH, DeepScale, SampleRange, has_known_scale, range_of
from thinsection.decode.formats import READ, format_not_decoded
from thinsection.decode.raster import Raster, alpha_of, quiet_loggers
from thinsection.decode.resize import Fit, fit_to_size, reduction
from thinsection.decode.tiff import MAGIC, TiffPicture, open_tiff, orientation_by_xmp
from thinsection.decode.unusable import REMEDY, UnusablePhoto, check_megapixels

__all__ = [
    "FORMATS",
    "Fit",
    "Photo",
    "UnusablePhoto",
    "decode_photo",
    "deep_range",
    "fit_to_size",
    "format_and_size",
    "reduction",
]

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF")
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


def decode_photo(
    source: Path | bytes,
    at_least: tuple[int, int],
    max_megapixels: float,
    scale: DeepScale = EACH,
) -> Photo:
    """
    A file decoded to 8-bit sRGB.

    Parameters
    ----------
    source : the file, or its bytes
    at_least : (height, width) to which the photo will be resized
    max_megapixels : a larger photo is refused before it is unpacked
    scale : on which a photo of more than 8 bits is reduced to them

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
        return _decode(file, at_least, max_megapixels, scale)


def deep_range(source: Path | bytes, max_megapixels: float) -> SampleRange | None:
    """
    The range of a photo's samples, from which a scale for several photos is made.

    None if its scale is known without: it has 8 bits, or says how many its camera has.

    Raises
    ------
    UnusablePhoto
        With the reason.
    """
    with (
        _explained(),
        source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file,
    ):
        picture, _ = _found(file)
        check_megapixels(picture.width, picture.height, max_megapixels)
        raster: Raster | None
        if isinstance(picture, TiffPicture):
            raster = None if picture.has_known_scale else picture.raster(max_megapixels)
        else:
            raster = _deep_png(picture, file) if _is_deep_png(picture) else None
        if raster is None or has_known_scale(raster.samples, raster.bits):
            return None
        return range_of(raster.samples, raster.bits)


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


def _decode(
    file: BinaryIO, at_least: tuple[int, int], max_megapixels: float, scale: DeepScale
) -> Photo:
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
    rgb, more = to_srgb(picture, raster, scale)
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    if name == "JPEG":
        width, height = size
    else:  # of a TIFF, Pillow may have turned it by itself as it loaded
        width, height = rgb.size
    return Photo(rgb, width, height, name, quality, (*notes, *complaint, *more))


def _found(file: BinaryIO) -> tuple[ImageFile | TiffPicture, list[str]]:
    """The photo in a file, not yet decoded, and notes."""
    start = file.read(READ)
    if not start:
        raise UnusablePhoto("empty", "0 bytes")
    if name := format_not_decoded(start):
        raise UnusablePhoto("this format", f"{name}; {REMEDY}")
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


def _deep_png(image: ImageFile, file: BinaryIO) -> Raster | None:
    """
    The samples of a 16-bit PNG; None for any other image.

    Pillow throws the low byte of each away unless they are grey, which leaves 16 levels of 12 bits.
    """
    if image.format != "PNG":
        return None
    deep = _is_deep_png(image)
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


def _is_deep_png(image: ImageFile) -> bool:
    return image.format == "PNG" and bool(image.tile) and ";16" in str(image.tile[0].args)


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
