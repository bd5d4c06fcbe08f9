"""The whole of ingestion: order, workers, warnings, and what stays when it is stopped."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image, ImageDraw, ImageFilter

from ingesting import reasons, save, surveyed, texture, two_classes, warned
from systems import NEEDS_POSIX
from thinsection.base.errors import InputError
from thinsection.dataset.folds import assign_folds
from thinsection.decode.photo import decode_photo, fit_to_size
from thinsection.ingest import cheating, chunks, pack
from thinsection.ingest.cheating import find_cheats
from thinsection.ingest.facts import has_border, has_scale_bar, sharpness
from tiny import TOP, tiny_params

SANDSTONE = TOP.parent / "shared" / "photos" / "sandstone-grains"


def test_rows_and_pixels_are_in_the_order_of_the_pixel_hash(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    found, pixels = surveyed(root, tmp_path / "out")
    assert found.photos["sha256"].is_monotonic_increasing
    for photo, packed in zip(found.photos["photo_id"], pixels, strict=True):
        whole = Image.open(root / photo)
        same = whole.resize((48, 32), Image.Resampling.HAMMING)  # 72 x 48: nothing is cropped
        assert np.array_equal(np.asarray(same), packed)


def test_renaming_changes_no_pixel_and_no_order(tmp_path: Path) -> None:
    one = two_classes(tmp_path / "one")
    for number, path in enumerate(sorted(one.rglob("*.png"))):
        save(Image.open(path), tmp_path / "two" / path.parent.name / f"{99 - number}.png")
    (first, pixels), (second, others) = (
        surveyed(tmp_path / name, tmp_path / "out") for name in ("one", "two")
    )
    assert np.array_equal(pixels, others)
    assert first.photos["label"].equals(second.photos["label"])


def test_the_packed_size_changes_no_order_no_group_and_no_fold(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for number in range(12):
        photo = texture(number, 600, 800)
        save(photo, root / ("olivine", "quartz")[number % 2] / f"{number:02}.jpg", quality=90)
        if number < 4:  # a near copy, which only its pixels tie to the first
            crop = photo.crop((30, 20, 780, 585))
            save(crop, root / ("olivine", "quartz")[number % 2] / f"crop {number}.jpg")
    tables = []
    for height, width in ((48, 72), (96, 144), (224, 336)):  # decoded at 1/4, 1/2 and 1
        found, pixels = surveyed(root, tmp_path / "out", height=height, width=width)
        assert pixels.shape == (16, height, width, 3)
        for photo, packed in zip(found.photos["photo_id"], pixels, strict=True):
            image = decode_photo(root / photo, (height, width), 10).image  # as for prediction
            assert np.array_equal(np.asarray(fit_to_size(image, height, width, "crop")), packed)
        folds = assign_folds(found.photos, "grouped", n_folds=3, repeats=1, seed=1)
        tables.append((found.photos, folds, found.near))
    photos, folds, near = tables[0]
    assert photos["group"].nunique() == 12
    for other_photos, other_folds, other_near in tables[1:]:
        assert photos.equals(other_photos)
        assert folds.equals(other_folds)
        assert near == other_near


def test_workers_and_listing_order_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = two_classes(tmp_path / "data", 40)
    (root / "quartz" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    monkeypatch.setattr(chunks, "FEW", 0)
    monkeypatch.setattr(chunks, "CHUNK", 7)
    one, pixels = surveyed(root, tmp_path / "one", workers=1)
    listed = os.scandir
    monkeypatch.delattr(os, "fork")  # threads may live, of which a fork would hold the locks
    monkeypatch.setattr(os, "scandir", lambda path: reversed(list(listed(path))))
    three, others = surveyed(root, tmp_path / "three", workers=3)
    assert np.array_equal(pixels, others)
    for table in ("photos", "rejected", "warnings"):
        assert getattr(one, table).equals(getattr(three, table))
    assert one.counts == three.counts


def test_large_photos_are_dealt_to_every_worker(tmp_path: Path) -> None:
    def sizes_of_chunks(*sizes: int) -> list[int]:
        paths = [tmp_path / f"{n}" for n in range(len(sizes))]
        made = chunks._chunks(paths, list(sizes))
        assert [row for chunk in made for row, _ in chunk] == list(range(len(sizes)))
        return [len(chunk) for chunk in made]

    assert sizes_of_chunks(*[10_000] * 150) == [64, 64, 22]
    # 4 MiB a chunk: two of 2,000,000 bytes, and one of more alone
    assert sizes_of_chunks(*[2_000_000] * 3, 9_000_000, 10, 10) == [2, 1, 1, 2]


def kills_on_3(chunk: list[Any], settings: Any, scratch: Any, scales: Any) -> Any:
    if any(row == 3 for row, _ in chunk):
        os.kill(os.getpid(), signal.SIGKILL)
    return pack.pack_chunk(chunk, settings, scratch, scales)


@NEEDS_POSIX
def test_a_file_that_kills_the_decoder_is_rejected_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = two_classes(tmp_path / "data")
    monkeypatch.setattr(chunks, "FEW", 0)
    monkeypatch.setattr(chunks, "CHUNK", 2)
    monkeypatch.setattr(pack, "partial", lambda _, **known: partial(kills_on_3, **known))
    found, _ = surveyed(root, tmp_path / "out", workers=2)
    assert reasons(found) == {"quartz/001.png": "unreadable: crashes the decoder"}
    assert len(found.photos) == 5


def project(folder: Path, dataset: Path) -> Path:
    params = tiny_params()
    params["dataset"]["path"] = str(dataset)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return folder


def ingest(folder: Path, **options: Any) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(TOP / "src")}
    command = [sys.executable, str(TOP / "stages" / "ingest.py")]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_the_stage_writes_everything_or_nothing(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "photos")
    run = ingest(project(tmp_path, root))
    out, err = run.communicate()
    assert run.returncode == 0, err
    assert "Photos used" in out
    written = sorted(p.name for p in (tmp_path / "data" / "ingested").iterdir())
    assert written == ["photos.csv", "pixels.npy", "rejected.csv", "warnings.csv"]
    metrics = (tmp_path / "metrics" / "ingest.json").read_text()
    save(texture(1), root / "olivine" / "wrong.png")
    run = ingest(tmp_path)
    _, err = run.communicate()
    assert run.returncode == 1
    assert err.startswith("ERROR: the same photo under two labels")
    assert "Traceback" not in err
    assert sorted(p.name for p in (tmp_path / "data" / "ingested").iterdir()) == written
    assert (tmp_path / "metrics" / "ingest.json").read_text() == metrics


@NEEDS_POSIX
def test_a_killed_ingest_leaves_no_half_table(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "photos", 4)
    for number in range(3):  # large enough to be caught at it
        save(Image.effect_noise((3600, 1200), 50), root / "quartz" / f"large {number}.bmp")
    run = ingest(project(tmp_path, root), start_new_session=True)
    deadline = time.monotonic() + 30
    while (
        not list(tmp_path.glob("data/.ingested.partial/.pixels*")) and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert not (tmp_path / "data" / "ingested").exists()
    assert not (tmp_path / "metrics").exists()
    assert not list(tmp_path.rglob("*.csv"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = two_classes(tmp_path / "data")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".pixels.scratch").symlink_to("/dev/full")
    with (
        pytest.raises(InputError, match=r"the disk is full \(No space left.*Make room, or reduce"),
        pack.explain_full_disk(tmp_path),
    ):
        surveyed(root, tmp_path / "out")
    with pytest.raises(OSError, match="other"), pack.explain_full_disk(tmp_path):
        raise OSError(errno.EIO, "other")


def test_warnings_of_classes(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for number in range(13):
        save(texture(number), root / f"{number:02}.png")
    rows = [f"{n:02}.png,{'ab'[n > 9]},{'S1' if n < 6 else ''}" for n in range(13)]
    (root / "photos.csv").write_text("\n".join(["file,label,specimen", *rows]))
    found, _ = surveyed(root, tmp_path / "out")
    # 10 of a, 3 of b; 6 of the 10 are of specimen S1; 7 of 13 of none
    assert warned(found, "few photos") == [("", "class b: 3 photos; at least 10 are recommended")]
    assert warned(found, "imbalance")[0][1].startswith("class a has 10 photos, b 3")
    assert warned(found, "one specimen")[0][1].startswith("6 of 10 photos of class a are of")
    assert warned(found, "specimen unknown")[0][1].startswith("for 7 of 13 photos")


def test_warnings_of_photos(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data", 12)
    save(Image.new("RGB", (72, 48), (90, 80, 70)), root / "quartz" / "blank.png")
    save(texture(60).filter(ImageFilter.GaussianBlur(4)), root / "quartz" / "blurred.png")
    save(texture(61, 12, 18), root / "quartz" / "tiny.png")
    save(texture(62), root / "quartz" / "jpeg.tif", format="JPEG")
    save(texture(63), root / "quartz" / "pages.tif", save_all=True, append_images=[texture(64)])
    found, _ = surveyed(root, tmp_path / "out")
    assert warned(found, "blank") == [("quartz/blank.png", "grey levels vary only by 0.0")]
    assert [file for file, _ in warned(found, "out of focus")] == ["quartz/blurred.png"]
    assert warned(found, "small") == [("quartz/tiny.png", "18 x 12 enlarged to 48 x 32")]
    assert warned(found, "wrong extension") == [("quartz/jpeg.tif", "its content is JPEG")]
    assert warned(found, "note") == [("quartz/pages.tif", "first of 2 pictures in the file")]


@pytest.mark.parametrize(
    "fact", ["image size", "file format", "mean brightness", "scale bar or border"]
)
def test_what_lets_a_model_cheat(tmp_path: Path, fact: str) -> None:
    root = tmp_path / "data"
    for number in range(40):
        quartz, image, suffix = number % 2, texture(100 + number, 96, 144), "png"
        if quartz and fact == "image size":
            image = image.resize((120, 80))
        if quartz and fact == "file format":
            suffix = "bmp"
        if quartz and fact == "mean brightness":
            image = image.point(lambda level: level // 2)
        if quartz and fact == "scale bar or border":
            ImageDraw.Draw(image).rectangle((100, 85, 135, 88), fill=(255, 255, 255))
        save(image, root / ("quartz" if quartz else "olivine") / f"{number}.{suffix}")
    found, _ = surveyed(root, tmp_path / "out")
    told = {detail.partition(":")[0] for _, detail in warned(found, "cheating")}
    assert told == {fact, "all five together"}


def test_jpeg_quality_lets_a_model_cheat_and_noise_does_not() -> None:
    n_photos = 60
    rng = np.random.default_rng(3)
    labels = np.array(["a", "b"])[np.arange(n_photos) % 2]
    names = (
        "width",
        "height",
        "area",
        "aspect",
        "format_code",
        "brightness",
        "scale_bar",
        "border",
    )
    facts = pd.DataFrame({name: rng.normal(size=n_photos) for name in names})
    facts["jpeg_quality"] = np.where(labels == "a", 92, 75)
    groups = np.arange(n_photos).astype(str)
    warns = {cheat.fact: cheat.warns for cheat in find_cheats(facts, labels, groups)}
    assert warns == {
        "image size": False,
        "file format": False,
        "JPEG quality": True,
        "mean brightness": False,
        "scale bar or border": False,
        "all five together": True,
    }
    assert find_cheats(facts[:2], labels[:2], groups[:2]) == []


def test_folds_of_many_groups_keep_each_whole() -> None:
    labels = np.array(["a", "b"])[np.arange(1500) // 2 % 2]
    groups = np.array([f"g{row // 2}" for row in range(1500)])  # 750 pairs
    folds = cheating._folds(labels, groups)
    assert folds is not None
    assert len(folds) == cheating.FOLDS
    assert sorted(np.concatenate([out for _, out in folds])) == list(range(1500))
    for train, out in folds:
        assert not set(groups[train]) & set(groups[out])
        assert len(out) == 300
        assert np.mean(labels[out] == "a") == 0.5


def test_scale_bars_and_borders() -> None:
    plain = np.asarray(texture(5, 183, 275).convert("L"))
    assert not has_scale_bar(plain)
    assert not has_border(plain)
    for colour in (0, 255):
        marked = Image.fromarray(plain)
        ImageDraw.Draw(marked).rectangle((200, 160, 255, 164), fill=colour)
        assert has_scale_bar(np.asarray(marked))
    framed = plain.copy()
    framed[:, -4:] = 255
    assert has_border(framed)
    assert not has_border(np.full((50, 50), 200, np.uint8))  # blank, not framed


def test_sharpness_falls_with_blur() -> None:
    image = texture(8)
    sharp, blurred = (
        sharpness(np.asarray(each)[..., 1])
        for each in (image, image.filter(ImageFilter.GaussianBlur(2)))
    )
    assert sharp > 3 * blurred


def test_check_lists_everything_on_one_page(
    tmp_path: Path, changed_params: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from thinsection.ingest.check import check_photos
    from thinsection.params import load_params

    root = two_classes(tmp_path / "data")
    save(texture(1), root / "olivine" / "wrong.png")
    save(texture(2).rotate(90, expand=True), root / "olivine" / "<b>turned</b>.png")
    page = tmp_path / "check.html"
    assert not check_photos(root, page, load_params(changed_params()).ingest, None, None)
    text = page.read_text(encoding="utf-8")
    assert "conflict: the same photo under the labels olivine, quartz" in text
    assert "&lt;b&gt;turned&lt;/b&gt;.png" in text
    assert "data:image/jpeg;base64," in text
    assert "http" not in text
    assert "near copy" in capsys.readouterr().out
    with pytest.raises(
        InputError, match=r"specimen_pattern is 'sample_' has no group; write {specimen}"
    ):
        check_photos(root, page, load_params(changed_params()).ingest, "sample_", None)


@pytest.mark.skipif(not SANDSTONE.is_dir(), reason=f"no photos at {SANDSTONE}")
def test_sandstone_ties_nothing_falsely(tmp_path: Path) -> None:
    found, _ = surveyed(SANDSTONE, tmp_path / "out")
    assert len(found.photos) == 420
    assert reasons(found) == {"LICENSE": "no label: not listed in photos.csv"}
    # One grain is there twice, once as feldspar and once as quartz, in both lights: seen by eye.
    assert [file for file, _ in warned(found, "near copy, two labels")] == [
        "feldspar/feldspar_feldspar_522_ppl.jpg",
        "feldspar/feldspar_feldspar_522_xpl.jpg",
    ]
    assert warned(found, "near copy") == []
