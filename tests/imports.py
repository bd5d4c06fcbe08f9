"""Which of our modules a file imports, directly and through others."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

SRC = Path(__file__).parents[1] / "src"


def imported_modules(scripts: list[Path], apart_from: Callable[[str], bool]) -> set[str]:
    """
    Paths below the project's top of every module of ours that running ``scripts`` may import.

    Imports inside functions count, those for type checkers don't. A family of classifiers is
    named in a string, so each named module counts, unless ``apart_from`` says of its path that it
    doesn't; then what is imported by it alone doesn't either.
    """
    found: set[str] = set()
    waiting = list(scripts)
    while waiting:
        for name in _names(ast.parse(waiting.pop().read_text(encoding="utf-8"))):
            for file in _files(name):
                path = file.relative_to(SRC.parent).as_posix()
                if path not in found and not apart_from(path):
                    found.add(path)
                    waiting.append(file)
    return found


def _names(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in executed(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
    return {name for name in names if name.split(".")[0] == "thinsection" and " " not in name}


def executed(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from executed(node)


def _files(name: str) -> list[Path]:
    """The module's file, and the packages that are imported on the way to it."""
    parts = name.split(".")
    files = []
    for n in range(1, len(parts) + 1):
        place = SRC.joinpath(*parts[:n])
        files += [f for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file()]
    return files
