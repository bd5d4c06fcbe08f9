"""The page in a real browser: drop, read, correct, reload; with the keyboard alone; on a phone."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from browser import NEEDS_BROWSER, Page, browsing
from serving import BLUE, GREEN, GREY, RED, Client, picture, serving
from thinsection.serve.corrections import Corrections

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Photos of four colours, one of them a TIFF that no browser draws, and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    files = {"red.png": RED, "green.jpg": GREEN, "blue.tif": BLUE, "grey.png": GREY}
    kinds = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}
    for name, colour in files.items():
        (folder / name).write_bytes(picture(colour, (300, 200), kinds[name[-3:]]))
    (folder / "notes.jpg").write_bytes(b"quartz and mica")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("browser") / "profile") as page:
        yield page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the page keeps corrections."""
    return tmp_path / "corrections"


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    with serving(folder) as client:
        yield client


@pytest.fixture
def page(tab: Page, client: Client) -> Iterator[Page]:
    """The page, freshly opened."""
    tab.viewport(1280, still=True)
    tab.requests.clear()
    tab.console.clear()
    open_page(tab, client)
    yield tab
    tab.open("about:blank")


def open_page(tab: Page, client: Client) -> None:
    tab.open(client.url)
    tab.wait_for("document.body?.dataset.fit")  # its script has asked the server what it takes


def cards(page: Page, n: int) -> None:
    page.wait_for(f"document.querySelectorAll('.card').length === {n}")


def test_drop_read_correct_reload_undo(
    page: Page, client: Client, folder: Path, photos: dict[str, Path]
) -> None:
    page.drop_files("#drop", photos["red"], photos["grey"], photos["notes"])
    cards(page, 3)
    assert page.text(".card:nth-child(1) .name").startswith("Augite")
    assert "Augite and nothing else: such a list contains the right name" in page.text(
        ".card:nth-child(1) .set"
    )
    assert page.run("document.querySelectorAll('.card:nth-child(1) .bars li').length") == 3
    assert page.text(".card:nth-child(1) .unlike") == ""
    assert "Unlike anything seen" in page.text(".card:nth-child(2) .unlike")
    assert page.text(".card:nth-child(2) .name").startswith("Closest class: ")
    assert "%" not in page.text(".card:nth-child(2) .name")
    assert "may show none of them" in page.text(".card:nth-child(2) .set")
    assert "The file is not a photo" in page.text(".card:nth-child(3)")
    assert "3 of 3 done" in page.text("#status")
    page.wait_for("document.querySelectorAll('.neighbours li').length === 6")

    page.run(
        "{ const card = document.querySelector('.card');"
        "card.querySelector('.label').value = 'another name …';"
        "card.querySelector('.label').dispatchEvent(new Event('change'));"
        "card.querySelector('.other').value = 'titanaugite';"
        "card.querySelector('.specimen').value = 'GB-12';"
        "card.querySelector('.correct button').click(); }"
    )
    page.wait_for("document.getElementById('count').textContent === '1'")
    assert page.text(".card:nth-child(1) .kept").startswith("Saved as titanaugite.")
    (known,) = Corrections(folder).all()
    assert (known.label, known.said, known.specimen) == ("titanaugite", "augite", "GB-12")
    assert Corrections(folder).photo(known.photo) == photos["red"].read_bytes()

    open_page(page, client)  # what was kept is there again, from the disk
    page.wait_for("document.querySelectorAll('#corrections li').length === 1")
    shown = page.text("#corrections li")
    assert "Titanaugite" in shown
    assert "classified as augite, specimen GB-12" in shown
    page.wait_for("document.querySelector('#corrections img').naturalWidth > 0")
    page.drop_files("#drop", photos["red"], photos["green"])
    cards(page, 2)
    assert page.text(".card:nth-child(1) .kept").startswith("Saved as titanaugite.")
    assert "titanaugite" in page.text(".card:nth-child(2) .label")  # offered from now on

    page.run("document.querySelector('#corrections button').click()")
    page.wait_for("document.getElementById('count').textContent === '0'")
    assert page.text(".card:nth-child(1) .kept") == ""
    assert Corrections(folder).all() == []
    assert not list((folder / "photos").iterdir())


def test_heat_map_of_each_class_and_a_photo_that_the_browser_can_not_draw(
    page: Page, photos: dict[str, Path]
) -> None:
    page.choose_files("#choose", photos["blue"])
    cards(page, 1)
    page.wait_for("document.querySelector('.photo').naturalWidth === 72")  # as the model sees it
    page.run("document.querySelector('.look').click()")
    page.wait_for("document.querySelector('.heat').naturalWidth === 12")
    assert "to olivine, in the upper left" in page.text(".where")
    page.run(
        "{ const choice = document.querySelector('.looked'); choice.value = 'augite';"
        "choice.dispatchEvent(new Event('change')); }"
    )
    page.wait_for("document.querySelector('.where').textContent.includes('No single part')")
    assert page.run("document.querySelector('.heat').hidden")
    page.run("document.querySelector('.look').click()")
    assert page.run("document.querySelector('.look').ariaPressed") == "false"
    assert page.text(".where") == ""


def test_a_deep_photo_shows_what_was_done_to_it(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, np.full((60, 90, 3), (40000, 9000, 9000), np.uint16), photometric="rgb")
    page.drop_files("#drop", path)
    cards(page, 1)
    assert page.text(".notes") == "16-bit, 0..65535 scaled to 0..255."


def test_a_photo_can_be_pasted(page: Page) -> None:
    page.run(
        "(() => { const canvas = document.createElement('canvas'); canvas.width = 60; canvas.height = 40;"
        "const ink = canvas.getContext('2d'); ink.fillStyle = 'rgb(40,40,200)';"
        "ink.fillRect(0, 0, 60, 40);"
        "return new Promise((made) => canvas.toBlob((blob) => {"
        "const data = new DataTransfer();"
        "data.items.add(new File([blob], 'image.png', { type: 'image/png' }));"
        "document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }));"
        "made(); })); })()"
    )
    cards(page, 1)
    assert page.text(".name").startswith("Olivine")


def test_the_keyboard_alone_chooses_reads_corrects_and_undoes(
    page: Page, photos: dict[str, Path]
) -> None:
    assert page.tab() == "choose"  # the browser opens its dialogue on space; a test can't
    outline = page.run("getComputedStyle(document.querySelector('.button')).outlineStyle")
    assert outline == "solid"  # one sees where the keyboard is
    page.choose_files("#choose", photos["red"])
    cards(page, 1)
    page.wait_for("!document.querySelector('.like').hidden")
    passed = [page.tab() for _ in range(5)]
    assert passed == ["look", "label", "specimen", "light", ""]  # "" is the button that keeps
    page.enter()
    page.wait_for("document.getElementById('count').textContent === '1'")
    assert page.focus() == "undo"
    page.enter()
    page.wait_for("document.getElementById('count').textContent === '0'")
    page.wait_for("document.activeElement.className === 'label'")


def test_a_refused_name_is_told_and_keeps_what_was_typed(
    page: Page, folder: Path, photos: dict[str, Path]
) -> None:
    page.choose_files("#choose", photos["red"])
    cards(page, 1)
    page.run(
        "{ const card = document.querySelector('.card');"
        "card.querySelector('.specimen').value = 'a'.repeat(201);"
        "card.querySelector('.correct button').click(); }"
    )
    page.wait_for("!document.querySelector('.refused').hidden")
    assert "The specimen can't be used" in page.text(".refused")
    assert page.run("document.querySelector('.specimen').value") == "a" * 201
    assert Corrections(folder).all() == []


def test_least_sure_first(page: Page, photos: dict[str, Path]) -> None:
    page.drop_files("#drop", photos["red"], photos["grey"], photos["blue"])
    cards(page, 3)
    names = "[...document.querySelectorAll('.card .file')].map((each) => each.textContent)"
    assert page.run(names) == ["red.png", "grey.png", "blue.tif"]
    page.run("document.getElementById('order').click()")
    assert page.run(names)[0] == "grey.png"
    page.run("document.getElementById('order').click()")
    assert page.run(names) == ["red.png", "grey.png", "blue.tif"]


def test_limits_are_kept_by_the_page_itself(page: Page, photos: dict[str, Path]) -> None:
    page.run(
        "{ const data = new DataTransfer();"
        "for (let n = 0; n < 203; n++) data.items.add(new File(['x'], `${n}.jpg`));"
        "const large = new File([new Uint8Array(100_000_001)], 'large.tif');"
        "const first = new DataTransfer(); first.items.add(large);"
        "document.dispatchEvent(new DragEvent('drop', { dataTransfer: first }));"
        "document.dispatchEvent(new DragEvent('drop', { dataTransfer: data }));"
        "window.told = document.getElementById('status').textContent; }"
    )
    assert "3 photos were not accepted: the limit is 200 at once" in page.run("told")
    page.wait_for("document.querySelector('.card')")
    large = (
        "[...document.querySelectorAll('.failed')].find((c) => c.innerText.includes('large.tif'))"
    )
    page.wait_for(large)
    assert "larger than 100 MB" in page.run(f"{large}.innerText")
    cards(page, 201)


def test_when_the_server_is_gone_the_page_says_so(
    tab: Page, photos: dict[str, Path], tmp_path: Path
) -> None:
    with serving(tmp_path / "corrections") as client:
        open_page(tab, client)
    tab.choose_files("#choose", photos["red"])
    cards(tab, 1)
    assert "Is thinsection serve still running" in tab.text(".card")


@pytest.mark.parametrize("width", [1280, 400, 360])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_sticks_out_is_unnamed_pale_moving_or_from_elsewhere(
    page: Page, client: Client, photos: dict[str, Path], width: int, dark: bool
) -> None:
    page.viewport(width, dark=dark, still=True)
    page.drop_files("#drop", photos["red"], photos["grey"])
    cards(page, 2)
    page.run(
        "document.querySelector('.look').click(); document.querySelector('.correct button').click()"
    )
    page.wait_for("document.querySelectorAll('#corrections li').length === 1")
    page.wait_for("!document.querySelectorAll('.like')[1].hidden")
    assert page.run("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.run(UNNAMED) == []
    assert page.run(PALE) == []
    moving = "document.getAnimations().map((each) => each.animationName)"
    assert page.run(moving) == []  # asked for stillness
    assert page.console == []  # no error, and nothing that the security policy refused
    assert [
        url for url in page.requests if not url.startswith((client.url, "data:", "blob:"))
    ] == []


# Controls that a screen reader could only call "button", and pictures without words.
UNNAMED = """[...document.querySelectorAll("main button, main select, main input, main img")]
  .filter((each) => each.checkVisibility())
  .filter((each) => !([...(each.labels?.[0]?.childNodes ?? [])].map((n) => n.data ?? "").join("") || each.ariaLabel || each.alt ||
    (each.tagName === "BUTTON" ? each.textContent : "")).trim())
  .map((each) => each.outerHTML)"""

# Text of less contrast to what lies behind it than WCAG 2.2 asks for (4.5).
PALE = """(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (each) => {
    for (; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if ((numbers(colour)[3] ?? 1) > 0) return light(colour);
    }
    return 1;
  };
  return [...document.querySelectorAll("main *")]
    .filter((each) => each.checkVisibility() && [...each.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .map((each) => {
      const [a, b] = [light(getComputedStyle(each).color), behind(each)].sort((x, y) => x - y);
      return [(b + 0.05) / (a + 0.05), each.outerHTML.slice(0, 90)];
    })
    .filter(([contrast]) => contrast < 4.5);
})()"""
