"""From a model folder and new photos to answers."""

import csv
import json
import re
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import tifffile
from PIL import Image

from modelling import HEIGHT, WIDTH, dark_and_bright, make_model
from thinsection.base.arrays import Bytes
from thinsection.base.errors import InputError
from thinsection.base.seeds import generator
from thinsection.dataset.packed import Dataset
from thinsection.decode.deep import DeepScale
from thinsection.decode.photo import UnusablePhoto
from thinsection.families.run import Run
from thinsection.ingest.labels import Candidate
from thinsection.ingest.pack import PackSettings, pack_photos, scratch_files
from thinsection.predict import Predictor, command
from thinsection.predict.new_photos import new_photos
from thinsection.predict.occlusion import occlusion_map
from thinsection.predict.predictor import CHUNK, Answer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("made") / "model", Run("baseline", "random_forest"))


@pytest.fixture(scope="module")
def predictor(model: Path) -> Predictor:
    return Predictor.load(model)


@pytest.fixture(scope="module")
def photos() -> Dataset:
    return dark_and_bright()


def save(photo: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photo).save(path)
    return path


@pytest.fixture
def folder(photos: Dataset, tmp_path: Path) -> Path:
    """Two specimens of three photos each, one file of text, one photo of 1 x 1."""
    root = tmp_path / "new"
    for i in (0, 2, 4):
        save(photos.pixels[i], root / "GB-1" / f"{i}.png")
        save(photos.pixels[i + 1], root / "GB-2" / f"{i + 1}.png")
    (root / "GB-2" / "text.jpg").write_text("a page of text")
    save(np.zeros((1, 1, 3), np.uint8), root / "GB-2" / "one.png")
    return root


def header_of_png(width: int, height: int) -> bytes:
    """What a reader sees of a photo before it unpacks any of it."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = b"IDAT" + zlib.compress(bytes(1000))
    parts = [
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c))
        for c in (header, packed)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- the model folder ----


def spoilt(model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "spoilt"))


@pytest.mark.parametrize("name", ["model.json", "model.onnx", "reference.npz"])
def test_a_missing_file_is_named(model: Path, tmp_path: Path, name: str) -> None:
    folder = spoilt(model, tmp_path)
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"spoilt is incomplete: {name} missing.*dvc repro final"):
        Predictor.load(folder)


def test_what_is_no_model_folder_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere is not a model folder"):
        Predictor.load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["model.onnx", "reference.npz"])
def test_a_changed_file_is_named(model: Path, tmp_path: Path, name: str) -> None:
    folder = spoilt(model, tmp_path)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name} is not the file that was written \(SHA-256"):
        Predictor.load(folder)


def test_files_for_people_may_be_left_out(model: Path, tmp_path: Path) -> None:
    folder = spoilt(model, tmp_path)
    (folder / "classifier.skops").unlink()
    (folder / "classifier.skops").mkdir()  # so that opening it would fail
    (folder / "README.md").unlink()
    assert Predictor.load(folder).card.name == "random_forest"


def test_another_version_is_told_with_both(model: Path, tmp_path: Path) -> None:
    folder = spoilt(model, tmp_path)
    said = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(said | {"format": 4}))
    with pytest.raises(InputError, match=r"format 4, made by thinsection .* reads formats 1, 2, 3"):
        Predictor.load(folder)


@pytest.mark.parametrize("text", ["", "[1", "[]", "\udcff"])
def test_a_description_that_is_none_is_told(model: Path, tmp_path: Path, text: str) -> None:
    folder = spoilt(model, tmp_path)
    (folder / "model.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"model.json"):
        Predictor.load(folder)


# ---- one photo ----


def test_a_photo_is_prepared_as_ingestion_prepares_it(
    predictor: Predictor, photos: Dataset, tmp_path: Path
) -> None:
    large = np.repeat(np.repeat(photos.pixels[3], 4, 0), 5, 1)
    path = save(large, tmp_path / "large.png")
    shown = predictor.prepare(path)
    with scratch_files(tmp_path) as scratch:
        settings = PackSettings(HEIGHT, WIDTH, predictor.card.fit, 100)
        pack_photos([Candidate("large.png", path, "a", "", "", "")], settings, scratch, workers=1)
        packed = np.fromfile(scratch.pixels, np.uint8)
    assert (shown.ravel() == packed).all()
    assert (shown == predictor.prepare(path.read_bytes())).all()
    assert shown.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: Image.new("RGB", (1, 1)).save(p), r"too small: 1 x 1 pixels; at least 8 x 8"),
        (lambda p: p.write_bytes(header_of_png(20_000, 20_000)), "too large: 20000 x 20000|too large: more than 100"),
        (lambda p: p.write_text("not a photo"), "not an image: none of JPEG"),
        (lambda p: p.write_bytes(b""), "empty: 0 bytes"),
    ],
)  # fmt: skip
def test_what_is_no_photo_says_why(
    predictor: Predictor, tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / "photo.png"
    make(path)
    with pytest.raises(UnusablePhoto, match=message):
        predictor.prepare(path)


def test_answers_are_whole(predictor: Predictor, photos: Dataset) -> None:
    answers = predictor.answers(photos.pixels[:40])  # more than go through the graph at once
    assert len(answers) == 40
    for answer in answers:
        assert list(answer.probabilities) == ["basalt", "chalk"]
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert answer.label == max(answer.probabilities, key=answer.probabilities.__getitem__)
        assert answer.prediction_set[0] == answer.label
        assert answer.unlike_anything == (answer.novelty > 1)
    assert predictor.answers(photos.pixels[:0]) == []
    one = predictor.answers(photos.pixels[7:8])[0]
    assert one.novelty == pytest.approx(answers[7].novelty)
    assert one.label == answers[7].label


def test_what_is_like_nothing_seen_is_flagged(predictor: Predictor) -> None:
    rng = generator(0, "unlike")
    noise = rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    page[::4, 4:-4:2] = 0
    assert [a.unlike_anything for a in predictor.answers(np.stack([noise, page]))] == [True, True]


@pytest.mark.parametrize("by_specimen", [False, True])
def test_the_terminal_promises_nothing_of_what_is_like_nothing_seen(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, by_specimen: bool
) -> None:
    noise = generator(0, "unlike").integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    command.predict([str(tmp_path)], model, by_specimen=by_specimen)
    shown = capsys.readouterr().out
    assert re.search(r"(basalt|chalk)\?\s", shown)
    assert "unlike anything seen" in shown
    table, _, _ = shown.partition("no photo classified; 1 unlike anything seen, 0 not used")
    assert not re.search(r"\d\.\d\d", table)  # no probability


def test_the_nearest_photo_of_a_training_photo_is_itself(
    predictor: Predictor, photos: Dataset
) -> None:
    first, second, third = predictor.nearest(photos.pixels[5])
    assert first.photo_id == photos.table["sample"][5]
    assert first.label == photos.table["label"][5]
    assert first.distance == pytest.approx(0, abs=1e-3)
    assert 0 < second.distance <= third.distance
    assert first.thumbnail.dtype == np.uint8
    assert first.thumbnail.shape == (HEIGHT, WIDTH, 3)  # no larger than the photo
    assert len(predictor.nearest(photos.pixels[5], k=1000)) == len(photos.table)


def test_a_heat_map_shows_the_corner_that_a_name_rests_on() -> None:
    photo = np.full((48, 72, 3), 40, np.uint8)
    photo[:12, :12] = 220  # what the classifier below looks at, and nothing else

    def bright_corner(photos: np.ndarray) -> np.ndarray:
        chance = photos[:, :12, :12].mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - chance, chance], axis=1)

    seen = occlusion_map(photo, 1, bright_corner)
    assert seen.shape == (8, 12)
    assert seen[0, 0] == 255
    assert seen[4:, :].max() == 0  # three cells cover at most, so nothing reaches that far
    assert seen[:, 6:].max() == 0
    # and covering a bright corner makes no photo less dark
    assert occlusion_map(photo, 0, bright_corner).max() == 0
    coarse = occlusion_map(photo, 1, bright_corner, step=2)
    assert coarse.shape == seen.shape
    assert coarse[:2, :2].max() == 255  # the corner is two cells wide
    assert coarse[5:, :].max() == 0


def test_a_heat_map_can_be_asked_of_any_class(predictor: Predictor, photos: Dataset) -> None:
    named, other = (predictor.heatmap(photos.pixels[0], c) for c in ("basalt", "chalk"))
    assert named.dtype == np.uint8
    assert named.shape == other.shape
    first = predictor.answers(photos.pixels[:1])[0].label
    assert (predictor.heatmap(photos.pixels[0]) == {"basalt": named, "chalk": other}[first]).all()


# ---- the command ----


def test_a_broken_photo_is_a_row_and_the_rest_is_done(
    model: Path,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    out = tmp_path / "out.csv"
    broken = command.predict([str(folder)], model, out, tmp_path / "maps")
    assert broken == 2
    rows = rows_of(out)
    assert len(rows) == 8
    problems = {Path(row["file"]).name: row["problem"] for row in rows if row["problem"]}
    assert problems["one.png"].startswith("too small")
    assert problems["text.jpg"].startswith("not an image")
    named = [row for row in rows if not row["problem"]]
    assert {row["specimen"]: row["label"] for row in named} == {"GB-1": "basalt", "GB-2": "chalk"}
    for row in named:
        chances = {label: float(row[f"p_{label}"]) for label in ("basalt", "chalk")}
        assert row["label"] == max(chances, key=chances.__getitem__)
        assert row["label"] in row["prediction_set"].split("|")
    maps = sorted((tmp_path / "maps").iterdir())
    assert len(maps) == 6
    with Image.open(maps[0]) as picture:
        assert picture.size == (480, 320)
    said = capsys.readouterr().out
    assert "not used: too small" in said
    assert "2 not used" in said
    assert not list(tmp_path.rglob("*.partial"))


def test_the_command_ends_with_1_for_a_broken_photo_and_with_0_for_none(
    model: Path, folder: Path
) -> None:
    def ends(*given: str) -> int:
        code = "from thinsection.cli import main; main()"
        told = [sys.executable, "-c", code, "predict", *given, "--model", str(model)]
        return subprocess.run(told, capture_output=True).returncode

    assert ends(str(folder)) == 1
    assert ends(str(folder / "GB-1")) == 0
    assert ends(str(folder / "nowhere")) == 1


def test_files_patterns_folders_and_archives_are_one(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "new.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*.*")):
            packed.write(path, path.relative_to(folder))
        packed.writestr("__MACOSX/GB-1/._0.png", b"")
    for given, n in (
        ([str(folder)], 8),
        ([str(archive)], 8),
        ([str(folder / "GB-1" / "*.png")], 3),
        ([str(folder / "**" / "*.png")], 7),
        ([str(folder / "GB-1" / "0.png"), str(folder / "GB-2")], 6),
    ):
        with new_photos(given) as found:
            assert len(found) == n, given
            assert {each.specimen for each in found} <= {"GB-1", "GB-2"}
    with pytest.raises(InputError, match="nothing matches it as a pattern"), new_photos(["x*y"]):
        pass


def deep(photo: np.ndarray) -> np.ndarray:
    """A photo of a 12-bit camera as it lies in a 16-bit file."""
    return np.asarray(np.rint(photo * (4095 / 255)), np.uint16)


def test_notes_of_decoding_go_along_with_the_answer(
    model: Path,
    photos: Dataset,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    root, out = tmp_path / "new", tmp_path / "out.csv"
    root.mkdir()
    tifffile.imwrite(root / "deep.tif", deep(photos.pixels[2]), photometric="rgb")
    pages = np.stack([deep(photos.pixels[2])] * 3)
    tifffile.imwrite(root / "pages.tif", pages, photometric="rgb")
    save(photos.pixels[2], root / "plain.png")
    note = "16-bit, 0..4095 scaled to 0..255"
    assert command.predict([str(root)], model, out) == 0
    rows = rows_of(out)
    assert list(rows[0])[-1] == "notes"
    found = {Path(row["file"]).name: row["notes"] for row in rows}
    assert found == {
        "deep.tif": note,
        "pages.tif": f"first of 3 pictures in the file; {note}",
        "plain.png": "",
    }
    assert len({row["p_basalt"] for row in rows}) == 1  # the same photo, the same answer
    said = capsys.readouterr().out
    assert said.count(note) == 2
    assert "first of 3 pictures in the file" in said
    assert command.predict([str(root)], model, out, by_specimen=True) == 0
    (row,) = rows_of(out)
    assert row["notes"] == f"{note} (2); first of 3 pictures in the file (1)"
    assert list(row)[-1] == "notes"
    assert note in capsys.readouterr().out


def test_one_answer_a_specimen(model: Path, folder: Path, tmp_path: Path) -> None:
    (folder / "photos.csv").write_text("file,specimen\nGB-1/0.png,A\nGB-2/1.png,A\n")
    out = tmp_path / "specimens.csv"
    assert command.predict([str(folder)], model, out, by_specimen=True) == 2
    rows = {row["specimen"]: row for row in rows_of(out)}
    assert {name: row["n_photos"] for name, row in rows.items()} == {
        "A": "2",
        "GB-1": "2",
        "GB-2": "2",
    }
    assert rows["GB-2"]["n_problems"] == "2"
    assert rows["GB-1"]["label"] == "basalt"
    assert rows["GB-2"]["label"] == "chalk"


def test_memory_holds_a_few_photos_at_a_time(
    predictor: Predictor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "n_cores", lambda: 2)
    with new_photos([str(folder / "GB-1")]) as found:
        prepared = []

        class Counting:
            card = predictor.card

            def prepare_with_notes(
                self, path: Path, scale: DeepScale | None
            ) -> tuple[Bytes, tuple[str, ...]]:
                prepared.append(path)
                return predictor.prepare_with_notes(path, scale)

            def answers(self, photos: Bytes) -> list[Answer]:
                assert len(photos) <= CHUNK
                return predictor.answers(photos)

        given = command.outcomes(cast(Predictor, Counting()), found * 100)
        next(given)
        assert len(prepared) <= CHUNK * (2 * command.AHEAD + 1)
        assert sum(1 for _ in given) == 299
        assert len(prepared) == 300


WITHOUT = (
    "torch",
    "torchvision",
    "yaml",
    "sklearn",
    "pandas",
    "scipy",
    "skimage",
    "dvc",
    "onnx",
)


def test_it_runs_where_the_pipeline_s_packages_are_not_installed(model: Path, folder: Path) -> None:
    code = f"""
import sys
for name in {WITHOUT}:
    sys.modules[name] = None  # importing it now fails as if it were not there
from thinsection.cli import main
sys.argv = ["thinsection", "predict", {str(folder / "GB-1")!r}, "--model", {str(model)!r}]
main()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "3 basalt; 0 unlike anything seen, 0 not used" in ran.stdout
