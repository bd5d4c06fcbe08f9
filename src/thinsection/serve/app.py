"""The routes of the page: one photo per request, its bytes as the body."""

import threading
from contextlib import nullcontext
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import BadRequest

from thinsection.base.arrays import Bytes
from thinsection.base.errors import InputError
from thinsection.decode.photo import decode_photo, fit_to_size, format_and_size
from thinsection.serve.corrections import Corrections
from thinsection.serve.guard import guard, refusal
from thinsection.serve.pictures import data_url, jpeg, overlay, where
from thinsection.serve.samples import REMEMBERED, Recent, Samples
from thinsection.serve.sentences import (
    accuracy,
    alternatives,
    experience,
    false_alarms,
    joined,
    only_closest,
    training,
)

if TYPE_CHECKING:
    from thinsection.predict import Predictor

MAX_PHOTO_BYTES = 100_000_000
MAX_PHOTOS = 200  # the page's limit at once; `thinsection predict` has none
AT_ONCE = 2  # photos that one page sends at the same time
LARGE = 16.0  # megapixels; larger photos are decoded one at a time, to limit memory
THUMBNAIL = (96, 128)  # height, width in the list of corrections
NEIGHBOURS = 3


class Gone(InputError):
    """A request is about a photo that is no longer remembered."""


def make_app(predictor: "Predictor", corrections: Corrections, host: str) -> Flask:
    """
    The page and its routes.

    ========================================  =================================================
    ``GET /``                                 the page
    ``POST /answers``                         classify a photo; its probabilities
    ``GET /photos/<hash>/picture``            the photo as the model sees it, JPEG
    ``GET /photos/<hash>/heatmap?label=``     heat map of a class, to lay over the photo
    ``GET /photos/<hash>/neighbours``         the most similar training photos
    ``GET /corrections``                      all corrections
    ``POST /corrections?label=``              save a photo with a label
    ``DELETE /corrections/<hash>``            undo it
    ``GET /corrections/<hash>/picture``       a thumbnail of it
    ========================================  =================================================

    A hash is the SHA-256 of a photo's file. It is looked up among the known photos; nothing
    that a client sends becomes a path.
    """
    app = Flask("thinsection.serve")
    app.config["MAX_CONTENT_LENGTH"] = MAX_PHOTO_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    guard(app, host)
    recent = Recent(REMEMBERED)
    samples = Samples(predictor, recent)
    one_large = threading.Lock()

    def received() -> tuple[str, bytes, str, Bytes, tuple[str, ...]]:
        """Hash, bytes, format and pixels of the photo in the body, and the notes of decoding."""
        photo = request.get_data(cache=False)
        format, width, height = format_and_size(photo)
        with one_large if width * height > LARGE * 1e6 else nullcontext():
            pixels, notes = predictor.prepare_with_notes(photo)
        key = sha256(photo).hexdigest()
        recent.keep(key, pixels)
        return key, photo, format, pixels, notes

    def remembered(key: str) -> Bytes:
        pixels = recent.find(key)
        if pixels is None:
            raise Gone("the server no longer has this photo. Drop it again.")
        return pixels

    @app.errorhandler(Gone)
    def gone(_error: Gone) -> tuple[Response, int]:
        return refusal("The server no longer has this photo. Drop it again.", 404)

    @app.get("/")
    def page() -> str:
        card = predictor.card
        return render_template(
            "page.html",
            card=card,
            names=joined(card.classes, "and"),
            accuracy=accuracy(card),
            training=training(card),
            false_alarms=false_alarms(card),
            max_bytes=MAX_PHOTO_BYTES,
            max_photos=MAX_PHOTOS,
            at_once=AT_ONCE,
            counts="counting" in app.blueprints,
        )

    @app.post("/answers")
    def answer() -> Response:
        key, _, _, pixels, notes = received()
        answer, shown = samples.answer(key, pixels, request.args)
        known = corrections.find(key)
        ranked = sorted(answer.probabilities.items(), key=lambda pair: -pair[1])
        return jsonify(
            photo=key,
            label=answer.label,
            probabilities=[{"label": label, "p": float(p)} for label, p in ranked],
            prediction_set=list(answer.prediction_set),
            # the coverage of the set holds only for photos like the training photos
            in_words=only_closest(answer.label)
            if answer.unlike_anything
            else alternatives(answer.prediction_set, predictor.card.coverage)
            + experience(predictor.card, answer.label),
            unlike_anything=bool(answer.unlike_anything),
            notes=[*samples.missing(shown), *notes],
            sample=[{"photo": each.photo, "light": each.light} for each in shown],
            correction=known and asdict(known),
        )

    @app.get("/photos/<key>/picture")
    def picture(key: str) -> Response:
        return Response(jpeg(remembered(key)), mimetype="image/jpeg")

    @app.get("/photos/<key>/heatmap")
    def heatmap(key: str) -> Response:
        label = request.args.get("label")
        if label not in predictor.card.classes:
            raise BadRequest
        heat = samples.heatmap(key, remembered(key), label)
        return jsonify(overlay=data_url(overlay(heat), "png"), where=where(heat))

    @app.get("/photos/<key>/neighbours")
    def neighbours(key: str) -> Response:
        found = predictor.nearest(remembered(key), NEIGHBOURS)
        return jsonify(
            [
                {
                    "label": each.label,
                    "photo_id": each.photo_id,
                    "picture": data_url(jpeg(each.thumbnail), "jpeg"),
                }
                for each in found
            ]
        )

    @app.get("/corrections")
    def all_corrections() -> Response:
        return jsonify(
            folder=str(corrections.folder),
            corrections=[asdict(known) for known in corrections.all()],
        )

    @app.post("/corrections")
    def correct() -> Response:
        label, specimen = (request.args.get(what, "") for what in ("label", "specimen"))
        key, photo, format, pixels, _ = received()
        answer, shown = samples.answer(key, pixels, request.args)
        said, light, classes = answer.label, shown[0].light, predictor.card.classes
        return jsonify(
            asdict(corrections.add(photo, format, label, said, specimen, light, classes))
        )

    @app.delete("/corrections/<key>")
    def undo(key: str) -> Response | tuple[Response, int]:
        if not corrections.remove(key):
            return refusal("This correction no longer exists.", 404)
        return jsonify(photo=key)

    @app.get("/corrections/<key>/picture")
    def corrected_picture(key: str) -> Response | tuple[Response, int]:
        photo = corrections.photo(key)
        if photo is None:
            return refusal("This correction no longer exists.", 404)
        _, width, height = format_and_size(photo)
        with one_large if width * height > LARGE * 1e6 else nullcontext():
            image = decode_photo(
                photo, THUMBNAIL, predictor.card.max_megapixels, predictor.scale_in_training
            ).image
        return Response(
            jpeg(np.asarray(fit_to_size(image, *THUMBNAIL, "crop"))), mimetype="image/jpeg"
        )

    return app
