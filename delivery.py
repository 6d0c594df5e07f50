"""How answers go over the wire: static files under addresses that change with their content, kept
by browsers for good; files and pages compressed, but for pages that may hold a secret
(docs/decisions/0050-the-theme.md)."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request

from config import HOME
from security import is_static

A_YEAR = "public, max-age=31536000, immutable"
SMALLEST = 1_000  # bytes: below that the head of the answer weighs more than what is saved
KINDS = ("text/", "application/json", "application/javascript", "image/svg+xml")
# Whose pages are compressed: lists and records, where no secret is shown. Accounts and identities
# are not among them, and a new family of screens is not until it is named here.
COMPRESSED = ("record_", "admin", "dashboard", "search")

TAG = "redress.tag"
_packed_files: dict[tuple[str, str, str], bytes] = {}


def tag_of(app: Flask) -> str:
    """Return a word for the content of every file that pages load. It stands in their addresses
    as a folder, so that modules which import each other by name stay together."""
    own = sorted(path for path in (HOME / "static").rglob("*") if path.is_file())
    bootstrap = Path(app.blueprints["bootstrap"].static_folder or "") / "css" / "bootstrap.min.css"
    digest = hashlib.sha256()
    for path in [*own, bootstrap]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"v-{digest.hexdigest()[:16]}"


def _add_tag(endpoint: str, values: dict[str, Any]) -> None:
    if is_static(endpoint) and not current_app.debug:
        values["filename"] = f"{current_app.extensions[TAG]}/{values['filename']}"


def _take_tag(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Answer for the file itself. An address with the tag of another release leads there too, for
    a page that was opened before; but what it gets is not kept."""
    if values and is_static(endpoint):
        first, slash, rest = values["filename"].partition("/")
        if slash and first.startswith("v-"):
            values["filename"] = rest
            request.environ["redress.is_lasting"] = first == current_app.extensions[TAG]


def _is_compressible(response: Response) -> bool:
    return (
        response.status_code == 200
        and request.method == "GET"
        and "Content-Encoding" not in response.headers
        and (response.mimetype or "").startswith(KINDS)
    )


def _deliver(response: Response) -> Response:
    if is_static(request.endpoint):
        is_lasting = request.environ.get("redress.is_lasting") and response.status_code < 400
        response.headers["Cache-Control"] = A_YEAR if is_lasting else "no-cache"
    elif not (request.blueprint or "").startswith(COMPRESSED) or response.is_streamed:
        return response
    if not _is_compressible(response):
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] > 0:
        _pack(response)
    return response


def _pack(response: Response) -> None:
    """Compress the body of `response`; a file once in the life of the process."""
    file = (request.view_args or {}).get("filename")
    response.direct_passthrough = False
    content = response.get_data()
    if len(content) < SMALLEST:
        return
    etag = response.get_etag()[0]
    if file and etag:
        name = (str(request.endpoint), file, etag)
        packed = _packed_files.get(name) or gzip.compress(content, 9, mtime=0)
        _packed_files[name] = packed
        response.set_etag(etag, weak=True)  # the same file, in other bytes
        response.headers.pop("Accept-Ranges", None)
    else:
        packed = gzip.compress(content, 6)
    response.set_data(packed)
    response.headers["Content-Encoding"] = "gzip"


def init_app(app: Flask) -> None:
    """Give `app` lasting addresses of its files, and answers that are short on the way."""
    app.extensions[TAG] = tag_of(app)
    app.url_defaults(_add_tag)
    app.url_value_preprocessor(_take_tag)
    app.after_request(_deliver)
