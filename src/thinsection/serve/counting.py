"""The routes of counting by hand: one point after another, its names by key."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.exceptions import NotFound

from thinsection.serve.corrections import Corrections

if TYPE_CHECKING:
    from thinsection.counting.session import Session

KEYS = "1234567890qwertyuiop"  # one for each class


def counting_routes(session: "Session", corrections: Corrections) -> Blueprint:
    """
    The routes of a session.

    ========================================  =================================================
    ``GET /count``                            the page
    ``GET /count/state``                      the next point, its suggestions, and the shares
    ``GET /count/points/<n>/<light>``         what surrounds a point, JPEG
    ``POST /count/points/<n>?label=``         name a point
    ``DELETE /count/points/<n>``              take its name back
    ========================================  =================================================
    """
    from thinsection.counting.session import enlarged

    routes = Blueprint("counting", __name__)

    @routes.get("/count")
    def page() -> str:
        names = zip(session.card.classes, KEYS, strict=False)
        return render_template(
            "count.html", title=session.counted.title, names=list(names), folder=session.folder
        )

    @routes.get("/count/state")
    def now() -> Response:
        return jsonify(_state(session))

    @routes.get("/count/points/<int:point>/<light>")
    def picture(point: int, light: str) -> Response:
        if point >= len(session.counted.named):
            raise NotFound
        views = session.views(point)
        light = "" if light == "any" else light
        if light not in views:
            raise NotFound
        return Response(enlarged(views[light]), mimetype="image/jpeg")

    @routes.post("/count/points/<int:point>")
    def name(point: int) -> Response:
        label = request.args.get("label", "")
        session.name(point, label)
        _save(session, corrections, point, label)
        return jsonify(_state(session))

    @routes.delete("/count/points/<int:point>")
    def take_back(point: int) -> Response:
        session.name(point, None)
        _take_back(corrections, _sample(session, point))
        return jsonify(_state(session))

    return routes


def _state(session: "Session") -> dict[str, Any]:
    """The next point, what the model says of it, and the shares so far."""
    from thinsection.counting.count import FEWEST_BY_HAND
    from thinsection.counting.tables import modes_of

    counted, point = session.counted, session.next_point()
    found: dict[str, Any] = {
        "n_points": len(counted.named),
        "n_named": session.n_named,
        "fewest": FEWEST_BY_HAND,
        "last": session.last_point(),
        "modes": [asdict(mode) for mode in modes_of(counted.shares)],
        "point": point,
    }
    if point is None:
        return found
    named = counted.named
    field = counted.fields[int(named.points.field[point])]
    return found | {
        "field": field.name,
        "lights": list(field.files),
        "suggestions": list(session.suggestions(point)),
        "probability": float(named.probability[point]),
        "unlike": bool(named.unlike[point]),
    }


def _sample(session: "Session", point: int) -> str:
    return f"{session.counted.title} {point}"


def _save(session: "Session", corrections: Corrections, point: int, label: str) -> None:
    """Keep what the model saw of a point as training photos, one in each light."""
    from thinsection.counting.session import as_png

    named = session.counted.named
    said = named.classes[named.label[point]]
    for light, pixels in session.views(point, context=1).items():
        corrections.add(
            as_png(pixels), "PNG", label, said, session.counted.title, light, session.card.classes,
            sample=_sample(session, point),
        )  # fmt: skip


def _take_back(corrections: Corrections, sample: str) -> None:
    for known in corrections.all():
        if known.sample == sample:
            corrections.remove(known.photo)
