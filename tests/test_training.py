"""What stops a training, of whatever network."""

import numpy as np
import pytest
import torch

from thinsection.base.errors import InputError
from thinsection.dataset.folds import Fold
from thinsection.dataset.parts import set_aside
from thinsection.learning.training import explain_out_of_memory, stop_if_diverging


def test_a_loss_that_grows_without_bound_stops() -> None:
    # a guess between two classes costs ln 2 = 0.693; the bound is 100 times that
    fold = Fold(0, 1, np.arange(2), np.arange(2))
    for harmless in ([0.7] * 9, [1e6, 1e6, 60.0], [1e6, 1e6]):
        stop_if_diverging(harmless, 2, "FCNN-4", "fcnn", fold, 0.1)
    message = r"FCNN-4, repeat 0, fold 1, epoch 4: the training loss is 80 .*for 3 epochs above 69"
    with pytest.raises(InputError, match=message):
        stop_if_diverging([1.0, 70.0, 75.0, 80.0], 2, "FCNN-4", "fcnn", fold, 0.1)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            "memory of the GPU",
        ),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory of the machine"),
        (MemoryError("Unable to allocate 9 GiB"), "memory of the machine"),
    ],
)
def test_too_little_memory_names_the_batch_size_and_what_to_lower(
    error: Exception, told: str
) -> None:
    message = (
        rf"ResNet-152: the {told} .*resnet.batch_size 16 .*batch_size, for example to 8, or re"
    )
    with (
        pytest.raises(InputError, match=message),
        explain_out_of_memory("ResNet-152", "resnet", 16, "resnet.height"),
    ):
        raise error


def test_other_errors_stay_what_they_are() -> None:
    with (
        pytest.raises(RuntimeError, match="shape"),
        explain_out_of_memory("FCNN-2", "fcnn", 16, "fcnn.width"),
    ):
        raise RuntimeError("shape mismatch")


def test_set_aside_takes_of_each_class_and_leaves_of_each() -> None:
    # groups 0..5 of class 0, 6 and 7 of class 1, 8 of class 2; group 5 has one photo of class 1
    groups = np.repeat(np.arange(9), 3)
    labels = np.repeat([0, 0, 0, 0, 0, 0, 1, 1, 2], 3)
    labels[17] = 1
    aside = set_aside(labels, groups, 0.3, np.random.default_rng(0))
    chosen = np.unique(groups[aside])
    assert np.array_equal(aside, np.isin(groups, chosen))
    # round(0.3 * 6) = 2 of class 0, one of class 1's two, none of the only one of class 2
    assert [(chosen < 6).sum(), np.isin(chosen, [6, 7]).sum(), (chosen == 8).sum()] == [2, 1, 0]
    assert not set_aside(
        np.array([0, 0, 1]), np.array([4, 4, 5]), 0.3, np.random.default_rng(0)
    ).any()
