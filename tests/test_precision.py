"""In which precision networks on photos are trained."""

import numpy as np
import pytest
import torch

from modelling import cross_validated, dark_and_bright, folds_of, small_params
from thinsection.learning.examples.examples import Examples
from thinsection.learning.training import mixed_precision, precision_of
from thinsection.settings import Precision

CPU = torch.device("cpu")
TUNED = small_params().transfer.fine_tuned.model_dump()


def test_auto_goes_by_what_the_processor_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_tile": True, "amx_bf16": True})
    assert precision_of(CPU, "auto") == "bfloat16"
    for without in ({"amx_tile": True}, {"avx512_bf16": True}, {}):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=without: found)
        assert precision_of(CPU, "auto") == "float32"


@pytest.mark.parametrize("wanted", ["float32", "bfloat16"])
def test_what_is_asked_for_is_taken_on_any_processor(wanted: Precision) -> None:
    layer = torch.nn.Linear(2, 2)
    with mixed_precision(CPU, wanted):
        assert layer(torch.ones(1, 2)).dtype == getattr(torch, wanted)
    assert precision_of(CPU, wanted) == wanted


@pytest.mark.parametrize(("family", "name"), [("resnet", "18"), ("transfer", "fine_tuned")])
def test_bfloat16_comes_close_gives_the_same_again_and_is_said(family: str, name: str) -> None:
    photos = dark_and_bright(24)

    def said(precision: Precision) -> np.ndarray:
        of_tuned = {"fine_tuned": TUNED | {"precision": precision}}
        params = small_params(resnet={"epochs": 4, "precision": precision}, transfer=of_tuned)
        found = cross_validated(family, name, Examples(photos), folds_of(photos)[1][:1], params)
        assert found.facts["precision"] == precision
        chances: np.ndarray = found.predictions["p_chalk"].to_numpy()
        return chances

    coarse, fine = said("bfloat16"), said("float32")
    assert np.array_equal(coarse, said("bfloat16"))
    assert not np.array_equal(coarse, fine)
    assert np.allclose(coarse, fine, atol=0.1)
