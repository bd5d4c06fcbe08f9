"""The page's answers, limits and refusals, through real HTTP."""

import csv
import io
import json
import socket
import subprocess
import sys
import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving import BLUE, GREEN, GREY, OWN, RED, FakePredictor, picture, serving
from thinsection.errors import InputError
from thinsection.ingest.check import check_photos
from thinsection.ingest.pack import scratch_files
from thinsection.ingest.survey import survey
from thinsection.params import DatasetSettings, load_params
from thinsection.serve import app as app_module
from thinsection.serve.corrections import Corrections
from thinsection.serve.pictures import overlay, where
from thinsection.serve.sentences import alternatives
from thinsection.serve.server import make_server
from tiny import TOP


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A client of a page that nothing is kept on."""
    with serving(tmp_path_factory.mktemp("serve") / "corrections") as client:
        yield client


def test_the_page_says_what_the_model_is_and_what_to_expect(page):
    status, content, headers = page.raw("GET", "/")
    text = content.decode()
    assert status == 200
    assert "<b>ResNet-18</b> tells augite, biotite and olivine apart" in text
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


def test_an_answer_holds_names_probabilities_and_the_set_in_words(page):
    status, answer = page.answer(picture((170, 60, 160)))  # as much red as blue, nearly
    assert status == 200
    assert answer["label"] == "augite"
    shares = [each["p"] for each in answer["probabilities"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert (
        answer["in_words"]
        == "Augite or olivine: such a list holds the right name in 90\xa0% of photos."
    )
    assert answer["unlike_anything"] is False
    assert answer["correction"] is None
    unlike = page.answer(picture(GREY))[1]
    assert unlike["unlike_anything"] is True
    assert unlike["in_words"] == ""  # no promise is made of such a photo


def test_heat_map_neighbours_and_picture_come_by_requests_of_their_own(page):
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
        (b"quartz, feldspar and mica", "No photo that can be read"),
        (picture(RED)[:3000], "The file is cut off"),
        (picture(RED, (5000, 4001)), "more pixels than are unpacked here"),  # 20.005 megapixels
    ],
)
def test_a_file_that_is_no_photo_is_told_in_words(page, photo, said):
    for status, answer in (page.answer(photo), page.correct(photo, "augite")):
        assert status == 422
        assert said in answer["error"]


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
def test_unknown_addresses_are_refused_in_json(page, method, path, status):
    found, answer = page.ask(method, path)
    assert found == status
    assert list(answer) == ["error"]


def test_a_class_that_is_none_has_no_heat_map(page):
    key = page.answer(picture(BLUE))[1]["photo"]
    assert page.ask("GET", f"/photos/{key}/heatmap?label=kryptonite")[0] == 400


def test_a_failure_of_ours_shows_no_trace_on_the_page_but_in_the_terminal(page, caplog):
    key = page.answer(picture(GREEN))[1]["photo"]
    status, content, headers = page.raw("GET", f"/photos/{key}/heatmap?label=biotite")
    assert status == 500
    assert json.loads(content) == {"error": "Something failed here; the terminal says what."}
    assert "Content-Security-Policy" in headers
    assert "secret of the heat map" in caplog.text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""]
)
def test_a_foreign_name_pointed_here_is_refused(page, host):
    for method, path in (("GET", "/"), ("GET", "/corrections"), ("POST", "/answers")):
        assert page.ask(method, path, headers=OWN | {"Host": host})[0] == 403


@pytest.mark.parametrize("host", ["localhost:1234", "127.0.0.1", "192.168.1.7:8000", "[::1]:8000"])
def test_addresses_that_no_name_server_can_lead_here_are_answered(page, host):
    assert page.raw("GET", "/", headers={"Host": host})[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        OWN | {"Origin": "http://evil.example"},
        OWN | {"Origin": "null"},
        OWN | {"Origin": "http://127.0.0.1:1"},  # another program of this machine
    ],
)
def test_what_a_foreign_page_sends_changes_nothing(page, headers):
    for method, path in (
        ("POST", "/answers"),
        ("POST", "/corrections?label=augite"),
        ("DELETE", f"/corrections/{'0' * 64}"),
    ):
        assert page.ask(method, path, picture(RED), headers)[0] == 403
    assert page.ask("GET", "/corrections")[1]["corrections"] == []


def test_our_own_origin_is_answered(page):
    assert page.ask("POST", "/answers", picture(RED), OWN | {"Origin": page.url})[0] == 200


def test_no_foreign_page_is_told_that_it_may_ask(page):
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Headers": "x-thinsection"}
    _, _, headers = page.raw("OPTIONS", "/answers", headers=asked)
    assert not [name for name in headers if name.lower().startswith("access-control")]


def exchange(port: int, sent: bytes, seconds: float = 10) -> bytes:
    """The server's first words to some bytes; nothing if it only hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(sent)
        try:
            return connection.recv(4096)
        except ConnectionResetError:
            return b""


def test_a_body_too_large_is_refused_before_it_is_sent(page):
    head = f"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {10**9}\r\n\r\n"
    assert exchange(page.port, head.encode()).startswith(b"HTTP/1.1 413")


def test_a_body_of_unsaid_length_is_refused_once_it_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("thinsection.serve.server.MAX_PHOTO_BYTES", 10_000)
    with serving(tmp_path / "c") as client:
        head = b"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        said = exchange(client.port, head + b"3000\r\n" + b"x" * 0x3000 + b"\r\n")
        assert said.startswith(b"HTTP/1.1 413")


def test_headers_without_end_are_refused(page):
    endless = (
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 17_000
    )  # all read by the time it is refused
    assert exchange(page.port, endless).startswith(b"HTTP/1.0 431")


def test_a_client_that_falls_silent_or_trickles_is_hung_up_on(tmp_path):
    limits = {"idle_seconds": 1, "receive_seconds": 2, "cleanup_seconds": 0}
    begun = b"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
    with serving(tmp_path / "c", **limits) as client:
        started = time.monotonic()
        assert exchange(client.port, begun) == b""
        assert 0.9 < time.monotonic() - started < 6
        with socket.create_connection(("127.0.0.1", client.port), timeout=10) as trickle:
            trickle.sendall(begun)
            started = time.monotonic()
            with pytest.raises(OSError):  # noqa: PT011 - a reset or a broken pipe
                while time.monotonic() - started < 8:
                    trickle.sendall(b"x")  # never silent as long as idle_seconds
                    time.sleep(0.2)
            assert 1.9 < time.monotonic() - started < 7


def test_slow_clients_keep_nobody_waiting(page):
    begun = b"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
    slow = [socket.create_connection(("127.0.0.1", page.port), timeout=5) for _ in range(40)]
    try:
        for connection in slow:
            connection.sendall(begun)
        assert page.answer(picture(RED))[1]["label"] == "augite"
    finally:
        for connection in slow:
            connection.close()


def test_clients_at_once_get_each_their_own_answer(tmp_path):
    colours = {"augite": RED, "biotite": GREEN, "olivine": BLUE}
    wanted = list(colours) * 8
    photos = [picture(colours[name], seed=n) for n, name in enumerate(wanted)]
    with (
        serving(tmp_path / "c", FakePredictor(pause=0.02)) as client,
        ThreadPoolExecutor(12) as pool,
    ):
        answers = list(pool.map(client.answer, photos))
    assert [answer["label"] for _, answer in answers] == wanted


def test_photos_are_forgotten_so_that_memory_stays_flat(tmp_path, monkeypatch):
    monkeypatch.setattr(app_module, "REMEMBERED", 3)
    with serving(tmp_path / "c") as client:
        keys = [client.answer(picture(BLUE, seed=n))[1]["photo"] for n in range(4)]
        status, said = client.ask("GET", f"/photos/{keys[0]}/neighbours")
        assert status == 404
        assert "Drop it again" in said["error"]
        assert client.ask("GET", f"/photos/{keys[3]}/neighbours")[0] == 200


def test_a_correction_is_kept_replaced_and_undone(tmp_path):
    folder, photo = tmp_path / "corrections", picture(RED, format="JPEG")
    with serving(folder) as client:
        status, kept = client.correct(photo, "biotite", specimen="GB-12", light="xpl")
        assert status == 200
        assert (kept["label"], kept["said"]) == ("biotite", "augite")
        file = folder / f"photos/{kept['photo']}.jpg"
        assert file.read_bytes() == photo  # byte for byte
        assert client.answer(photo)[1]["correction"] == kept
        client.correct(photo, "olivine")
        _, found = client.ask("GET", "/corrections")
        assert [each["label"] for each in found["corrections"]] == ["olivine"]
        status, content, _ = client.raw("GET", f"/corrections/{kept['photo']}/picture")
        assert Image.open(io.BytesIO(content)).size == (128, 96)
        assert client.ask("DELETE", f"/corrections/{kept['photo']}")[0] == 200
        assert client.ask("DELETE", f"/corrections/{kept['photo']}")[0] == 404
    assert not file.exists()
    assert Corrections(folder).all() == []


@pytest.mark.parametrize(
    "label", ["", " ", "../../etc", "a/b", "=1+1", "a\nb" * 40, "x" * 61, "\x00", "<script>"]
)
def test_a_label_that_is_no_name_is_refused_and_nothing_is_kept(page, label):
    status, said = page.correct(picture(RED), label)
    assert status == 400
    assert "Allowed: 1 to 60 letters" in said["error"]
    assert page.ask("GET", "/corrections")[1]["corrections"] == []


def test_corrections_at_once_are_all_kept(tmp_path):
    photos = [picture(RED, seed=n) for n in range(16)]
    with serving(tmp_path / "c") as client, ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda photo: client.correct(photo, "garnet")[0], photos))
    assert done == [200] * 16
    assert len(Corrections(tmp_path / "c").all()) == 16


def test_ingestion_takes_the_folder_as_it_is(tmp_path):
    folder = tmp_path / "corrections"
    with serving(folder) as client:
        for n, (colour, label) in enumerate([(RED, "augite"), (BLUE, "Plagioklas, sauer (é)")] * 3):
            kind = ("PNG", "JPEG", "TIFF")[n % 3]
            status, _ = client.correct(
                picture(colour, (300, 200), kind, n), label, specimen=f"S-{n}", light="ppl"
            )
            assert status == 200
    dataset = DatasetSettings(path=str(folder), specimen_pattern=None, light_pattern=None)
    with scratch_files(tmp_path) as scratch:
        found = survey(dataset, load_params(TOP / "params.yaml").ingest, scratch)
    assert found.rejected.empty
    assert sorted(found.photos["label"]) == ["Plagioklas, sauer (é)"] * 3 + ["augite"] * 3
    assert sorted(found.photos["specimen"]) == [f"S-{n}" for n in range(6)]
    assert set(found.photos["light"]) == {"ppl"}
    assert check_photos(folder, tmp_path / "check.html", TOP / "params.yaml", None, None)


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_rows_and_columns_that_the_owner_adds_stay(tmp_path):
    folder = tmp_path / "c"
    store = Corrections(folder)
    first = store.add(picture(RED), "PNG", "augite", "augite")
    table = folder / "photos.csv"
    rows = rows_of(table)
    own = {"file": "mine/x.jpg", "label": "quartz", "specimen": "", "light": "", "said": ""}
    with table.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "notes"])
        writer.writeheader()
        writer.writerows([rows[0] | {"notes": "zoned"}, own | {"notes": ""}])
    store.add(picture(BLUE), "PNG", "olivine", "augite")
    assert [known.label for known in store.all()] == ["augite", "olivine"]
    assert store.remove(first.photo)
    assert not store.remove("")  # the owner's own row is nobody's to undo
    kept = rows_of(table)
    assert (kept[0]["file"], kept[0]["notes"]) == ("mine/x.jpg", "")
    assert len(kept) == 2


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("olivine/a.jpg", b"x", "holds files but no photos.csv"),
        ("photos.csv", b"file,label\na.jpg,olivine\n", "lacks the column specimen"),
        ("photos.csv", b"file;label;specimen;light;said\n", "parted by commas"),
        ("photos.csv", b"\xff\xfe\x00", "not a CSV table in UTF-8"),
    ],
)
def test_a_folder_of_something_else_is_not_written_to(tmp_path, file, content, said):
    path = tmp_path / "mine" / file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        Corrections(tmp_path / "mine")


def test_a_taken_port_is_one_message(tmp_path):
    with serving(tmp_path / "c") as client, pytest.raises(InputError, match="Try --port 0"):
        make_server(None, "127.0.0.1", client.port)


def test_without_a_model_the_command_says_what_to_do(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", "from thinsection.cli import main; main()", "serve"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.startswith("ERROR: models/final is no model folder")
    assert not (Path(tmp_path) / "corrections").exists()


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [(0, 0, "the upper left"), (4, 5, "the middle"), (4, 11, "the right side"), (7, 6, "the lower part")],
)  # fmt: skip
def test_where_a_heat_map_is_brightest_in_words(row, column, said):
    heat = np.full((8, 12), 20, np.uint8)
    heat[row, column] = 200
    assert where(heat) == said
    assert where(np.full((8, 12), 9, np.uint8)) == "everywhere"
    assert where(np.zeros((8, 12), np.uint8)) == "nowhere"


def test_the_overlay_leaves_clear_what_was_looked_at():
    drawn = np.asarray(Image.open(io.BytesIO(overlay(np.array([[0, 100, 200]], np.uint8)))))
    assert drawn.shape == (1, 3, 2)
    black, alpha = drawn[0, :, 0], drawn[0, :, 1]
    assert black.max() == 0
    assert alpha[2] == 0
    assert alpha[0] > alpha[1] > alpha[2]


def test_a_set_in_words():
    promise = ": such a list holds the right name in 90\xa0% of photos."
    assert alternatives(("olivine",), 0.9) == "Olivine and nothing else" + promise
    assert alternatives(("a", "b", "c"), 0.9) == "A, b or c" + promise
    assert alternatives((), 0.9) == "None of its classes" + promise


def test_the_page_needs_no_part_of_the_pipeline():
    # so that `pip install thinsection[serve]` is enough, and it starts at once
    code = (
        "import sys, thinsection.serve.server, thinsection.predict;"
        "print([m for m in ('torch', 'sklearn', 'pandas', 'scipy', 'dvc') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
