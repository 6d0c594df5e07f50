"""How much somebody may send: refused before it is read, or before it is taken apart.

| what | limit | where |
|---|---|---|
| address and its query | 8,190 bytes | gunicorn (server.py): 414 |
| header lines | 64 of 8,190 bytes | gunicorn (server.py): 431 |
| time to send a request | the setting SENDER_SECONDS, and 1 s for each 4 KiB | workers.py: 408 |
| body of a visitor | SMALL_BODY | here: 413 |
| body of an officer | LARGEST_FORM, or LARGEST_JSON | here: 413 |
| file to a view that `takes_files` | the setting UPLOAD_MEGABYTES | here: 413 |
| fields of a form; parts of an upload | MOST_FIELDS; MOST_PARTS | here: 413 |
| depth of JSON | DEEPEST_JSON | here: 400 |
| compressed bodies | none | here: 415 |
| filters of a list; words and characters of a search | 30; 10 and 200 | queries/: 400 |
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

KILOBYTE, MEGABYTE = 1024, 1024 * 1024
SMALL_BODY = 64 * KILOBYTE
LARGEST_FORM = 2 * MEGABYTE
LARGEST_JSON = 64 * KILOBYTE
MOST_FIELDS = 20_100
"""An action on the most records at once names each of them, in its preview and after it."""
MOST_PARTS = 100
DEEPEST_JSON = 32

View = TypeVar("View", bound=Callable[..., Any])


def takes_files(view: View) -> View:
    """Declare that a view takes a file as large as the setting UPLOAD_MEGABYTES says."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def set_for_request(*, is_visitor: bool) -> None:
    """Set how much of the body of this request will be read, before anything reads it. Raises
    413 or 415 with a page."""
    request.max_form_parts = MOST_PARTS
    if request.method in ("GET", "HEAD", "OPTIONS"):
        request.max_content_length = SMALL_BODY
        return
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType
    request.max_content_length = _largest(is_visitor=is_visitor)
    if (request.content_length or 0) > request.max_content_length:
        raise RequestEntityTooLarge
    if request.mimetype == "application/x-www-form-urlencoded":
        # Kept for the parser, which would make a pair of each "&" before anybody could count.
        if request.get_data(cache=True).count(b"&") >= MOST_FIELDS:
            raise RequestEntityTooLarge


def _largest(*, is_visitor: bool) -> int:
    if is_visitor:
        return SMALL_BODY
    if request.is_json:
        return LARGEST_JSON
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "takes_files", False) and request.mimetype == "multipart/form-data":
        return int(current_app.config["MAX_CONTENT_LENGTH"])
    return LARGEST_FORM


class StrictJSON(DefaultJSONProvider):
    """Reads JSON that is not deeper than DEEPEST_JSON; ValueError, and so 400, for what is."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value that `s` spells."""
        text = s.decode("utf-8") if isinstance(s, bytes) else s
        depth = deepest = 0
        in_text = escaped = False
        for sign in text:
            if in_text:
                in_text = escaped or sign != '"'
                escaped = sign == "\\" and not escaped
            elif sign == '"':
                in_text = True
            elif sign in "[{":
                depth += 1
                deepest = max(deepest, depth)
            elif sign in "]}":
                depth -= 1
        if deepest > DEEPEST_JSON:
            raise ValueError("too deep")
        return super().loads(text, **kwargs)


def init_app(app: Flask) -> None:
    """Have `app` read JSON strictly. Security, which knows who asks, measures its requests."""
    app.json = StrictJSON(app)
