"""A few hundred damaged files; ``tests/fuzz_photos.py`` does thousands."""

from pathlib import Path

from fuzz_photos import decode_all, ingest_all, originals
from thinsection.decode.photo import UnusablePhoto, decode_photo


def test_undamaged_ones_are_decoded_or_refused_by_name() -> None:
    refused = []
    for name, raw in originals():
        try:
            decode_photo(raw, (32, 48), 10.0)
        except UnusablePhoto as error:
            refused.append((name, str(error)))
    assert refused == [
        ("cfa.tif", "this kind of TIFF: raw sensor data (colour filter array)"),
    ]


def test_damaged_files_are_decoded_or_refused() -> None:
    counts = decode_all(400, seed=1)
    assert counts["decoded"] + counts["refused"] == 400
    assert counts["refused"] > 100


def test_damaged_files_are_all_accounted_for(tmp_path: Path) -> None:
    assert ingest_all(200, 2, tmp_path) == 202
