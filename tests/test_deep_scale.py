"""One scale for the deep photos of a specimen, of a data set or of a camera."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from ingesting import surveyed, texture, warned
from modelling import HEIGHT, WIDTH, make_model
from thinsection.base.errors import InputError
from thinsection.decode.photo import decode_photo
from thinsection.families.run import Run
from thinsection.ingest import chunks
from thinsection.ingest.deep_scales import scale_by_bits, scales_of
from thinsection.params import load_params
from thinsection.predict import Predictor, command
from thinsection.predict.new_photos import new_photos
from thinsection.predict.predictor import scale_in_training

UNSIGNED = "16-bit unsigned"


def ramp(peak: float, dtype: Any = np.uint16, low: float = 0) -> np.ndarray:
    """(48, 72) from low to peak, from top to bottom: 0 % and 100 % are whole rows."""
    return np.repeat(np.linspace(low, peak, 48)[:, None], 72, 1).astype(dtype)


def write(path: Path, samples: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, samples, metadata=None)
    return path


def brightest(path: Path, scale: Any) -> tuple[int, str]:
    photo = decode_photo(path, (48, 72), 1.0, scale)
    return int(np.asarray(photo.image).max()), "; ".join(photo.notes)


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """A bright photo and a dark one of one specimen, and a dark one of another, all of 12 bits."""
    return [
        write(tmp_path / "a1.tif", ramp(4000)),
        write(tmp_path / "a2.tif", ramp(900)),
        write(tmp_path / "b1.tif", ramp(900)),
    ]


@pytest.mark.parametrize(
    ("deep_photos", "expected", "whose"),
    [
        # 255 * 4000 / 4095 = 249.1 and, each by itself, 255 * 900 / 1023 = 224.3
        ("each", [249, 224, 224], ["", "", ""]),
        # with 12 bits, 255 * 900 / 4095 = 56.04
        (
            "specimen",
            [249, 56, 224],
            [
                ": one scale for the 2 deep photos of A",
                ": one scale for the 2 deep photos of A",
                ": one scale for the 1 deep photo of B",
            ],
        ),
        ("dataset", [249, 56, 56], [": one scale for the data set"] * 3),
        (12, [249, 56, 56], [": 12 bits by ingest.deep_photos"] * 3),
        # 255 * 4000 / 16383 = 62.3, 255 * 900 / 16383 = 14.0
        (14, [62, 14, 14], [": 14 bits by ingest.deep_photos"] * 3),
    ],
)
def test_the_scale_of_each_mode(
    three: list[Path], deep_photos: Any, expected: list[int], whose: list[str]
) -> None:
    scales = scales_of(three, ["A", "A", "B"], deep_photos, 1.0)
    found = [brightest(path, scale) for path, scale in zip(three, scales, strict=True)]
    assert [level for level, _ in found] == expected
    for (_, note), words in zip(found, whose, strict=True):
        assert note.startswith("16-bit, 0..")
        assert note.split(" scaled to 0..255")[1].split("; ")[0] == words


def test_a_photo_of_an_unknown_specimen_has_its_own_scale_and_says_so(three: list[Path]) -> None:
    scales = scales_of(three, ["", "", "B"], "specimen", 1.0)
    assert brightest(three[0], scales[0])[0] == 249
    level, note = brightest(three[1], scales[1])
    assert level == 224
    assert note.endswith(": its own scale, for its specimen is unknown")


@pytest.mark.parametrize("deep_photos", ["each", "dataset", 12])
def test_a_dark_photo_of_12_bits(tmp_path: Path, deep_photos: Any) -> None:
    # it never passes 1023, so by itself it is taken for one of 10 bits
    dark, bright = write(tmp_path / "d.tif", ramp(1000)), write(tmp_path / "b.tif", ramp(3000))
    scales = scales_of([dark, bright], ["", ""], deep_photos, 1.0)
    # 255 * 1000 / 1023 = 249.3, 255 * 1000 / 4095 = 62.3
    assert brightest(dark, scales[0])[0] == (249 if deep_photos == "each" else 62)


def test_hot_pixels_change_no_shared_scale(tmp_path: Path, three: list[Path]) -> None:
    spoilt = ramp(900)
    spoilt[10, 10], spoilt[20:23, 30:33] = 65535, 60000
    spoilt_file = write(tmp_path / "hot.tif", spoilt)
    scales = scales_of([*three, spoilt_file], ["A"] * 4, "dataset", 1.0)
    assert dict(scales[0].ranges) == {UNSIGNED: (0, 4000)}


def test_8_bits_packed_samples_and_floats_keep_their_scales(tmp_path: Path) -> None:
    grey = tmp_path / "grey.png"
    Image.fromarray(ramp(200, np.uint8)).save(grey)
    unit = write(tmp_path / "unit.tif", ramp(0.5, np.float32))
    counts = write(tmp_path / "counts.tif", ramp(900, np.float32))
    paths = [grey, unit, counts, write(tmp_path / "deep.tif", ramp(4000))]
    by_data_set = scales_of(paths, [""] * 4, "dataset", 1.0)
    # floats share 0..1023 among themselves: 255 * 0.5 / 1023 = 0.12, 255 * 900 / 1023 = 224.3
    found = [brightest(path, scale)[0] for path, scale in zip(paths, by_data_set, strict=True)]
    assert found == [200, 0, 224, 249]
    # by the camera's bits 0..1 stays 0..1, 255 / 2 = 127.5, and 255 * 900 / 4095 = 56.04
    by_bits = [brightest(path, scale_by_bits(12))[0] for path in paths]
    assert by_bits == [200, 128, 56, 249]


def test_what_a_given_scale_takes_from_a_photo_is_told(tmp_path: Path) -> None:
    # 12 of 48 rows lie above 1023: 4092 * row / 47 > 1023 from row 12 on, so 36 of 48
    bright = write(tmp_path / "bright.tif", ramp(4092))
    level, note = brightest(bright, scale_by_bits(10))
    assert level == 255
    assert note.endswith("; 75 % of its pixels lie beyond that scale and became black or white")
    # 400 of 65535 is 1.6 of 256 levels
    dim = write(tmp_path / "dim.tif", ramp(400))
    assert brightest(dim, scale_by_bits(16))[1].endswith(
        "; it fills 2 of the 256 levels of that scale"
    )


def test_negative_values_give_a_data_set_its_own_range(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "a.tif", ramp(100, np.int16, low=-100)),
        write(tmp_path / "b.tif", ramp(300, np.int16)),
    ]
    scales = scales_of(paths, ["", ""], "dataset", 1.0)
    # -100..300 becomes 0..255: 100 is at 255 * 200 / 400 = 127.5
    assert [brightest(path, scales[0])[0] for path in paths] == [128, 255]


# ---- ingestion, the model and prediction ----


def deep_data_set(root: Path) -> Path:
    """Six photos of 12 bits, of two specimens, one of them dark, and one of 8 bits."""
    rows = ["file,label,specimen"]
    for n in range(6):
        dark = 4 if n < 3 else 16  # of 4095: the dark ones end below 1023
        samples = np.asarray(texture(n)).astype(np.uint16) * dark
        path = root / f"{n}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, samples, photometric="rgb", metadata=None)
        rows.append(f"{n}.tif,{('olivine', 'quartz')[n % 2]},{'dark' if n < 3 else 'bright'}")
    texture(9).save(root / "9.png")
    rows.append("9.png,olivine,other")
    (root / "photos.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


@pytest.mark.parametrize("deep_photos", ["specimen", "dataset", 12])
def test_workers_change_no_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deep_photos: Any
) -> None:
    root = deep_data_set(tmp_path / "data")
    (root / "broken.tif").write_bytes(b"II*\0 no more")
    with (root / "photos.csv").open("a", encoding="utf-8") as table:
        table.write("broken.tif,olivine,dark\n")
    monkeypatch.setattr(chunks, "FEW", 0)
    monkeypatch.setattr(chunks, "CHUNK", 2)
    one, pixels = surveyed(root, tmp_path / "one", workers=1, deep_photos=deep_photos)
    two, others = surveyed(root, tmp_path / "two", workers=2, deep_photos=deep_photos)
    assert np.array_equal(pixels, others)
    assert one.warnings.equals(two.warnings)
    assert one.deep_ranges == two.deep_ranges
    assert set(one.rejected["file"]) == {"broken.tif"}
    assert len(warned(one, "note")) == 6  # one for each deep photo


@pytest.mark.parametrize("deep_photos", ["each", "specimen", "dataset", 12])
def test_prediction_scales_a_file_as_ingestion_does(tmp_path: Path, deep_photos: Any) -> None:
    root = deep_data_set(tmp_path / "data")
    found, packed = surveyed(root, tmp_path / "out", deep_photos=deep_photos)
    run = Run("baseline", "naive_bayes")
    folder = make_model(
        tmp_path / "model", run, ingest={"deep_photos": deep_photos}, deep_ranges=found.deep_ranges
    )
    said = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert said["deep_photos"] == deep_photos
    assert said["format"] == (1 if deep_photos == "each" else 2)
    predictor = Predictor.load(folder)
    assert (predictor.card.height, predictor.card.width) == (HEIGHT, WIDTH) == packed.shape[1:3]
    with new_photos([str(root)]) as photos:
        answered = {o.photos[0].path.name: o for o in command.outcomes(predictor, photos)}
    notes = dict(warned(found, "note"))
    for row, name in enumerate(found.photos["photo_id"]):
        (pixels,) = answered[name].pixels
        assert pixels is not None
        assert np.array_equal(pixels, packed[row])
        scaled = [note.split(":")[0] for note in answered[name].notes]
        assert scaled == ([notes[name].split(":")[0]] if name in notes else [])


def test_a_photo_alone_says_whose_scale_it_has(tmp_path: Path) -> None:
    root = deep_data_set(tmp_path / "data")
    run = Run("baseline", "naive_bayes")

    def notes(name: str, deep_photos: Any, **ranges: Any) -> str:
        folder = tmp_path / f"model-{deep_photos}-{len(ranges)}"
        if not folder.exists():
            make_model(folder, run, ingest={"deep_photos": deep_photos}, **ranges)
        return "; ".join(Predictor.load(folder).prepare_with_notes(root / name)[1])

    whole = {"deep_ranges": {UNSIGNED: (0, 4000)}}
    # as the page has it, which is sent one photo at a time
    assert notes("0.tif", "dataset", **whole).endswith("0..4095 scaled to 0..255: the scale of the training photos")  # fmt: skip
    assert notes("0.tif", "dataset").endswith("its own scale, for no training photo had more than 8 bits")  # fmt: skip
    assert notes("0.tif", "specimen").endswith("0..1023 scaled to 0..255: its own scale; in training, one for each specimen")  # fmt: skip
    assert notes("0.tif", 12).endswith("0..4095 scaled to 0..255: 12 bits, as in training")
    write(tmp_path / "data/float.tif", ramp(0.5, np.float32))
    assert notes("float.tif", "dataset", **whole).endswith("0..1 scaled to 0..255: its own scale, for its samples are 32-bit float")  # fmt: skip


def test_a_model_folder_from_before_still_loads(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", Run("baseline", "naive_bayes"))
    path = folder / "model.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    del said["deep_photos"], said["deep_ranges"]
    path.write_text(json.dumps(said), encoding="utf-8")
    card = Predictor.load(folder).card
    assert (card.deep_photos, card.deep_ranges) == ("each", {})
    assert scale_in_training(card).ranges == {}


def test_the_card_for_people_says_the_scale(tmp_path: Path) -> None:
    run = Run("baseline", "naive_bayes")
    by_data_set = make_model(
        tmp_path / "a", run, ingest={"deep_photos": "dataset"}, deep_ranges={UNSIGNED: (3, 4000)}
    )
    assert "all share one scale, of 16-bit unsigned values 3 to 4000;" in _card(by_data_set)
    by_bits = make_model(tmp_path / "b", run, ingest={"deep_photos": 12})
    assert "the camera filled 12 bits;" in _card(by_bits)
    assert "8 bits" not in _card(make_model(tmp_path / "c", run))


def _card(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", ["all", 11, "12", True])
def test_a_wrong_entry_is_told_what_is_allowed(changed_params: Any, value: Any) -> None:
    allowed = "'each', 'specimen', 'dataset', 8, 10, 12, 14 or 16"
    with pytest.raises(InputError, match=rf"ingest\.deep_photos is {value!r}; allowed: {allowed}"):
        load_params(changed_params(ingest__deep_photos=value))
