"""
Draws docs/figures/rooms.svg: the rooms of the program, floor by floor, from the code itself.

    python docs/figures/rooms.py

An arrow goes from a room to one that it imports; those that follow from others are left out, and
those of the command line, which calls nearly every room.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))
from test_rooms import FLOORS, arrows  # noqa: E402

CONTENT = {
    "base": "errors, files, places,\nseeds, cores, tables",
    "settings": "sections of params.yaml,\ntyped",
    "console": "progress, signals,\nlive curves",
    "dataset": "packed photos, folds,\nreduction, colour + texture",
    "decode": "one photo file\n→ pixels",
    "ingest": "any folder → checked,\ngrouped, packed",
    "render": "photos from the physics\nof polarised light",
    "learning": "examples, cross-validation,\ncheckpoints, optimiser",
    "predict": "a model folder\n→ answers",
    "counting": "how much of each\nmineral, how sure",
    "families": "fcnn, resnet, baselines,\npetrographic: one record each",
    "serve": "the local page",
    "evidence": "predictions → indexes,\nintervals, comparisons",
    "params": "params.yaml, whole",
    "compare": "two versions,\none verdict",
    "forecast": "how long\nit will take",
    "pretrain": "a backbone trained\non rendered fields",
    "study": "what depth does",
    "experiments": "leakage,\nlearning curve",
    "final": "the model\nto take away",
    "report": "tables → one page",
    "setup": "study folders,\nthis machine",
    "cli": "thinsection …",
}
WIDTH, HEIGHT, ACROSS, UP = 3.3, 1.05, 3.9, 1.75


def reduced(known: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows without those that a longer way of arrows implies."""
    below: dict[str, set[str]] = {}

    def reach(room: str) -> set[str]:
        if room not in below:
            direct = {b for a, b in known if a == room}
            below[room] = direct.union(*(reach(b) for b in direct))
        return below[room]

    return {
        (a, b) for a, b in known if not any(b in reach(c) for x, c in known if x == a and c != b)
    }


def main() -> None:
    widest = max(len(rooms) for rooms in FLOORS)
    figure, axis = plt.subplots(figsize=(widest * ACROSS * 0.78, len(FLOORS) * UP * 0.78))
    places = {}
    for floor, rooms in enumerate(FLOORS):
        for place, room in enumerate(sorted(rooms)):
            places[room] = ((place - (len(rooms) - 1) / 2) * ACROSS, floor * UP)
    for a, b in sorted(reduced({pair for pair in arrows() if pair[0] != "cli"})):
        (x, y), (to_x, to_y) = places[a], places[b]
        axis.annotate(
            "", (to_x, to_y + HEIGHT / 2), (x, y - HEIGHT / 2),
            arrowprops={"arrowstyle": "->", "color": "#8a8a8a", "linewidth": 1.1}, zorder=0,
        )  # fmt: skip
    for room, (x, y) in places.items():
        colour = "#e8eef4" if room not in ("console", "settings", "params") else "#f3f3f3"
        box = (x - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT
        axis.add_patch(
            FancyBboxPatch(*box, "round,pad=0.02", facecolor=colour, edgecolor="#5a6a7a")
        )
        axis.text(x, y + 0.3, room, ha="center", va="center", weight="bold", fontsize=12)
        axis.text(x, y - 0.16, CONTENT[room], ha="center", va="center", fontsize=9.5)
    axis.set_xlim(-widest * ACROSS / 2, widest * ACROSS / 2)
    axis.set_ylim(-0.7, (len(FLOORS) - 1) * UP + 0.7)
    axis.set_axis_off()
    plt.rcParams |= {"svg.hashsalt": "rooms", "svg.fonttype": "none"}
    figure.savefig(HERE / "rooms.svg", bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
