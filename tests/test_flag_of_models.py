"""The flag of model folders: from the vectors that the classifier takes, where it takes any."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modelling import HEIGHT, WIDTH, dark_and_bright, make_model, small_params
from thinsection.base.arrays import Floats
from thinsection.base.files import hash_of
from thinsection.base.seeds import generator
from thinsection.dataset.packed import Dataset
from thinsection.families.run import Run
from thinsection.final.others import read_others
from thinsection.learning.examples.embedding import embed
from thinsection.predict import Predictor
from thinsection.predict.graph import Graph, open_graph
from thinsection.predict.membership import PREFIX

CLASSES = ("basalt", "chalk", "gneiss")
LINEAR = Run("transfer", "linear")
BOTH = ["embedding", "colour_texture"]


@pytest.fixture(scope="module")
def photos() -> Dataset:
    return dark_and_bright(72, CLASSES)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, photos: Dataset) -> Path:
    return make_model(tmp_path_factory.mktemp("made") / "linear", LINEAR, photos)


def told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "model.json").read_text())
    return found


def noise(n: int = 3) -> np.ndarray:
    return generator(0, "unlike").integers(0, 256, (n, HEIGHT, WIDTH, 3)).astype(np.uint8)


def kinds_in(folder: Path) -> list[str]:
    with np.load(folder / "reference.npz", allow_pickle=False) as file:
        assert {file[name].dtype.kind for name in file.files} <= set("fuU")
        return [str(kind) for kind in file[f"{PREFIX}kinds"]] if f"{PREFIX}kinds" in file else []


def test_the_graph_gives_the_embedding_that_its_classifier_takes(
    model: Path, photos: Dataset
) -> None:
    graph = Graph(open_graph(model / "model.onnx"), told(model)["takes"])
    assert graph.vectors == ["embedding"]
    seen = graph.of_photos(photos.pixels, ["embedding"])
    own = embed(photos.pixels, small_params().embedding)
    assert seen["embedding"].dtype == np.float32
    assert seen["embedding"] == pytest.approx(own, abs=1e-4)
    assert list(seen) == ["colour_texture", "embedding"]  # what it takes too


@pytest.mark.parametrize(
    ("run", "features", "kinds"),
    [
        (Run("baseline", "random_forest"), "embedding", BOTH[:1]),
        (Run("petrographic", "svm"), None, BOTH[1:]),
        (Run("baseline", "random_forest"), "pixels", []),
    ],
    ids=["embedding", "colour_texture", "pixels"],
)
def test_a_model_s_doubt_is_of_what_its_classifier_takes(
    run: Run, features: str | None, kinds: list[str], photos: Dataset, tmp_path: Path
) -> None:
    sections: dict[str, Any] = {"baselines": {"features": features}} if features else {}
    folder = make_model(tmp_path / "model", run, photos, **sections)
    assert kinds_in(folder) == kinds
    found = told(folder)
    assert found["format"] == (2 if kinds else 1)
    assert (found["membership_threshold"] is None) == (not kinds)
    graph = Graph(open_graph(folder / "model.onnx"), found["takes"])
    assert graph.vectors == (["embedding"] if "embedding" in kinds else [])
    if graph.vectors:
        seen = graph.of_photos(photos.pixels[:9], ["embedding"])["embedding"]
        own = embed(photos.pixels[:9], small_params().embedding)
        assert seen == pytest.approx(own, abs=1e-4)
    predictor = Predictor.load(folder)
    answers = predictor.answers(np.concatenate([photos.pixels, noise()]))
    assert all(answer.unlike_anything == (answer.novelty > 1) for answer in answers)
    assert [answer.unlike_anything for answer in answers[-3:]] == [True] * 3
    assert np.mean([answer.unlike_anything for answer in answers[:-3]]) < 0.15


@pytest.mark.parametrize(
    "run", [Run("petrographic", "svm"), Run("resnet", "18")], ids=lambda run: run.model
)
def test_a_comparison_with_an_embedding_gives_it_to_any_model(
    run: Run, photos: Dataset, tmp_path: Path
) -> None:
    linear: dict[str, Any] = {"transfer": {"models": ["linear"]}}
    folder = make_model(tmp_path / "model", run, photos, **linear)
    plain = make_model(tmp_path / "plain", run, photos)
    assert kinds_in(folder) == (BOTH if run.family == "petrographic" else BOTH[:1])
    graph = Graph(open_graph(folder / "model.onnx"), told(folder)["takes"])
    seen = graph.of_photos(photos.pixels[:5], ["embedding"])["embedding"]
    assert seen == pytest.approx(embed(photos.pixels[:5], small_params().embedding), abs=1e-4)
    both = [Predictor.load(each).probabilities(photos.pixels[:5]) for each in (folder, plain)]
    assert (both[0] == both[1]).all()  # the answer itself is as it was
    assert "Apache-2.0" in (folder / "README.md").read_text()
    assert "Apache-2.0" not in (plain / "README.md").read_text()


def test_the_graph_runs_once_for_an_answer(
    model: Path, photos: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor, run = Predictor.load(model), Graph.run
    asked: list[Sequence[str]] = []

    def counted(graph: Graph, photos: np.ndarray, outputs: Sequence[str]) -> dict[str, Floats]:
        asked.append(outputs)
        return run(graph, photos, outputs)

    monkeypatch.setattr(Graph, "run", counted)
    predictor.answers(photos.pixels[:1])
    assert asked == [["probabilities", "embedding"]]


def test_novelty_is_the_greater_of_two_ratios(model: Path, photos: Dataset, tmp_path: Path) -> None:
    some = np.concatenate([photos.pixels[:20], noise()])
    both = [answer.novelty for answer in Predictor.load(model).answers(some)]
    distance = [answer.novelty for answer in Predictor.load(older(model, tmp_path)).answers(some)]
    assert all(np.array(both) >= np.array(distance))
    predictor = Predictor.load(model)
    card, memberships = predictor.card, predictor._reference.memberships
    assert memberships is not None
    assert card.membership_threshold is not None
    seen = predictor._graph.of_photos(some, ["embedding"])
    own = memberships.strangeness(seen) / card.membership_threshold
    assert both == pytest.approx(np.maximum(distance, own), rel=1e-4)
    assert all(own[-3:] > 1)


def older(model: Path, tmp_path: Path) -> Path:
    """The folder as it would have been without memberships."""
    folder = Path(shutil.copytree(model, tmp_path / "older"))
    with np.load(folder / "reference.npz") as file:
        kept = {name: file[name] for name in file.files if not name.startswith(PREFIX)}
    np.savez_compressed(folder / "reference.npz", **kept)
    found = told(folder)
    for name in ("membership_threshold", "found_unseen", "found_unseen_mean", "n_others"):
        del found[name]
    found["files"]["reference.npz"] = hash_of(folder / "reference.npz")
    (folder / "model.json").write_text(json.dumps(found), encoding="utf-8")
    return folder


def test_an_older_folder_answers_by_distance_alone(
    model: Path, photos: Dataset, tmp_path: Path
) -> None:
    predictor = Predictor.load(older(model, tmp_path))
    assert predictor.card.found_unseen == {}
    assert predictor.card.membership_threshold is None
    answers = predictor.answers(photos.pixels[:4])
    far = np.sort(predictor._reference.distances(photos.pixels[:4]), axis=1)[:, :5].mean(axis=1)
    expected = far / predictor.card.novelty_threshold
    assert [answer.novelty for answer in answers] == pytest.approx(expected)


def test_the_card_says_how_often_a_class_never_seen_is_found(
    model: Path, photos: Dataset, tmp_path: Path
) -> None:
    found, card = told(model), (model / "README.md").read_text()
    assert list(found["found_unseen"]) == list(CLASSES)
    mean = np.mean(list(found["found_unseen"].values()))
    assert found["found_unseen_mean"] == pytest.approx(mean)
    assert f"flagged so | {100 * mean:.0f} % on average: " in card
    assert all(f" % of {label}" in card for label in CLASSES)
    assert "rendered photos of other minerals" not in card
    of_two = make_model(tmp_path / "two", Run("baseline", "naive_bayes"))
    assert told(of_two)["found_unseen"] == {}
    assert told(of_two)["found_unseen_mean"] is None
    assert "not measured: with fewer than three classes" in (of_two / "README.md").read_text()


def test_photos_of_no_class_are_stored_with_the_others(
    model: Path, photos: Dataset, tmp_path: Path
) -> None:
    folder = make_model(tmp_path / "warned", LINEAR, photos, others=noise(7))
    assert told(folder)["n_others"] == 7
    assert told(model)["n_others"] == 0
    assert "7 rendered photos of other minerals" in (folder / "README.md").read_text()
    alone = make_model(tmp_path / "alone", Run("petrographic", "svm"), photos, others=noise(7))
    assert told(alone)["n_others"] == 0  # without the embedding they would not help
    for each, n in ((model, 72), (folder, 79)):
        with np.load(each / "reference.npz") as file:
            assert len(file[f"{PREFIX}vectors"]) == len(file[f"{PREFIX}coefficients"]) == n
            assert len(file["vectors"]) == 72  # photos to show as similar: none of them


def test_other_minerals_are_prepared_and_none_of_the_classes(tmp_path: Path) -> None:
    settings = small_params().ingest
    assert read_others(tmp_path, 32, 48, settings, ["basalt"]).shape == (0, 32, 48, 3)
    for label, level in (("basalt", 40), ("quartz", 200)):
        (tmp_path / label).mkdir()
        Image.new("RGB", (96, 64), (level, level, level)).save(tmp_path / label / "1.jpg")
    found = read_others(tmp_path, 32, 48, settings, ["basalt"])
    assert found.shape == (1, 32, 48, 3)
    assert found.dtype == np.uint8
    assert found == pytest.approx(200, abs=3)
