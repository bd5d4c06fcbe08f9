"""A picture, or its samples, as 8-bit sRGB: deep samples scaled, profile applied, alpha on white."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms
from PIL.ImageFile import ImageFile

from thinsection.decode.deep import EACH, DeepScale, to_8_bits
from thinsection.decode.raster import Raster
from thinsection.decode.tiff import TiffPicture

_PROFILES_KEPT = 16  # size of the cache; a microscope always writes the same profile


def to_srgb(
    picture: ImageFile | TiffPicture, raster: Raster | None, scale: DeepScale = EACH
) -> tuple[Image.Image, list[str]]:
    """
    The picture in mode RGB, and notes.

    Parameters
    ----------
    raster : its samples where Pillow reads it by halves
    scale : on which deep samples are reduced to 8 bits
    """
    notes: list[str] = []
    if raster is not None:
        image, alpha, notes = _eight_bits(raster, scale)
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


def _eight_bits(
    raster: Raster, scale: DeepScale
) -> tuple[Image.Image, Image.Image | None, list[str]]:
    """The image of some samples, its alpha, and notes."""
    levels, notes = to_8_bits(raster.samples, raster.bits, scale)
    if raster.inverted:
        levels = 255 - levels
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[levels.shape[2]]
    image = Image.frombytes(mode, levels.shape[1::-1], levels.tobytes())
    alpha = raster.alpha
    mask = None if alpha is None else Image.fromarray(np.rint(255 * alpha).astype(np.uint8))
    return image, mask, notes


def _profile_applied(image: Image.Image, profile: bytes) -> tuple[Image.Image, list[str]]:
    try:
        transform = _transform(profile, image.mode)
        if transform is None:
            return image, []
        return ImageCms.applyTransform(image, transform) or image, []
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        return image, [f"colour profile not applied: {error}"]


@lru_cache(maxsize=_PROFILES_KEPT)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from a profile to sRGB, or None if it is already sRGB."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if mode == "RGB" and "sRGB" in (source.profile.profile_description or ""):
        return None
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
