"""Patterns that take the specimen and the light from file names."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from thinsection.ingest.labels import Candidate, with_patterns
from thinsection.settings import DatasetSettings


def taken(name: str, specimen: str | None, light: str | None = None) -> tuple[str, str]:
    photo = Candidate(f"olivine/{name}", Path(name), "olivine", "", "", "")
    found = with_patterns([photo], specimen, light)[0]
    return found.specimen, found.light


@pytest.mark.parametrize(
    ("pattern", "name", "specimen"),
    [
        ("sample_{specimen}_", "sample_17_a.jpg", "17"),
        (r"sample_(\d+)_", "sample_17_a.jpg", "17"),
        ("sample_{specimen}", "sample_17.jpg", "17"),
        ("sample_{specimen}", "sample_17_a.jpg", "17"),
        ("{specimen}_", "May/GB-12_001.jpg", "GB-12"),
        ("{specimen}/", "GB 12 b/001.jpg", "GB 12 b"),
        ("{specimen}.", "GB-12.jpg", "GB-12"),
        ("{specimen}_001", "GB_12_001.jpg", ""),  # not 12, of which there may be others
        ("({specimen})", "x(7).jpg", "7"),  # all else stands for itself
        ("sample_{specimen}_", "other.jpg", ""),
    ],
)
def test_the_specimen_from_a_name(pattern: str, name: str, specimen: str) -> None:
    DatasetSettings(
        path="x", specimen_pattern=pattern, light_pattern=None, angle_pattern=None, labels={}
    )
    assert taken(name, pattern)[0] == specimen


@pytest.mark.parametrize("pattern", ["_{light}", r"_(ppl|xpl|PPL)\."])
def test_the_light_from_a_name(pattern: str) -> None:
    DatasetSettings(
        path="x", specimen_pattern=None, light_pattern=pattern, angle_pattern=None, labels={}
    )
    assert taken("a_PPL.jpg", None, pattern)[1] == "ppl"
    assert taken("a.jpg", None, pattern)[1] == ""


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("sample_", "has no group; write {specimen} for the part that is wanted"),
        ("sample_{light}", "has no group; write {specimen}"),
        ("sample_(", "is no regular expression"),
        ("{specimen}_{specimen}", "has {specimen} twice; write it once"),
    ],
)
def test_a_pattern_that_takes_nothing(pattern: str, said: str) -> None:
    with pytest.raises(ValidationError) as error:
        DatasetSettings(
            path="x", specimen_pattern=pattern, light_pattern=None, angle_pattern=None, labels={}
        )
    assert said in str(error.value)
