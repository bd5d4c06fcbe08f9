"""Final models that take samples in several lights: the graph, the card, and new photos."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modelling import dark_and_bright, eight_views, make_model
from thinsection.dataset.packed import Dataset
from thinsection.families.run import Run
from thinsection.predict import Predictor
from thinsection.predict.command import predict

LIGHTS = ["ppl", "xpl"]
RUNS = [
    Run("baseline", "random_forest"),
    Run("petrographic", "svm"),
    Run("fcnn", "2"),
    Run("resnet", "18"),
    Run("average", "transfer"),
]


def pairs() -> Dataset:
    """24 samples in both lights, but for the last, of which there is no photo in crossed light."""
    photos = dark_and_bright()
    table = photos.photos.copy()
    table["sample"] = [f"s{i % 24:02}" for i in range(48)]
    table["light"] = ["ppl"] * 24 + ["xpl"] * 24
    table["group"] = [f"g{i % 12:02}" for i in range(24)] * 2
    return Dataset(photos.pixels[:47], table[:47])


@pytest.fixture(scope="module", params=RUNS, ids=lambda run: run.model)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder; writing it compares the graph with the classifier, in both lights and in each."""
    run: Run = request.param
    sections: dict[str, Any] = eight_views() if run.family == "average" else {}
    return make_model(tmp_path_factory.mktemp("lights") / run.model, run, pairs(), **sections)


def test_the_folder_says_which_lights_it_takes(model: Path) -> None:
    said = json.loads((model / "model.json").read_text())
    assert (said["format"], said["lights"]) == (3, ["ppl", "xpl"])
    assert (said["n_photos"], said["n_samples"]) == (47, 24)
    assert said["largest_difference"] < 1e-4
    card = (model / "README.md").read_text(encoding="utf-8")
    assert "It takes the photos of one place, in ppl and xpl or in one of them" in card
    assert "47 photos of 24 places" in card


def test_many_samples_at_once_get_the_answers_that_each_gets(model: Path) -> None:
    predictor, photos = Predictor.load(model), pairs()
    samples = np.stack([photos.pixels[[k, k + 24]] for k in range(0, 20, 3)])
    for lights, shown in ((LIGHTS, samples), (["xpl"], samples[:, 1:])):
        together = predictor.answers_for_samples(shown, lights)
        for sample, answer in zip(shown, together, strict=True):
            alone = predictor.answer_for_sample(sample, lights)
            assert answer.probabilities == pytest.approx(alone.probabilities, abs=1e-5)
            assert answer.prediction_set == alone.prediction_set
            assert answer.novelty == pytest.approx(alone.novelty, rel=1e-3)


def test_an_answer_is_the_same_whatever_the_order_of_the_photos(model: Path) -> None:
    predictor, photos = Predictor.load(model), pairs()
    both = photos.pixels[[3, 28]]  # of two classes, so that each light says something else
    one = predictor.answer_for_sample(both, ["ppl", "xpl"])
    other = predictor.answer_for_sample(both[::-1], ["xpl", "ppl"])
    assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
    assert one.novelty == pytest.approx(other.novelty, rel=1e-3)
    alone = [predictor.answer_for_sample(both[:1], [light]).probabilities for light in LIGHTS]
    assert alone[0] != alone[1] or alone[0] != one.probabilities


def test_new_photos_of_one_place_get_one_answer(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = pairs()
    new = tmp_path / "new"
    new.mkdir()
    names = {"12_a_PPL.png": 3, "12_a_XPL.png": 27, "12_b_ppl.png": 4, "13.png": 5}
    for name, row in names.items():
        Image.fromarray(photos.pixels[row]).save(new / name)
    (new / "12_b_xpl.png").write_bytes(b"no photo")
    assert predict([str(new)], model, tmp_path / "names.csv") == 2
    with (tmp_path / "names.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"].rpartition("/")[2] for row in rows] == [
        "12_a_PPL.png + 12_a_XPL.png",
        "12_b_ppl.png + 12_b_xpl.png",
        "13.png",
    ]
    assert [row["lights"] for row in rows] == ["ppl+xpl", "ppl", ""]
    predictor = Predictor.load(model)
    answer = predictor.answer_for_sample(photos.pixels[[3, 27]], ["ppl", "xpl"])
    assert float(rows[0][f"p_{answer.label}"]) == pytest.approx(
        answer.probabilities[answer.label], abs=1e-5
    )
    assert "without xpl" in rows[1]["notes"]
    assert "12_b_xpl.png not used: not an image" in rows[1]["notes"]
    assert "light unknown" in rows[2]["problem"]
    assert "--light" in rows[2]["problem"]
    capsys.readouterr()
    assert predict([str(new / "13.png")], model, light="xpl") == 0
    assert "without ppl" in capsys.readouterr().out


def test_each_photo_of_a_sample_gets_a_heat_map(model: Path, tmp_path: Path) -> None:
    photos = pairs()
    for name, row in {"a_ppl.png": 3, "a_xpl.png": 27}.items():
        Image.fromarray(photos.pixels[row]).save(tmp_path / name)
    given = [str(tmp_path / name) for name in ("a_ppl.png", "a_xpl.png")]
    assert predict(given, model, heatmaps=tmp_path / "maps") == 0
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == [
        "00001-a_ppl.png.png",
        "00002-a_xpl.png.png",
    ]


def test_the_doubt_of_one_light_is_its_own(model: Path) -> None:
    said = json.loads((model / "model.json").read_text())
    alone = {"ca": 0.6, "temperature": 3.0, "set_threshold": 1.0}
    said["by_lights"] = {"ppl": alone, "xpl": alone | {"temperature": 0.5, "ca": 0.5}}
    (model / "model.json").write_text(json.dumps(said))
    predictor, photo = Predictor.load(model), pairs().pixels[3:4]
    soft = predictor.answer_for_sample(photo, ["ppl"])
    assert len(soft.prediction_set) == 2
    hard = predictor.answer_for_sample(photo, ["xpl"])
    assert np.ptp(list(soft.probabilities.values())) < 1
    assert sum(hard.probabilities.values()) == pytest.approx(1)
