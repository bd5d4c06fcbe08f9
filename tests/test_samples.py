"""Samples: photos of one place in several lights, from their names or from photos.csv."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinsection.ingest.naming import Named, degrees, read_names, same_place


@pytest.mark.parametrize(
    ("name", "light", "angle", "place"),
    [
        ("12_a_PPL.JPG", "ppl", "", "12_a"),
        ("12_a_XPL.JPG", "xpl", "", "12_a"),
        ("GB-12_03_ppl.jpg", "ppl", "", "GB-12_03"),
        ("GB-12_03_xpl_45.jpg", "xpl", "45", "GB-12_03"),
        ("olivine/GB-12 - 03 - PPL0.tif", "ppl", "0", "olivine/GB-12 - 03"),
        ("olivine/GB-12 - 03 - XPL45.tif", "xpl", "45", "olivine/GB-12 - 03"),
        ("a_xpl_045.png", "xpl", "045", "a"),
        ("a.xpl-45deg.png", "xpl", "45", "a"),
        ("a xpl 22.5°.png", "xpl", "22.5", "a"),
        ("a_xpl_22,5.png", "xpl", "22,5", "a"),
        ("olivine/ppl/a1.jpg", "ppl", "", "olivine/a1"),
        ("olivine/xpl_90/a1.jpg", "xpl", "90", "olivine/a1"),
        ("olivine/a1/XPL.jpg", "xpl", "", "olivine/a1"),
        ("ppl-a_03.jpg", "ppl", "", "a_03"),
        ("a_ppl_b.jpg", "ppl", "", "a_b"),
        ("12ppl.jpg", "ppl", "", "12"),
        ("xpl/a_xpl.jpg", "xpl", "", "a"),
        # a light is a word of its own, and a magnification or a date no angle
        ("sample_applied.jpg", "", "", ""),
        ("a_xpl_10x.jpg", "xpl", "", "a_10x"),
        ("a_xpl_2.5x.jpg", "xpl", "", "a_2.5x"),
        # both lights: neither
        ("a_ppl_xpl.jpg", "", "", ""),
        ("a_03.jpg", "", "", ""),
    ],
)
def test_what_a_name_says(name: str, light: str, angle: str, place: str) -> None:
    assert read_names([name]) == [Named(light, angle, place)]
