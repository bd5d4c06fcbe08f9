"""What a test needs of the system that it runs on."""

import os

import pytest

NEEDS_POSIX = pytest.mark.skipif(
    os.name != "posix", reason="needs signals, pipes and permissions as POSIX has them"
)
