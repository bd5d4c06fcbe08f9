"""Naming the points of a count by hand: nothing is lost, and one goes on where one stopped."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from browser import NEEDS_BROWSER, browsing
from modelling import HEIGHT, WIDTH, make_model
from sections import SCALE, half_and_half, pairs, rows_of
from serving import Client, serving
from thinsection.base.errors import InputError
from thinsection.counting.command import Options, count
from thinsection.counting.session import Session
from thinsection.families.run import Run
from thinsection.predict.predictor import Predictor


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("by hand") / "model"
    return make_model(folder, Run("baseline", "random_forest"), pairs(), **SCALE)


@pytest.fixture
def counted(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A counted section of two fields, named by paths that hold only where it was counted."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for field in "ab":
        for light in ("ppl", "xpl"):
            brighter = np.uint8(light == "xpl")  # so that no photo is a copy of another
            Image.fromarray(np.minimum(half_and_half(), 254) + brighter).save(
                f"{field}_{light}.png"
            )
    given = ["a_ppl.png", "a_xpl.png", "b_ppl.png", "b_xpl.png"]
    count(given, model, tmp_path / "count", Options(points=80, um_per_pixel=3.0))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "count"


def truth(session: Session, point: int) -> str:
    return "chalk" if session.counted.named.points.x[point] < 100 else "basalt"


def test_every_answer_is_kept_and_the_next_session_goes_on(counted: Path) -> None:
    asked = []
    with Session(counted) as session:
        before = session.counted.shares
        for _ in range(32):
            point = session.next_point()
            assert point is not None
            asked.append(point)
            session.name(point, truth(session, point))
            rows = rows_of(counted / "points.csv")  # as a kill in this moment would leave it
            assert sum(bool(row["by_hand"]) for row in rows) == len(asked)
            if len(asked) == 12:  # too few to say anything
                assert np.array_equal(session.counted.shares.draws, before.draws)
        assert session.n_named == 32
        assert not np.allclose(session.counted.shares.draws, before.draws)
    with Session(counted) as again:
        assert again.n_named == 32
        assert again.last_point() == asked[-1]
        following = again.next_point()
        assert following not in asked
        again.name(asked[-1], None)
        assert again.n_named == 31
        assert again.next_point() == asked[-1]
        low, high = again.counted.shares.interval(0.95)
        chalk = again.card.classes.index("chalk")
        assert low[chalk] <= 0.25 <= high[chalk]
    assert len({row["field"] for row in rows_of(counted / "points.csv")}) == 2


def test_what_is_shown_is_what_surrounds_the_point(counted: Path) -> None:
    with Session(counted) as session:
        point = session.next_point()
        assert point is not None
        wide, seen = session.views(point), session.views(point, context=1)
        assert set(seen) == {"ppl", "xpl"}
        assert seen["ppl"].shape == (HEIGHT, WIDTH, 3)
        assert wide["ppl"].shape == (3 * HEIGHT, 3 * WIDTH, 3)
        whole, points = half_and_half(), session.counted.named.points
        centre = wide["ppl"][3 * HEIGHT // 2, 3 * WIDTH // 2]
        assert np.array_equal(centre, whole[points.y[point], points.x[point]])


def test_a_folder_that_is_no_count_and_photos_that_are_gone_are_said(
    counted: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"has no count\.json"), Session(tmp_path / "here"):
        pass
    (tmp_path / "here/b_ppl.png").unlink()
    (tmp_path / "here/b_xpl.png").unlink()
    with pytest.raises(InputError, match="no such file"), Session(counted):
        pass


@pytest.fixture
def client(counted: Path, model: Path, tmp_path: Path) -> Iterator[Client]:
    with (
        Session(counted) as session,
        serving(tmp_path / "corrections", Predictor.load(model), session) as client,
    ):
        yield client


def test_names_are_taken_over_the_network_and_become_training_photos(
    client: Client, tmp_path: Path
) -> None:
    status, state = client.ask("GET", "/count/state")
    assert status == 200
    point = state["point"]
    assert client.raw("GET", f"/count/points/{point}/xpl")[1][:2] == b"\xff\xd8"
    assert client.raw("GET", f"/count/points/{point}/uv")[0] == 404
    assert client.raw("GET", "/count/points/9999/ppl")[0] == 404
    status, state = client.ask("POST", f"/count/points/{point}?label=chalk")
    assert (status, state["n_named"]) == (200, 1)
    rows = rows_of(tmp_path / "corrections/photos.csv")
    assert [row["label"] for row in rows] == ["chalk", "chalk"]
    assert {row["light"] for row in rows} == {"ppl", "xpl"}
    assert len({row["sample"] for row in rows}) == 1
    status, told = client.ask("POST", f"/count/points/{point}?label=cheese")
    assert status == 400
    assert "No such point or name" in told["error"]
    status, state = client.ask("DELETE", f"/count/points/{point}")
    assert (status, state["n_named"], state["point"]) == (200, 0, point)
    assert not rows_of(tmp_path / "corrections/photos.csv")
    # a page from elsewhere can't
    assert client.ask("POST", f"/count/points/{point}?label=chalk", headers={})[0] == 403


@NEEDS_BROWSER
def test_sixty_points_by_the_keyboard(client: Client, counted: Path, tmp_path: Path) -> None:
    with browsing(tmp_path / "profile") as page:
        page.viewport(1280, still=True)
        page.open(f"{client.url}/count")
        for n in range(60):
            page.wait_for(f"document.getElementById('point')?.textContent == 'Point {n + 1} of 80'")
            page.key("2" if n % 3 else "1", 50 if n % 3 else 49, "2" if n % 3 else "1")
        page.wait_for("document.getElementById('point')?.textContent == 'Point 61 of 80'")
        page.key("Backspace", 8)
        page.wait_for("document.getElementById('point')?.textContent == 'Point 60 of 80'")
        assert "From 59 points named by hand" in page.text("#so-far")
        assert page.run("document.querySelectorAll('#shares tbody tr').length") == 2
        assert not page.console
    named = [row["by_hand"] for row in rows_of(counted / "points.csv") if row["by_hand"]]
    assert len(named) == 59
    assert set(named) == {"basalt", "chalk"}
