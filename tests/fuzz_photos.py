"""
Thousands of damaged files of every format: no crash, no hang, none unaccounted for.

    python tests/fuzz_photos.py [--files 5000] [--seed 0]

Each file is a small photo in one of the formats with bytes changed, cut out, repeated or put in,
as the seed says. The whole ingestion then runs on them.
"""

import argparse
import faulthandler
import io
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from ingesting import save, surveyed, texture
from thinsection.base.seeds import generator
from thinsection.decode.photo import UnusablePhoto, decode_photo

SLOW_S = 5.0
FORMS: dict[str, dict[str, Any]] = {
    "jpg": {"format": "JPEG", "quality": 85},
    "progressive.jpg": {"format": "JPEG", "progressive": True},
    "png": {"format": "PNG"},
    "tif": {"format": "TIFF"},
    "lzw.tif": {"format": "TIFF", "compression": "tiff_lzw"},
    "bmp": {"format": "BMP"},
    "webp": {"format": "WEBP"},
    "gif": {"format": "GIF"},
}


def mutated(raw: bytes, rng: np.random.Generator) -> bytes:
    """The file with one to eight accidents, most of them in the headers."""
    data = bytearray(raw)
    for _ in range(rng.integers(1, 9)):
        reach = len(data) if rng.random() < 0.5 else min(len(data), 256)
        at = int(rng.integers(0, max(reach, 1)))
        length = int(rng.integers(1, 33))
        accident = rng.integers(0, 5)
        if accident == 0:
            data[at : at + length] = rng.bytes(length)
        elif accident == 1:
            del data[at : at + length]
        elif accident == 2:
            data[at:at] = data[at : at + length]
        elif accident == 3:
            data[at : at + 4] = rng.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"])
        else:
            del data[int(rng.integers(1, len(data) + 1)) :]
        if not data:
            break
    return bytes(data)


def originals() -> list[tuple[str, bytes]]:
    pictures = []
    for number, (suffix, options) in enumerate(FORMS.items()):
        file = io.BytesIO()
        texture(number).save(file, **options)
        pictures.append((suffix, file.getvalue()))
    palette = io.BytesIO()
    texture(50).quantize(16).save(palette, "PNG", transparency=3)
    deep = io.BytesIO()
    Image.fromarray(np.arange(48 * 72, dtype=np.uint16).reshape(48, 72)).save(deep, "TIFF")
    pages, cmyk, clear, frames = (io.BytesIO() for _ in range(4))
    texture(51).save(pages, "TIFF", save_all=True, append_images=[texture(52)])
    texture(53).convert("CMYK").save(cmyk, "JPEG")
    texture(54).convert("RGBA").save(clear, "PNG")
    texture(55).save(frames, "GIF", save_all=True, append_images=[texture(56)])
    odd = {"palette.png": palette, "deep.tif": deep, "pages.tif": pages, "cmyk.jpg": cmyk,
           "alpha.png": clear, "frames.gif": frames}  # fmt: skip
    return [
        *pictures,
        *((suffix, file.getvalue()) for suffix, file in odd.items()),
        *layouts(),
    ]


def layouts() -> list[tuple[str, bytes]]:
    """TIFFs and PNGs of the layouts that Pillow alone would read by halves, or not at all."""
    rgb = np.asarray(texture(57), np.uint16) * 257
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 65535, np.uint16)])
    grey, small = rgb[..., 0], rgb[::4, ::4]
    planes = {"photometric": "rgb", "planarconfig": "separate"}
    written: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
        "chunky16.tif": (rgb, {"photometric": "rgb"}),
        "planar16.tif": (rgb.transpose(2, 0, 1), planes),
        "planar16.zip.tif": (rgb.transpose(2, 0, 1), planes | {"compression": "zlib", "rowsperstrip": 9}),
        "planar8.tif": ((rgb.transpose(2, 0, 1) >> 8).astype(np.uint8), planes | {"tile": (16, 16)}),
        "rgba16.tif": (rgba, {"photometric": "rgb", "extrasamples": ["unassalpha"], "compression": "lzw"}),
        "mixed16.tif": (rgba, {"photometric": "rgb", "extrasamples": ["assocalpha"]}),
        "rgbx16.tif": (rgba, {"photometric": "rgb", "extrasamples": ["unspecified"], "byteorder": ">"}),
        "greya16.tif": (rgba[..., 2:], {"photometric": "minisblack", "extrasamples": ["unassalpha"]}),
        "white0.tif": (grey, {"photometric": "miniswhite", "compression": "packbits"}),
        "tiles16.tif": (rgb, {"photometric": "rgb", "tile": (32, 16), "compression": "zstd", "predictor": 2}),
        "float.tif": ((rgb / 65535).astype(np.float32), {"photometric": "rgb", "compression": "zlib", "predictor": 3}),
        "half.tif": ((grey / 65535).astype(np.float16), {}),
        "signed.tif": (grey.astype(np.int32) - 30000, {}),
        "double.tif": (grey.astype(np.float64), {}),
        "big.tif": (rgb, {"photometric": "rgb", "bigtiff": True, "byteorder": ">"}),
        "palette.tif": ((grey >> 8).astype(np.uint8), {"photometric": "palette", "colormap": np.arange(768, dtype=np.uint16).reshape(3, 256) % 256}),
        "cfa.tif": (grey, {"photometric": "cfa"}),
        "jpeg2000.tif": (rgb, {"photometric": "rgb", "compression": "jpeg2000"}),
    }  # fmt: skip
    files = []
    for name, (samples, options) in written.items():
        file = io.BytesIO()
        tifffile.imwrite(file, np.ascontiguousarray(samples), metadata=None, **options)
        files.append((name, file.getvalue()))
    nested = io.BytesIO()
    with tifffile.TiffWriter(nested) as writer:
        writer.write(small, photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        writer.write(rgb, photometric="rgb", metadata=None)
        writer.write(grey > 9, photometric="miniswhite", subfiletype=4, metadata=None)
    fax = io.BytesIO()
    texture(58).convert("1").save(fax, "TIFF", compression="group4")
    files += [("nested.tif", nested.getvalue()), ("fax.tif", fax.getvalue())]
    for name, deep in {"grey": grey, "greya": rgba[..., 2:], "rgb": rgb, "rgba": rgba}.items():
        files.append((f"{name}16.png", bytes(imagecodecs.png_encode(np.ascontiguousarray(deep)))))
    return files


def decode_all(n_files: int, seed: int) -> dict[str, int]:
    """How many files were decoded and how many refused; raises on anything else."""
    forms = originals()
    counts = {"decoded": 0, "refused": 0}
    slowest = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(n_files):
            _, raw = forms[number % len(forms)]
            start = time.perf_counter()
            try:
                decode_photo(mutated(raw, generator(seed, "fuzz", number)), (32, 48), 10.0)
                counts["decoded"] += 1
            except UnusablePhoto:
                counts["refused"] += 1
            slowest = max(slowest, time.perf_counter() - start)
            assert slowest < SLOW_S, f"file {number} of seed {seed} took {slowest:.1f} s"
    return counts


def ingest_all(n_files: int, seed: int, folder: Path) -> int:
    """The number of files in the two tables, which must be all."""
    forms = originals()
    root = folder / "photos"
    for number in range(n_files):
        suffix, raw = forms[number % len(forms)]
        path = root / ("quartz", "olivine")[number % 2] / f"{number:05}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mutated(raw, generator(seed, "fuzz", number)))
    save(texture(90), root / "quartz" / "whole.png")
    save(texture(91), root / "olivine" / "whole.png")
    found, pixels = surveyed(root, folder / "out", workers=0, on_conflict="reject")
    assert len(pixels) == len(found.photos)
    named = {*found.photos["photo_id"], *found.rejected["file"]}
    assert len(named) == len(found.photos) + len(found.rejected) == n_files + 2
    return len(named)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    options.add_argument("--files", type=int, default=5000)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    # A decoder that never returns is stopped from outside, with a trace of where it was.
    faulthandler.dump_traceback_later(60 + SLOW_S * chosen.files, exit=True)
    start = time.perf_counter()
    print(decode_all(chosen.files, chosen.seed))
    with tempfile.TemporaryDirectory() as folder:
        n_named = ingest_all(chosen.files, chosen.seed, Path(folder))
    print(f"{n_named} files accounted for, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
