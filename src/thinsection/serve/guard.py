"""Checks on requests, and error answers: always a sentence, never a stack trace."""

import logging
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from thinsection.base.errors import InputError
from thinsection.decode.photo import UnusablePhoto

log = logging.getLogger("thinsection.serve")

OWN_HEADER = "X-Thinsection"  # neither a form nor a page from elsewhere can set it
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
IN_WORDS = {
    "empty": "The file is empty. Copy it again from the microscope.",
    "not an image": "The file is not a photo. Supported: JPEG, PNG, TIFF, BMP, WebP and GIF.",
    "truncated": "The file is incomplete. Copy it again from the microscope.",
    "too large": "The photo has too many pixels. Make it smaller.",
    "too small": "The photo is too small to show a mineral. Take a larger one.",
    "unreadable": "The file is damaged and can't be read. Copy it again from the microscope.",
}
BY_STATUS = {
    404: "There is no such page.",
    405: "This address does not accept such a request.",
    413: "The file is too large. Make the photo smaller.",
}


def guard(app: Flask, host: str) -> None:
    """
    Add to ``app`` the checks of a request, the headers of a response, and error messages.

    A page from elsewhere can make a browser send requests to 127.0.0.1. Its own name may point
    here (DNS rebinding), so only IP addresses, localhost and ``host`` are accepted as host. It may
    post here, so a request that changes something must carry a header that only our own page can
    set, and come from our own origin if the browser gives the origin.
    """

    @app.before_request
    def check() -> tuple[Response, int] | None:
        if not _is_own(request.host, host):
            return refusal("This server can only be reached as 127.0.0.1 or localhost.", 403)
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return None
        origin = request.headers.get("Origin")
        if request.headers.get(OWN_HEADER) != "1" or (
            origin is not None and origin != f"http://{request.host}"
        ):
            return refusal(
                "Only this server's own page may do that. Open it and try again there.", 403
            )
        return None

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.errorhandler(InputError)
    def bad_input(error: InputError) -> tuple[Response, int]:
        text = str(error)
        return refusal(text[:1].upper() + text[1:], 400)

    @app.errorhandler(UnusablePhoto)
    def unusable(error: UnusablePhoto) -> tuple[Response, int]:
        return refusal(_in_words(error), 422)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        status = error.code or 500
        return refusal(BY_STATUS.get(status, f"The request failed ({status})."), status)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[Response, int]:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        return refusal("Something went wrong on the server; the terminal shows the error.", 500)


def _in_words(error: UnusablePhoto) -> str:
    if error.kind == "this format":
        return f"This format is not supported: {error.detail}."
    if error.kind.startswith("this kind of"):  # whole, but we don't decode it
        return f"T{error.kind[1:]} is not supported: {error.detail}. Save it as PNG."
    return IN_WORDS.get(error.kind, f"This photo can't be used: {error}.")


def refusal(text: str, status: int) -> tuple[Response, int]:
    """An error in the form that the page expects."""
    return jsonify(error=text), status


def _is_own(asked: str, host: str) -> bool:
    """Whether ``asked``, the Host header, is an address that DNS can't redirect to us."""
    try:
        name = urlsplit(f"//{asked}").hostname or ""
    except ValueError:
        return False
    if name in ("localhost", host.lower()):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
