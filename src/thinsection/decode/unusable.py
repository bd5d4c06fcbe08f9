"""Why a file can't be used as a photo."""

REMEDY = "save the photo as PNG or TIFF"  # where it is whole, but in a format that isn't decoded


class UnusablePhoto(ValueError):
    """
    Why a file can't be used as a photo.

    ``kind`` is one of ``empty``, ``not an image``, ``truncated``, ``too large``, ``unreadable``,
    ``this format``, ``this kind of TIFF`` and ``this kind of JPEG`` (whole, but not decoded).
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


def check_megapixels(width: int, height: int, most: float) -> None:
    """
    Whether a photo of this size may be unpacked.

    Raises
    ------
    UnusablePhoto
        If it has more than ``most`` megapixels.
    """
    megapixels = width * height / 1e6
    if megapixels > most:
        raise UnusablePhoto(
            "too large",
            f"{width} x {height} pixels, {megapixels:.0f} megapixels; "
            f"at most {most:g} (ingest.max_megapixels)",
        )
