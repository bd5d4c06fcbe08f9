"""How long the comparison will take, told beforehand."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ingesting import two_classes
from thinsection.families import FAMILIES
from thinsection.families.family import Effort, Work
from thinsection.forecast import cost as forecast
from thinsection.forecast.cost import (
    Speed,
    effort_of_training,
    in_words,
    n_photos_to_come,
    probe,
    told,
)
from thinsection.params import Params, load_params
from tiny import TOP

# Seconds of each run of the default comparison on two idle cores of 100 GFLOP/s
MEASURED = {
    "fcnn-2": 5.8, "fcnn-4": 5.0, "fcnn-6": 7.0, "fcnn-8": 4.6, "fcnn-10": 5.2, "fcnn-12": 8.8,
    "fcnn-14": 6.0, "fcnn-16": 7.7, "fcnn-18": 8.8, "fcnn-20": 9.3, "fcnn-22": 8.8,
    "resnet-34": 74.8, "resnet-152": 208.0, "decision_tree": 2.2, "svm": 2.7,
    "random_forest": 5.6, "naive_bayes": 0.8, "adaptive_boosting": 11.8,
    "transfer-linear": 1.9, "transfer-fine_tuned": 168.5, "petrographic-random_forest": 2.9,
}  # fmt: skip
IDLE = Speed(100e9, 2)


@pytest.fixture(scope="module")
def defaults() -> Params:
    return load_params(TOP / "params.yaml")


def test_times_by_hand() -> None:
    # of two cores 0.8 is left where they share a product: 320e9 / (2 * 0.8 * 100e9) = 2 s, and the
    # rest on one core takes 3 s at 100 GFLOP/s
    assert Speed(100e9, 2).seconds(Effort(320e9, 3)) == pytest.approx(5)
    # at half the speed twice as long
    assert Speed(50e9, 2).seconds(Effort(320e9, 3)) == pytest.approx(10)
    assert Speed(100e9, 1).seconds(Effort(320e9, 0)) == pytest.approx(3.2)


def test_efforts_by_hand(tiny: Params) -> None:
    fcnn = tiny.fcnn.model_copy(update={"width": 10, "epochs": 5, "batch_size": 20})
    # (6 + 10) * 10 = 160 weights, 30 photos with a variant each = 60 rows, 15 held out:
    # 160 * (6 * 60 + 2 * 15) = 62,400 operations in each of 5 epochs; 60 / 20 + 1 = 4 steps
    cost = FAMILIES["fcnn"].cost
    assert cost is not None
    effort = cost("2", fcnn, Work(30, 15, 1, 6))
    assert effort.products == 5 * 62_400
    assert effort.seconds == pytest.approx(0.3 + 5 * 4 * 160 * 2e-9)
    # a ResNet-18 on a photo of 224 x 224: 2 * 1.81e9 operations forward, thrice that in training,
    # and heat maps of the held-out photos
    resnet = tiny.resnet.model_copy(update={"height": 224, "width": 224, "epochs": 2})
    cost = FAMILIES["resnet"].cost
    assert cost is not None
    assert cost("18", resnet, Work(30, 15, 1, 0)).products == pytest.approx(
        3.62e9 * (2 * (90 + 15) + 45)
    )


def test_every_run_measured_is_within_a_factor_of_two(defaults: Params) -> None:
    for run in defaults.runs:
        if run.model in MEASURED:
            effort = effort_of_training(run, 240, defaults)
            assert effort is not None
            ratio = 3 * IDLE.seconds(effort) / MEASURED[run.model]
            assert 0.5 < ratio < 2, run.model


def test_twice_the_epochs_take_twice_as_long(defaults: Params) -> None:
    longer = defaults.resnet.model_copy(update={"epochs": 2 * defaults.resnet.epochs})

    def resnets(params: Params, n_photos: int) -> float:
        parts = {part.title: part.seconds for part in forecast.forecast(n_photos, params, IDLE)}
        seconds = parts["ResNets"]
        assert seconds is not None
        return seconds

    once = resnets(defaults, 240)
    twice = resnets(defaults.model_copy(update={"resnet": longer}), 240)
    assert 1.8 < twice / once < 2  # the start is the same
    assert 1.9 < resnets(defaults, 480) / once <= 2
    repeats = defaults.split.model_copy(update={"repeats": 3})
    thrice = resnets(defaults.model_copy(update={"split": repeats}), 240)
    assert thrice / once == pytest.approx(3)


def test_a_family_without_a_cost_is_told(defaults: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAMILIES, "resnet", replace(FAMILIES["resnet"], cost=None))
    lines = told(240, defaults, lambda cores: Speed(100e9, cores))
    assert "  not estimated  ResNets (its cost is not known)" in lines


def test_a_family_without_a_run_takes_no_line(defaults: Params) -> None:
    without = defaults.model_copy(
        update={"average": defaults.average.model_copy(update={"of": []})}
    )
    lines = told(240, without)
    assert not any("averages" in line for line in lines)
    assert any("averages" in line for line in told(240, defaults))


def test_the_lines_add_up(defaults: Params) -> None:
    lines = told(240, defaults, lambda _: IDLE)
    assert "comparison of 240 photos (24 classifiers, 72 trainings) will take about 16 " in lines[0]
    assert "(2 cores, 100 GFLOP/s each)" in lines[0]
    assert "It needs about 2.1 GB of memory, for the ResNets" in lines[0]
    assert any("ResNets (ResNet-152:" in line for line in lines)
    assert any("final model, at most (if it is ResNet-152)" in line for line in lines)


def test_other_programs_are_told(defaults: Params) -> None:
    lines = told(240, defaults, lambda _: Speed(50e9, 2, share=0.5))
    assert lines[-1].startswith("  Other programs have 50% of the cores.") or "GPU" in lines[-1]
    assert not any("Other programs" in line for line in told(240, defaults, lambda _: IDLE))


def test_only_the_chosen_model_is_fitted_in_the_end(defaults: Params) -> None:
    final = defaults.final.model_copy(update={"select": "svm"})
    parts = forecast.forecast(240, defaults.model_copy(update={"final": final}), IDLE)
    (part,) = [part for part in parts if part.title.startswith("final model")]
    assert (part.title, part.detail) == ("final model", "")
    assert part.seconds is not None
    assert part.seconds < 5


def test_the_probe_is_quick_and_needs_no_pytorch() -> None:
    started = time.monotonic()
    speed = probe(2, 0.05)
    assert time.monotonic() - started < 5
    assert speed.n_cores == 2
    assert 1e8 < speed.each < 1e13
    assert 0 < speed.share < 1.1
    code = "import sys, thinsection.forecast; print({'torch', 'sklearn'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_photos_are_counted_without_opening_them(defaults: Params, tmp_path: Path) -> None:
    # 4 minerals x 10 specimens x 3 fields, in plane-polarised light and between crossed polarisers
    assert n_photos_to_come(defaults) == 240
    turned = defaults.render.model_copy(update={"angles": [0.0, 30.0, 60.0]})
    assert n_photos_to_come(defaults.model_copy(update={"render": turned})) == 480
    root = two_classes(tmp_path / "data")
    (root / "photos.csv").write_text("file,label\n", encoding="utf-8")

    def at(path: Path) -> Params:
        dataset = defaults.dataset.model_copy(update={"path": str(path)})
        return defaults.model_copy(update={"dataset": dataset})

    assert n_photos_to_come(at(root)) == 6
    assert n_photos_to_come(at(tmp_path / "photos.zip")) is None


def test_check_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from thinsection.cli.photos import check

    root = two_classes(tmp_path / "data")
    check(root, tmp_path / "check.html", params=TOP / "params.yaml")
    said = capsys.readouterr().out
    assert "The whole comparison of 6 photos (24 classifiers, 72 trainings) will take" in said
    assert "fully connected networks" in said


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "5 s"), (57, "55 s"), (58, "1 min"), (60, "1 min"), (5399, "90 min"), (7200, "2 h")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
