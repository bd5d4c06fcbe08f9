"""
What the site needs beyond docs/: files of the repository, the list of decisions, links between all.

Pages are written to be read in the repository. On the site, docs/X is X, and any other file Y is repository/Y.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

TOP = Path(__file__).parents[2]
DECISIONS, REPOSITORY = "decisions/", "repository/"
LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(?=[)#])")  # of markdown, within the repository
EXTERNAL = re.compile(r'href="(https?://[^"]+)"')
LIST = "external-links.txt"

external: set[str] = set()


def on_config(config):
    """Put every decision into the navigation."""
    external.clear()
    names = sorted(path.name for path in (TOP / "docs" / DECISIONS).glob("[0-9]*.md"))
    config.nav = _expanded(config.nav, [DECISIONS + name for name in ("README.md", *names)])
    return config


def _expanded(nav, decisions):
    if isinstance(nav, list):
        return [_expanded(entry, decisions) for entry in nav]
    if isinstance(nav, dict):
        return {title: _expanded(part, decisions) for title, part in nav.items()}
    return decisions if nav == DECISIONS else nav


def on_files(files, config):
    """Bring in the list of decisions, and the repository's files that the navigation or pages name."""
    files.append(File.generated(config, DECISIONS + "README.md", content=_list_of_decisions()))
    named = [
        uri.removeprefix(REPOSITORY) for uri in _pages(config.nav) if uri.startswith(REPOSITORY)
    ]
    for file in files.documentation_pages():
        named += _linked(Path(file.abs_src_path)) if file.abs_src_path else []
    while named:
        path = named.pop()
        uri = _uri(path)
        if uri.startswith(REPOSITORY) and (TOP / path).is_file() and not files.src_uris.get(uri):
            files.append(File.generated(config, uri, abs_src_path=str(TOP / path)))
            named += _linked(TOP / path) if uri.endswith(".md") else []
    return files


def _pages(nav):
    if isinstance(nav, str):
        return [nav]
    return [
        page for part in (nav.values() if isinstance(nav, dict) else nav) for page in _pages(part)
    ]


def _linked(page):
    text = page.read_text(encoding="utf-8")
    return [_in_repository(page, link) for link in LINK.findall(text)]


def _list_of_decisions():
    pages = sorted((TOP / "docs" / DECISIONS).glob("[0-9]*.md"))
    titles = [page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for page in pages]
    lines = [f"- [{title}]({page.name})" for title, page in zip(titles, pages, strict=True)]
    return "\n".join(["# Decisions", "", "What was decided, and why, oldest first.", "", *lines])


def on_page_markdown(markdown, page, config, files):
    """Point links at where the repository's files are on the site; a page by itself has no list of pages beside it."""
    if page.parent is None:
        page.meta["hide"] = ["navigation"]
    if page.file.abs_src_path is None:
        return markdown
    source = Path(page.file.abs_src_path)
    here = posixpath.dirname(page.file.src_uri)

    def moved(link):
        uri = _uri(_in_repository(source, link[1]))
        return posixpath.relpath(uri, here or ".") if files.src_uris.get(uri) else link[1]

    return LINK.sub(moved, markdown)


def _in_repository(page, link):
    """Where a page's link leads, from the top of the repository."""
    return posixpath.normpath(posixpath.join(page.parent.relative_to(TOP).as_posix(), link))


def _uri(path):
    """The place on the site of a file in the repository, or of a folder's list."""
    if not path.startswith("docs/"):
        return REPOSITORY + path
    uri = path.removeprefix("docs/")
    return DECISIONS + "README.md" if uri + "/" == DECISIONS else uri


def on_page_content(html, page, config, files):
    """Note the links to other sites: they are listed, not fetched."""
    external.update(EXTERNAL.findall(html))
    return html


def on_post_build(config):
    """List the links to other sites."""
    Path(config.site_dir, LIST).write_text(
        "".join(f"{link}\n" for link in sorted(external)), encoding="utf-8"
    )
