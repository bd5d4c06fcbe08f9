"""The page's answers, through real HTTP."""

import io
import json
import subprocess
import sys
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
from flask import Flask
from PIL import Image

from serving import BLUE, GREEN, GREY, RED, Client, FakePredictor, picture, serving
from thinsection.base.errors import InputError
from thinsection.serve import app as app_module
from thinsection.serve.server import make_server


def test_the_page_says_what_the_model_is_and_what_to_expect(page: Client) -> None:
    status, content, headers = page.raw("GET", "/")
    text = content.decode()
    assert status == 200
    assert "<b>ResNet-18</b> distinguishes augite, biotite and olivine" in text
    assert "63\xa0% (interval 52 to 74\xa0%)" in text
    assert "240 photos of 40 specimens" in text
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<style" not in text
    assert " style=" not in text
    assert "onclick" not in text
    assert headers["X-Content-Type-Options"] == "nosniff"
    for name in ("page.js", "card.js", "corrections.js", "ask.js", "style.css"):
        assert page.raw("GET", f"/static/{name}")[0] == 200


def test_an_answer_holds_names_probabilities_and_the_set_in_words(page: Client) -> None:
    status, answer = page.answer(picture((170, 60, 160)))  # as much red as blue, nearly
    assert status == 200
    assert answer["label"] == "augite"
    shares = [each["p"] for each in answer["probabilities"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert (
        answer["in_words"]
        == "Augite or olivine: such a list contains the right name for 90\xa0% of photos. On unseen "
        "specimens, 81 % of those named augite were augite, most of the others biotite."
    )
    assert answer["unlike_anything"] is False
    assert answer["correction"] is None
    unlike = page.answer(picture(GREY))[1]
    assert unlike["unlike_anything"] is True
    assert "may show none of them" in unlike["in_words"]  # no promise is made of such a photo


def test_heat_map_neighbours_and_picture_come_by_requests_of_their_own(page: Client) -> None:
    key = page.answer(picture(BLUE))[1]["photo"]
    status, heat = page.ask("GET", f"/photos/{key}/heatmap?label=olivine")
    assert status == 200
    assert heat["where"] == "the upper left"
    drawn = Image.open(io.BytesIO(b64decode(heat["overlay"].partition(",")[2])))
    assert drawn.size == (12, 8)
    assert page.ask("GET", f"/photos/{key}/heatmap?label=augite")[1]["where"] == "nowhere"
    _, neighbours = page.ask("GET", f"/photos/{key}/neighbours")
    assert [each["label"] for each in neighbours] == ["olivine"] * 3
    status, content, _ = page.raw("GET", f"/photos/{key}/picture")
    assert Image.open(io.BytesIO(content)).size == (72, 48)


@pytest.mark.parametrize(
    ("photo", "said"),
    [
        (b"", "The file is empty"),
        (b"quartz, feldspar and mica", "The file is not a photo"),
        (picture(RED)[:3000], "The file is incomplete"),
        (picture(RED, (5000, 4001)), "too many pixels"),  # 20.005 megapixels
    ],
)
def test_a_file_that_is_no_photo_is_told_in_words(page: Client, photo: bytes, said: str) -> None:
    for status, answer in (page.answer(photo), page.correct(photo, "augite")):
        assert status == 422
        assert said in answer["error"]


def test_notes_of_decoding_go_along_with_the_answer(page: Client) -> None:
    assert page.answer(picture(RED))[1]["notes"] == []
    samples = np.asarray(Image.open(io.BytesIO(picture(RED)))).astype(np.uint16) * 257
    file = io.BytesIO()
    tifffile.imwrite(file, np.stack([samples, samples]), photometric="rgb")
    status, answer = page.answer(file.getvalue())
    assert (status, answer["label"]) == (200, "augite")
    assert answer["notes"] == [
        "first of 2 pictures in the file",
        "16-bit, 0..65535 scaled to 0..255",
    ]


def test_a_kind_of_photo_that_is_not_decoded_is_told_by_its_name(page: Client) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((20, 30), np.complex64))
    status, answer = page.answer(file.getvalue())
    assert status == 422
    assert answer["error"] == "This kind of TIFF is not supported: 64-bit complex. Save it as PNG."
    status, answer = page.answer(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99))
    assert status == 422
    assert answer["error"] == "This format is not supported: HEIC; save the photo as PNG or TIFF."


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/static/%2e%2e/app.py", 404),
        ("GET", "/static/..%2fapp.py", 404),
        ("GET", f"/photos/{'0' * 64}/heatmap?label=olivine", 404),
        ("GET", f"/corrections/{'0' * 64}/picture", 404),
        ("GET", "/corrections/..%2f..%2fparams.yaml/picture", 404),
        ("DELETE", "/corrections/photos.csv", 404),
        ("GET", "/answers", 405),
        ("DELETE", "/answers", 405),
    ],
)
def test_unknown_addresses_are_refused_in_json(
    page: Client, method: str, path: str, status: int
) -> None:
    found, answer = page.ask(method, path)
    assert found == status
    assert list(answer) == ["error"]


def test_a_class_that_is_none_has_no_heat_map(page: Client) -> None:
    key = page.answer(picture(BLUE))[1]["photo"]
    assert page.ask("GET", f"/photos/{key}/heatmap?label=kryptonite")[0] == 400


def test_a_failure_of_ours_shows_no_trace_on_the_page_but_in_the_terminal(
    page: Client, caplog: pytest.LogCaptureFixture
) -> None:
    key = page.answer(picture(GREEN))[1]["photo"]
    status, content, headers = page.raw("GET", f"/photos/{key}/heatmap?label=biotite")
    assert status == 500
    assert json.loads(content) == {
        "error": "Something went wrong on the server; the terminal shows the error."
    }
    assert "Content-Security-Policy" in headers
    assert "secret of the heat map" in caplog.text


def test_clients_at_once_get_each_their_own_answer(tmp_path: Path) -> None:
    colours = {"augite": RED, "biotite": GREEN, "olivine": BLUE}
    wanted = list(colours) * 8
    photos = [picture(colours[name], seed=n) for n, name in enumerate(wanted)]
    with (
        serving(tmp_path / "c", FakePredictor(pause=0.02)) as client,
        ThreadPoolExecutor(12) as pool,
    ):
        answers = list(pool.map(client.answer, photos))
    assert [answer["label"] for _, answer in answers] == wanted


def test_photos_are_forgotten_so_that_memory_stays_flat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "REMEMBERED", 3)
    with serving(tmp_path / "c") as client:
        keys = [client.answer(picture(BLUE, seed=n))[1]["photo"] for n in range(4)]
        status, said = client.ask("GET", f"/photos/{keys[0]}/neighbours")
        assert status == 404
        assert "Drop it again" in said["error"]
        assert client.ask("GET", f"/photos/{keys[3]}/neighbours")[0] == 200


def test_a_taken_port_is_one_message(tmp_path: Path) -> None:
    with serving(tmp_path / "c") as client, pytest.raises(InputError, match="Try --port 0"):
        make_server(Flask("taken"), "127.0.0.1", client.port)


def test_without_a_model_the_command_says_what_to_do(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "from thinsection.cli import main; main()", "serve"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.startswith("ERROR: models/final is not a model folder")
    assert not (Path(tmp_path) / "corrections").exists()


def test_the_page_needs_no_part_of_the_pipeline() -> None:
    # so that `pip install thinsection[serve]` is enough, and it starts at once
    code = (
        "import sys, thinsection.serve.server, thinsection.predict;"
        "print([m for m in ('torch', 'sklearn', 'pandas', 'scipy', 'dvc') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
