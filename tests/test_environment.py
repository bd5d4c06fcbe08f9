"""Which machine and versions a run was trained with, and what is done about others."""

from pathlib import Path

import pytest

from thinsection.base.errors import InputError
from thinsection.base.files import read_json, write_json
from thinsection.learning.environment import check_environment, environment, write_environment
from thinsection.params import params_of
from thinsection.settings import ComputeSettings
from tiny import tiny_params

COMPUTE = params_of(tiny_params()).compute
REQUIRED = COMPUTE.model_copy(update={"same_environment": "require"})


def test_a_run_says_where_it_was_trained() -> None:
    found = environment(COMPUTE.model_copy(update={"threads": 3}))
    assert found["threads"] == "3"
    assert found["processor"]
    assert found["numpy"].count(".") == 2


def test_nothing_is_required_unless_asked(tmp_path: Path) -> None:
    file = tmp_path / "environment.json"
    assert write_environment(COMPUTE, file)
    assert read_json(file) == {}
    assert not write_environment(COMPUTE, file)
    check_environment(COMPUTE, file)


def test_another_environment_is_refused_until_params_takes_this_one(tmp_path: Path) -> None:
    file = tmp_path / "environment.json"
    with pytest.raises(InputError, match="threads: nothing there"):
        check_environment(REQUIRED, tmp_path / "no.json")
    assert write_environment(REQUIRED, file)
    check_environment(REQUIRED, file)
    write_json(read_json(file) | {"torch": "1.0.0"}, file)
    with pytest.raises(InputError, match=r"thinsection params`.*torch: 1\.0\.0 there, ") as raised:
        check_environment(REQUIRED, file)
    assert "processor" not in str(raised.value)
    assert write_environment(REQUIRED, file)  # everything is trained again, here
    check_environment(REQUIRED, file)


def test_the_file_in_the_repository_requires_nothing() -> None:
    settings: ComputeSettings = COMPUTE
    assert settings.same_environment == "warn"
    assert read_json(Path(__file__).parents[1] / "data/environment.json") == {}
