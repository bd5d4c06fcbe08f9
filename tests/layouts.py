"""One photo in any layout of TIFF and PNG, to compare with its 8-bit pixels."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import tifffile

from thinsection.decode.photo import Photo, decode_photo

RNG = np.random.default_rng(5)
LEVELS = np.kron(RNG.integers(0, 256, (6, 9, 3)), np.ones((8, 8, 1))).astype(np.uint8)
LEVELS[0, :8] = [[0, 128, 255], [255, 0, 128]] * 4  # some of it varies from pixel to pixel


def decoded(raw: bytes) -> Photo:
    return decode_photo(raw, (48, 72), 1.0)


def pixels(raw: bytes) -> np.ndarray:
    return np.asarray(decoded(raw).image)


def tiff(samples: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, **({"metadata": None} | options))
    return file.getvalue()


def png_16(samples: np.ndarray) -> bytes:
    """A PNG of (h, w, 1 to 4) uint16: grey, grey and alpha, RGB, RGB and alpha."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    height, width, n = samples.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[n], 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in samples)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )  # fmt: skip


# What a level of 8 bits is in a file of each depth: exactly, so that it must come back exactly.
DEPTHS = {
    "8": lambda levels: levels,
    "12 in 16": lambda levels: np.rint(levels * (4095 / 255)).astype(np.uint16),
    "16": lambda levels: levels.astype(np.uint16) * 257,
    "16 in 32": lambda levels: levels.astype(np.uint32) * 257,
    "float32": lambda levels: (levels / 255).astype(np.float32),
    "float16": lambda levels: (levels / 255).astype(np.float16),
    "float64": lambda levels: levels / 255,
    "16 in 64": lambda levels: levels.astype(np.uint64) * 257,
}
