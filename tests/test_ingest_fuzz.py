"""A few hundred damaged files; ``tests/fuzz_photos.py`` does thousands."""

from pathlib import Path

from fuzz_photos import decode_all, ingest_all


def test_damaged_files_are_decoded_or_refused() -> None:
    counts = decode_all(400, seed=1)
    assert counts["decoded"] + counts["refused"] == 400
    assert counts["refused"] > 100


def test_damaged_files_are_all_accounted_for(tmp_path: Path) -> None:
    assert ingest_all(200, 2, tmp_path) == 202
