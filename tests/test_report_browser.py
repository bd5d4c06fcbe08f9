"""The page in a real browser, from disk, with no network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import NEEDS_BROWSER, Page, browsing

pytestmark = NEEDS_BROWSER
# What a reader finds: presses headings and types into the filter.
TABLE = "document.querySelector('table.sortable')"
COLUMN = "[...{table}.tBodies[0].rows].map((row) => row.cells[{place}].dataset.value)"
PRESS = "{table}.tHead.rows[0].cells[{place}].querySelector('button').click()"
FILTER = """(() => {
  const filter = document.querySelector(".filter");
  filter.value = "resnet 18";
  filter.dispatchEvent(new Event("input"));
  const rows = [...filter.closest(".table").querySelector("tbody").rows];
  return rows.filter((row) => row.offsetHeight).map((row) => row.cells[0].textContent.trim());
})()"""


@pytest.fixture
def page(project: Path, tmp_path: Path) -> Iterator[Page]:
    """The report, opened from disk with the network off."""
    with browsing(tmp_path / "profile") as page:
        page.offline()
        page.open((project / "reports/report.html").as_uri())
        yield page


def pressed(page: Page, place: int) -> Any:
    """The values of a column after its heading was pressed."""
    page.run(PRESS.format(table=TABLE, place=place))
    return page.run(COLUMN.format(table=TABLE, place=place))


def test_page_asks_for_nothing_and_complains_of_nothing(page: Page, project: Path) -> None:
    assert page.requests == [(project / "reports/report.html").as_uri()]
    page.run("scrollTo(0, document.body.scrollHeight)")
    assert page.run("[...document.images].filter((image) => !image.naturalWidth).length") == 0
    assert page.run("[...document.images].filter((image) => !image.alt).length") == 0
    assert page.run("document.images.length") > 20
    assert page.requests[1:] == []
    assert page.console == []


def test_tables_sort_and_filter(page: Page) -> None:
    up = [float(value) for value in pressed(page, 3)]
    assert up == sorted(up)
    assert len(set(up)) > 1
    down = [float(value) for value in pressed(page, 3)]
    assert down == sorted(up, reverse=True)
    assert page.run(f"{TABLE}.tHead.rows[0].cells[3].ariaSort") == "descending"
    names = pressed(page, 0)
    assert names == sorted(names, key=str.lower)
    assert page.run(FILTER) == ["ResNet-18"]
    assert page.console == []


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out_of_the_window(page: Page, width: int) -> None:
    page.viewport(width)
    page.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.run("innerWidth") == width
    assert page.run("document.documentElement.scrollWidth") <= width  # tables scroll by themselves
