"""The documentation as a site: built strictly, every link leads somewhere, nothing comes from elsewhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from shutil import copy, copytree
from urllib.parse import unquote, urlsplit

import pytest

from browser import NEEDS_BROWSER, Page, browsing
from tiny import TOP

FETCHED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}


def build(project: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """What `make docs` runs."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=project, env=quiet, capture_output=True, text=True)


class Links(HTMLParser):
    """The ids of a page, where its links lead, and what it fetches."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = {""}
        self.leading: list[str] = []
        self.fetched: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.leading.append(values["href"])
        if FETCHED.get(tag) in values:
            self.fetched.append(values[FETCHED[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    told = build(TOP, folder)
    assert told.returncode == 0, told.stderr
    return folder


def test_every_link_leads_to_a_file_and_to_a_place_in_it(site: Path) -> None:
    pages = {page: Links(page) for page in site.rglob("*.html") if page.name != "404.html"}
    broken = []
    for page, links in pages.items():
        for link in links.leading + links.fetched:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            place = unquote(parts.fragment)
            if not target.is_file() or (target in pages and place not in pages[target].ids):
                broken.append(f"{page.relative_to(site)}: {link}")
    assert broken == []
    assert len(pages) > 40
    assert len(pages[site / "repository/index.html"].leading) > 60  # README with all its links


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    assert {
        link
        for page in site.rglob("*.html")
        for link in Links(page).fetched
        if urlsplit(link).scheme not in ("", "data")
    } == set()


def test_links_to_other_sites_are_listed(site: Path) -> None:
    listed = (site / "external-links.txt").read_text(encoding="utf-8").splitlines()
    found = {
        link
        for page in site.rglob("*.html")
        for link in Links(page).leading
        if urlsplit(link).scheme in ("http", "https")
    }
    assert set(listed) == found


def test_every_decision_is_in_the_list(site: Path) -> None:
    decisions = sorted((TOP / "docs/decisions").glob("*.md"))
    leading = Links(site / "decisions/index.html").leading
    assert [page.with_suffix(".html").name for page in decisions] == [
        link for link in dict.fromkeys(leading) if link[:4].isdigit()
    ]


def test_a_broken_link_stops_the_build(tmp_path: Path) -> None:
    for path in TOP.iterdir():
        if path.name not in ("docs", "mkdocs.yml", "site") and not path.name.startswith("."):
            (tmp_path / path.name).symlink_to(path)
    copy(TOP / "mkdocs.yml", tmp_path)
    copytree(TOP / "docs", tmp_path / "docs")
    with (tmp_path / "docs/sizes.md").open("a", encoding="utf-8") as page:
        page.write("[gone](../GONE.md) [nowhere](training.md#nowhere)\n")
    told = build(tmp_path, tmp_path / "site")
    assert told.returncode != 0
    assert "../GONE.md" in told.stderr
    assert "training.md#nowhere" in told.stderr


@NEEDS_BROWSER
class TestInTheBrowser:
    @pytest.fixture
    def page(self, tmp_path: Path) -> Iterator[Page]:
        with browsing(tmp_path / "profile") as page:
            page.offline()
            yield page

    def test_search_works_from_disk_without_a_network(self, page: Page, site: Path) -> None:
        page.open((site / "index.html").as_uri())
        page.run("document.querySelector('.md-search__input').focus()")
        page.write("birefringence")
        page.key("End", 35)  # the search listens to keys
        page.wait_for("document.querySelectorAll('.md-search-result__link').length")
        assert "birefringence" in page.text(".md-search-result__list").lower()
        assert [address for address in page.requests if not address.startswith("file:")] == []
        assert page.console == []

    @pytest.mark.parametrize("width", [1280, 400])
    def test_nothing_sticks_out_of_the_window(self, page: Page, site: Path, width: int) -> None:
        page.viewport(width)
        for name in ("index", "tutorial", "statistics", "repository/index", "api/predict"):
            page.open((site / f"{name}.html").as_uri())
            assert page.run("document.documentElement.scrollWidth") <= width, name
