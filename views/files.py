"""Kept files on their way out: as they were kept, to be saved and never shown (promise B7)."""

from io import BytesIO

from flask import Response, abort, current_app, make_response, render_template, send_file
from flask_babel import gettext as _

from papers import Store


def kept_file(stored_name: str | None, sha256: str | None, media_type: str, name: str) -> Response:
    """Answer with the file that is kept under `stored_name`, called `name`; 404 where there is
    none, with a sentence where it is gone or is not the one with this SHA-256."""
    if stored_name is None or sha256 is None:
        abort(404)
    content = Store.of(current_app.config).read(stored_name, sha256)
    if content is None:
        current_app.logger.error("the file %s is not what was kept", stored_name)
        gone = _(
            "The file of this document is gone or is not the one that was kept. Tell your "
            "administrator: it can come back from a backup."
        )
        abort(make_response(render_template("error.html", status=404, sentence=gone), 404))
    return send_file(
        BytesIO(content), mimetype=media_type, as_attachment=True, download_name=name, etag=False
    )
