"""The documents of a grievance: upload some, see them, fetch one (promise B7)."""

from datetime import date
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import event
from sqlalchemy.orm import Session, object_session
from werkzeug.datastructures import FileStorage

import limits
import security
from actions.documents import (
    LONGEST_NAME,
    MEGABYTE,
    MOST_AT_ONCE,
    Told,
    keep_document,
    readable_name,
    without_ending,
)
from models import Document, Grievance, Record, db
from papers import ACCEPTED, Store
from papers.kinds import ENDINGS
from queries.documents import WITH_FILES, for_case
from rules import RuleBroken
from rules.grievance import DocumentKind
from rules.permissions import Verb
from views.base import RecordView
from views.files import kept_file
from views.labels import sentence
from views.shown import crumbs_of

blueprint = Blueprint("documents", __name__, url_prefix="/admin")

FIRST_YEAR, LAST_YEAR = 1900, 2200


def _store() -> Store:
    return Store.of(current_app.config)


@blueprint.get("/grievance/<grievance_id>/documents")
def page(grievance_id: str) -> Any:
    """The documents of a grievance, and the form for more."""
    return _page(security.load(Grievance, grievance_id))


@blueprint.post("/grievance/<grievance_id>/documents")
@limits.takes_files
def upload(grievance_id: str) -> Any:
    """Keep each file that can be kept; say of each other why not, and lose nothing typed."""
    security.require(Verb.CREATE, Document)
    grievance = security.load(Grievance, grievance_id)
    files = [one for one in request.files.getlist("file") if one.filename]
    problems: dict[str, str] = {}
    told = _told(problems)
    if not files:
        problems["file"] = _("Choose a file.")
    elif len(files) > MOST_AT_ONCE:
        problems["file"] = _("Choose up to %(number)s files at once.", number=MOST_AT_ONCE)
    if problems:
        if files:
            problems.setdefault("file", _("Choose the files again: browsers do not keep them."))
        return _page(grievance, problems=problems), 400
    kept, refused = _keep(grievance, files, told)
    if kept:
        db.session.commit()
        said = ngettext("%(num)s document was kept.", "%(num)s documents were kept.", kept)
        flash(said, "success")
    if refused:
        db.session.rollback()
        return _page(security.load(Grievance, grievance_id), refused=refused), 400
    return redirect(url_for("documents.page", grievance_id=grievance.id), 303)


def _told(problems: dict[str, str]) -> Told:
    """Return what was typed about the files; `problems` takes what cannot be understood."""
    kind = DocumentKind.OTHER
    try:
        kind = DocumentKind(request.form.get("kind", ""))
    except ValueError:
        problems["kind"] = _("Choose what they are.")
    received_on = None
    if typed := request.form.get("received_on", "").strip():
        try:
            received_on = date.fromisoformat(typed)
            if not FIRST_YEAR <= received_on.year <= LAST_YEAR:
                problems["received_on"] = _("The year must be from 1900 to 2200.")
        except ValueError:
            problems["received_on"] = _("“%(text)s” is not a date.", text=typed[:40])
    name = request.form.get("name", "").strip()
    if len(name) > LONGEST_NAME or not _is_storable(name):
        problems["name"] = _("Give a name of up to %(number)s signs.", number=LONGEST_NAME)
    return Told(name, kind, received_on)


def _is_storable(text: str) -> bool:
    return text.isprintable() and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _keep(
    grievance: Grievance, files: list[FileStorage], told: Told
) -> tuple[int, list[tuple[str, str]]]:
    """Keep what can be kept; return how many, and of the others name and reason."""
    largest = current_app.config["DOCUMENT_MEGABYTES"] * MEGABYTE
    kept, refused = 0, []
    for number, one in enumerate(files, 1):
        file_name = readable_name(one.filename or "") or _("Document")
        name = told.name or without_ending(file_name)
        if told.name and len(files) > 1:
            name = f"{told.name} ({number})"
        try:
            content = one.stream.read(largest + 1)
            keep_document(grievance, content, name=name, told=told, store=_store(), largest=largest)
            kept += 1
        except RuleBroken as broken:
            refused.append((file_name, sentence(broken)))
        except OSError:
            current_app.logger.exception("a document could not be kept")
            refused.append(
                (file_name, _("The file could not be kept: the server's disk refuses it."))
            )
    return kept, refused


@blueprint.get("/document/<document_id>/file")
def file(document_id: str) -> Response:
    """The file of a document, to be saved and not shown."""
    document = security.load(Document, document_id)
    media_type = document.media_type or "application/octet-stream"
    name = f"{document.name}.{ENDINGS.get(media_type, 'bin')}"
    return kept_file(document.stored_name, document.sha256, media_type, name)


def _page(
    grievance: Grievance,
    *,
    problems: dict[str, str] | None = None,
    refused: list[tuple[str, str]] | None = None,
) -> str:
    return render_template(
        "grievances/documents.html",
        grievance=grievance,
        documents=for_case(db.session(), grievance),
        may_add=security.can(Verb.CREATE, Document),
        problems=problems or {},
        refused=refused or [],
        typed=request.form,
        kinds=list(DocumentKind),
        accepted=ACCEPTED,
        megabytes=current_app.config["DOCUMENT_MEGABYTES"],
        most=MOST_AT_ONCE,
        longest=LONGEST_NAME,
        crumbs=crumbs_of(grievance),
    )


class DocumentView(RecordView):
    """Documents, with the way to their file and to the form that uploads."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        links = []
        if record.stored_name is not None:
            links.append((_("Save the file"), url_for("documents.file", document_id=record.id)))
        page = url_for("documents.page", grievance_id=record.grievance_id)
        return [*links, (_("Documents of the grievance"), page)]


# --- A file goes with its record -------------------------------------------------------------


def _note_removed(_mapper: Any, _connection: Any, document: Any) -> None:
    session = object_session(document)
    if session is not None and document.stored_name:
        session.info.setdefault("removed files", []).append(document.stored_name)


def _remove_files(session: Session) -> None:
    """Remove the files of the documents whose deletion has just been committed."""
    if not session.in_nested_transaction():
        for name in session.info.pop("removed files", ()):
            _store().drop(name)


def _forget_removed(session: Session) -> None:
    session.info.pop("removed files", None)


def init_app(app: Flask) -> None:
    """Register the pages of documents."""
    app.register_blueprint(blueprint)


for one in WITH_FILES:
    event.listen(one, "after_delete", _note_removed)
event.listen(Session, "after_commit", _remove_files)
event.listen(Session, "after_rollback", _forget_removed)
