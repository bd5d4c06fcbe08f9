"""Pictures of any size, read by window: photos, and scans of whole sections that never fit into memory."""

import math
from abc import ABC, abstractmethod
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any, Self

import numpy as np

from thinsection.base.arrays import Bytes, mirrored
from thinsection.base.errors import InputError
from thinsection.decode.photo import UnusablePhoto, decode_photo

SCANS = (".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".bif", ".tif", ".tiff")
LARGE_MEGAPIXELS = 100  # a TIFF beyond it is read by window
TILES_KEPT = 96  # decoded tiles of a scan in memory: 75 MB of 512 x 512 pixels
UM_PER = {2: 25_400.0, 3: 10_000.0}  # of a TIFF's units of resolution: inch, centimetre
SLIDE_UM = (0.05, 20.0)  # micrometres a pixel that a microscope can have


class Picture(ABC):
    """
    A picture that gives windows of itself.

    Attributes
    ----------
    name : as displayed
    width, height : pixels
    um_per_pixel : scale; None if it is unknown
    """

    name: str
    width: int
    height: int
    um_per_pixel: float | None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - a photo in memory has nothing to close
        """Close its file."""

    @abstractmethod
    def inside(self, top: int, left: int, height: int, width: int) -> Bytes:
        """(height, width, 3) uint8 of a rectangle that lies in the picture."""

    def window(self, top: int, left: int, height: int, width: int) -> Bytes:
        """(height, width, 3) uint8 of any rectangle; what lies outside is mirrored."""
        rows = mirrored(top, height, self.height)
        columns = mirrored(left, width, self.width)
        first_row, first_column = int(rows.min()), int(columns.min())
        seen = self.inside(
            first_row, first_column,
            int(rows.max()) - first_row + 1, int(columns.max()) - first_column + 1,
        )  # fmt: skip
        return np.ascontiguousarray(seen[np.ix_(rows - first_row, columns - first_column)])

    def overview(self, longest: int) -> Bytes:
        """The whole picture, its longer side about ``longest`` pixels, from rows that are read one by one."""
        step = max(1, math.ceil(max(self.width, self.height) / longest))
        rows = [
            self.inside(top, 0, 1, self.width)[:, ::step] for top in range(0, self.height, step)
        ]
        return np.concatenate(rows)


class PhotoPicture(Picture):
    """A photo, decoded whole."""

    def __init__(self, name: str, pixels: Bytes, um_per_pixel: float | None = None) -> None:
        self.name, self._pixels, self.um_per_pixel = name, pixels, um_per_pixel
        self.height, self.width = pixels.shape[:2]

    def inside(self, top: int, left: int, height: int, width: int) -> Bytes:
        """(height, width, 3) uint8 of a rectangle that lies in the picture."""
        return self._pixels[top : top + height, left : left + width]

    def overview(self, longest: int) -> Bytes:
        """The whole photo, its longer side at most ``longest`` pixels."""
        from PIL import Image

        whole = Image.fromarray(self._pixels)
        whole.thumbnail((longest, longest))
        return np.asarray(whole)


class TiffScan(Picture):
    """A tiled or stripped TIFF (OME-TIFF and SVS among them), decoded tile by tile."""

    def __init__(self, path: Path) -> None:
        import tifffile

        self.name = path.name
        self._file = tifffile.TiffFile(path)
        self._page: Any = self._largest()
        if self._page.dtype != np.uint8 or self._page.samplesperpixel not in (3, 4):
            raise InputError(
                f"{path}: {self._page.samplesperpixel} samples of {self._page.dtype} a pixel; a scan has three "
                "of 8 bits. Save it as RGB."
            )
        if self._page.planarconfig != 1:
            raise InputError(f"{path}: its colours lie apart. Save it with interleaved RGB.")
        self.height, self.width = self._page.imagelength, self._page.imagewidth
        self.um_per_pixel = _tiff_scale(self._page)
        self._levels = self._smaller()
        self._tiles: OrderedDict[tuple[int, int], Bytes] = OrderedDict()
        self._lock = Lock()

    def close(self) -> None:
        """Close its file."""
        self._file.close()

    def _largest(self) -> Any:
        pages = [page for page in self._file.pages if len(page.shape) >= 2]
        if not pages:
            raise InputError(f"{self.name}: no picture in the file.")
        return max((page.aspage() for page in pages), key=lambda p: p.imagelength * p.imagewidth)

    def _smaller(self) -> list[Any]:
        """Smaller copies of the largest picture, the smallest first."""
        aspect = self.width / self.height
        pages = [page.aspage() for page in self._file.pages]
        copies = [
            page for page in pages
            if page.dtype == np.uint8 and page.samplesperpixel >= 3
            and abs(page.imagewidth / page.imagelength / aspect - 1) < 0.02
        ]  # fmt: skip
        return sorted(copies, key=lambda page: page.imagewidth)

    def inside(self, top: int, left: int, height: int, width: int) -> Bytes:
        """(height, width, 3) uint8 of a rectangle that lies in the picture."""
        return self._read(self._page, top, left, height, width)

    def overview(self, longest: int) -> Bytes:
        """The whole, from the smallest copy that is large enough."""
        wanted = [
            page for page in self._levels if max(page.imagewidth, page.imagelength) >= longest
        ]
        page = wanted[0] if wanted else self._page
        step = max(1, math.ceil(max(page.imagewidth, page.imagelength) / longest))
        # strip by strip, so that each tile is decoded once, however many there are in a row
        down = page.tilelength if page.is_tiled else page.rowsperstrip
        strips = []
        for top in range(0, page.imagelength, down):
            strip = self._read(page, top, 0, min(down, page.imagelength - top), page.imagewidth)
            strips.append(strip[-top % step :: step, ::step].copy())
        return np.concatenate(strips)

    def _read(self, page: Any, top: int, left: int, height: int, width: int) -> Bytes:
        down = page.tilelength if page.is_tiled else page.rowsperstrip
        across = page.tilewidth if page.is_tiled else page.imagewidth
        in_a_row = -(-page.imagewidth // across)
        found = np.zeros((height, width, 3), np.uint8)
        for row in range(top // down, (top + height - 1) // down + 1):
            for column in range(left // across, (left + width - 1) // across + 1):
                tile = self._tile(page, row * in_a_row + column)
                y, x = row * down, column * across
                rows = slice(max(y, top), min(y + tile.shape[0], top + height))
                columns = slice(max(x, left), min(x + tile.shape[1], left + width))
                found[
                    rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
                ] = tile[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
        return found

    def _tile(self, page: Any, number: int) -> Bytes:
        with self._lock:
            key = (page.index, number)
            if key in self._tiles:
                self._tiles.move_to_end(key)
                return self._tiles[key]
            try:
                handle = self._file.filehandle
                handle.seek(page.dataoffsets[number])
                data = handle.read(page.databytecounts[number])
                decoded = page.decode(data, number, jpegtables=page.jpegtables)[0]
            except Exception as error:  # a dozen types, from as many decoders
                raise InputError(
                    f"{self.name}: tile {number} can't be read ({error}). The file is broken; scan or copy it again."
                ) from None
            if decoded is None:
                raise InputError(
                    f"{self.name}: tile {number} is empty. The file is broken; scan or copy it again."
                )
            tile = np.ascontiguousarray(decoded.reshape(decoded.shape[-3:])[..., :3])
            self._tiles[key] = tile
            while len(self._tiles) > TILES_KEPT:
                self._tiles.popitem(last=False)
            return tile


class SlideScan(Picture):
    """What slide scanners write, by OpenSlide."""

    def __init__(self, path: Path) -> None:
        openslide = _openslide(path)
        self.name = path.name
        try:
            self._slide = openslide.OpenSlide(str(path))
        except openslide.OpenSlideError as error:
            raise InputError(
                f"{path}: no scan that OpenSlide can read ({error}). Allowed: {', '.join(SCANS)}."
            ) from None
        self._error = openslide.OpenSlideError
        self.width, self.height = self._slide.dimensions
        scale = self._slide.properties.get("openslide.mpp-x")
        self.um_per_pixel = _possible(float(scale)) if scale else None

    def close(self) -> None:
        """Close its file."""
        self._slide.close()

    def inside(self, top: int, left: int, height: int, width: int) -> Bytes:
        """(height, width, 3) uint8 of a rectangle that lies in the picture."""
        try:
            region = self._slide.read_region((left, top), 0, (width, height))
        except self._error as error:
            raise InputError(f"{self.name}: can't be read at {left}, {top} ({error}).") from None
        return np.asarray(region.convert("RGB"))

    def overview(self, longest: int) -> Bytes:
        """The whole, by OpenSlide."""
        return np.asarray(self._slide.get_thumbnail((longest, longest)).convert("RGB"))


def open_picture(path: Path, name: str, max_megapixels: float) -> Picture:
    """
    A photo or a scan.

    Raises
    ------
    InputError
        If it is neither, or is broken.
    """
    suffix = path.suffix.lower()
    if suffix in (".tif", ".tiff", ".svs") and (scan := _tiff_scan(path)) is not None:
        return scan
    if suffix in SCANS and suffix not in (".tif", ".tiff"):
        return SlideScan(path)
    try:
        everything = (2**31, 2**31)
        photo = decode_photo(path, everything, max_megapixels)
    except UnusablePhoto as error:
        raise InputError(f"{name}: {error}") from None
    return PhotoPicture(name, np.asarray(photo.image))


def _tiff_scan(path: Path) -> TiffScan | None:
    """The TIFF as a scan, if it is too large for a photo or has tiles; None for others."""
    try:
        import tifffile
    except ImportError:
        return None
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages[0].aspage()
            large = page.imagelength * page.imagewidth > 1e6 * LARGE_MEGAPIXELS
            if not (large or page.is_tiled):
                return None
    except (tifffile.TiffFileError, OSError, IndexError, ValueError):
        return None  # the reader of photos says what is wrong with it
    return TiffScan(path)


def _openslide(path: Path) -> Any:
    try:
        import openslide
    except ImportError:
        raise InputError(
            f"{path}: reading it takes OpenSlide. Install it with `pip install 'thinsection[count]'`, or save the "
            "scan as a tiled TIFF."
        ) from None
    return openslide


def _tiff_scale(page: Any) -> float | None:
    """Micrometres a pixel, from the tags of a TIFF, or from an SVS's description."""
    description = page.description or ""
    if "MPP = " in description:  # Aperio
        text = description.split("MPP = ")[1].split("|")[0]
        try:
            return _possible(float(text))
        except ValueError:
            return None
    tags = page.tags
    unit = tags.get("ResolutionUnit")
    across = tags.get("XResolution")
    if unit is None or across is None or int(unit.value) not in UM_PER:
        return None
    above, below = across.value
    return _possible(UM_PER[int(unit.value)] * below / above) if above else None


def _possible(um_per_pixel: float) -> float | None:
    """A scale, unless no microscope has it: 72 dots an inch is what programs write that know none."""
    low, high = SLIDE_UM
    return um_per_pixel if low <= um_per_pixel <= high else None
