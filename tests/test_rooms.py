"""The plan of the house: which room may know which (docs/architecture.md)."""

import ast

from imports import SRC, executed
from tiny import TOP

# From the ground up: a room knows rooms of earlier lines only, whatever its own modules know of
# each other. Those in one line know nothing of each other.
FLOORS = [
    {"base", "settings"},
    {"console", "dataset", "decode"},
    {"ingest", "learning", "render"},
    {"predict"},
    {"counting", "families"},
    {"evidence", "params", "serve"},
    {"compare", "experiments", "final", "forecast", "pretrain", "report", "setup", "study"},
    {"cli"},
]


def arrows() -> dict[tuple[str, str], str]:
    """(room, room that it knows) -> one of the modules that do."""
    package = SRC / "thinsection"
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).parts
        room = parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        for node in executed(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module == "thinsection":
                names = [f"thinsection.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                first, _, rest = name.partition(".")
                known = rest.split(".")[0]
                if first == "thinsection" and known and (package / known).exists() | (
                    package / f"{known}.py"
                ).exists() and known != room:  # fmt: skip
                    found[room, known] = "/".join(parts)
    return found


def test_every_room_has_its_floor_and_knows_only_what_lies_below() -> None:
    floor = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
    upward = {pair: module for pair, module in arrows().items() if floor[pair[0]] <= floor[pair[1]]}
    assert upward == {}
    there = {path.stem for path in (SRC / "thinsection").iterdir()}
    assert set(floor) == there - {"__init__", "__pycache__", "py"}


def test_what_classifiers_learn_from_knows_nothing_of_their_training() -> None:
    for path in (SRC / "thinsection/learning/examples").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "thinsection.learning." not in text.replace("thinsection.learning.examples", "")


def test_the_plan_is_drawn_as_it_is() -> None:
    page = (TOP / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = sum(len(rooms) for rooms in FLOORS)
    assert f"{rooms} rooms on {len(FLOORS)} floors, {len(arrows())} arrows" in page
