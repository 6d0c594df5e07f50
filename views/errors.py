"""What people read when something is refused or fails: a sentence and what to do, never SQL."""

import re
from typing import Any

import psycopg2
from flask import Flask, Response, current_app, jsonify, render_template, request
from flask_babel import gettext, lazy_gettext
from sqlalchemy import UniqueConstraint
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import BadHost, HTTPException

import budget
import security
from exports import TooManyExports
from models import RECORD_TYPES, db
from rules import RuleBroken, mark
from rules.refusals import refusal
from views.labels import label, sentence, type_label, types_label

SENTENCES = {
    400: lazy_gettext("This request cannot be read. Go back, check what you typed and try again."),
    401: lazy_gettext("Please log in first."),
    403: lazy_gettext(
        "Your role does not include this. Ask an administrator if your work needs it."
    ),
    404: lazy_gettext("There is no such page or record, or it is not yours to see."),
    405: lazy_gettext("This address is for a form. Go back and use its button."),
    409: lazy_gettext("Somebody else changed this in the meantime. Look at the record again."),
    408: lazy_gettext("What you sent came too slowly. Check your connection and try again."),
    413: lazy_gettext("This is larger than the server takes. Shorten it or split the file."),
    414: lazy_gettext("The address is too long. Take some filters away."),
    415: lazy_gettext("The server does not take this in the form in which it was sent."),
    429: lazy_gettext("Too many tries. Wait a while and try again."),
    500: lazy_gettext(
        "Something went wrong here and was noted. Nothing was saved. Try again; if "
        "it stays so, quote the number below to your administrator."
    ),
    503: lazy_gettext(
        "The database cannot be reached at the moment. Nothing was saved. Try again in a minute."
    ),
}
UNWRITTEN = lazy_gettext(
    "The entry in the audit trail could not be written, and without it nothing is done. Nothing "
    "was saved. Tell your administrator the time."
)
OUT_OF_SIGHT = mark(
    "With these offices the record would be out of your sight. Choose an office of yours, or ask "
    "the intake desk to route it."
)
# What can refuse a save for a reason that lies in what was typed.
REFUSALS = (IntegrityError, DataError, ProgrammingError, RuleBroken)
_WRITES_TRAIL = re.compile(r"\bredress_(audit|note|seal|block)\(")
_LOST = (OperationalError, InterfaceError, PoolTimeout)
# Views whose forms hold no secret: what was typed comes back with the page that says it failed.
_KEEP_TYPED = (".create_view", ".edit_view", ".delete_view", ".action_view")
# What the database did not do, and the status of the answer. 503 and not 504: it is this server
# that gives up, and no other behind it that does not answer.
_REFUSED: dict[type[budget.DatabaseRefused], tuple[int, Any]] = {
    budget.TooLong: (
        503,
        lazy_gettext(
            "This took longer than a page may, so it was ended. Nothing was saved. Ask for less: "
            "one more filter, a shorter period, or fewer records at once."
        ),
    ),
    budget.SomebodyElseSaves: (
        409,
        lazy_gettext(
            "Somebody else is saving this at the same moment. Nothing of yours was saved yet. "
            "Wait a few seconds and try again."
        ),
    ),
    budget.DiskFull: (
        503,
        lazy_gettext(
            "The database has no room left, so nothing was saved. You can go on reading. Tell "
            "your administrator: the disk of the database is full."
        ),
    ),
    budget.TakesNoChanges: (
        503,
        lazy_gettext(
            "The database takes no changes at the moment, so nothing was saved. You can go on "
            "reading. Try again in a while."
        ),
    ),
}


def constraint_sentence(error: DBAPIError) -> tuple[str, str | None]:
    """Return a sentence for the constraint that refused, and the field at fault if it is one."""
    if is_unwritten(error):
        return str(UNWRITTEN), None
    diagnosis = getattr(error.orig, "diag", None)
    name = getattr(diagnosis, "constraint_name", None) or ""
    column = getattr(diagnosis, "column_name", None)
    if column:
        return gettext("“%(field)s” must be filled in.", field=label(column)), column
    if name.endswith("_not_blank"):
        blank = name.removeprefix(f"ck_{diagnosis.table_name}_").removesuffix("_not_blank")
        return gettext("“%(field)s” must be filled in.", field=label(blank)), blank
    if name.startswith("fk_"):
        return _reference_sentence(diagnosis), None
    if says := refusal(name, getattr(diagnosis, "table_name", None) or ""):
        return gettext(says), None
    for model in RECORD_TYPES:
        for constraint in model.__table__.constraints:
            if str(constraint.name) == name and isinstance(constraint, UniqueConstraint):
                return _unique_sentence(model, constraint)
    return gettext("The database refuses these values: they do not go together."), None


def is_unwritten(error: Exception) -> bool:
    """Return whether it was the entry in the audit trail that could not be written."""
    diagnosis = getattr(getattr(error, "orig", None), "diag", None)
    return _WRITES_TRAIL.search(getattr(diagnosis, "context", None) or "") is not None


def is_refused_by_database(error: DBAPIError) -> bool:
    """Return whether the row is not one that this officer may write (row-level security), or
    the right to do it at all is missing."""
    return isinstance(error.orig, psycopg2.errors.InsufficientPrivilege)


def refusal_in_words(error: Exception) -> tuple[str, str | None]:
    """Return the sentence of a refusal (REFUSALS), by a rule or by the database, and the field at
    fault if it is one; raises `error` again where it is a failure and nothing was refused."""
    if isinstance(error, RuleBroken):
        return sentence(error), error.field
    if isinstance(error, IntegrityError):
        return constraint_sentence(error)
    if isinstance(error, DataError):
        return gettext("A value is out of the range that can be kept."), None
    if not isinstance(error, ProgrammingError) or not is_refused_by_database(error):
        raise error
    if is_unwritten(error):
        raise error
    return gettext(OUT_OF_SIGHT), None


def words_of(error: RuleBroken | IntegrityError) -> str:
    """Return the sentence of a refusal, by a rule or by the database."""
    return refusal_in_words(error)[0]


def _unique_sentence(model: Any, constraint: UniqueConstraint) -> tuple[str, str | None]:
    keys = [column.key for column in constraint.columns]
    names = ", ".join(label(key) for key in keys)
    return (
        gettext(
            "There is already a record of this kind (%(type)s) with the same %(fields)s.",
            type=type_label(model),
            fields=names,
        ),
        keys[-1] if len(keys) == 1 else None,
    )


def _reference_sentence(diagnosis: Any) -> str:
    name, table = diagnosis.constraint_name, diagnosis.table_name
    by_table = {model.__tablename__: model for model in RECORD_TYPES}
    if name.startswith(f"fk_{table}_") and "still referenced" in (diagnosis.message_detail or ""):
        kind = types_label(by_table[table]) if table in by_table else table
        return gettext(
            "It cannot be deleted: %(type)s refer to it, and their history would be lost.",
            type=kind,
        )
    return gettext("A record chosen here does not exist any more. Choose another one.")


def page(status: int, detail: Any = "", *, again: bool = False) -> tuple[Any, int]:
    """Return the answer for `status` with its sentence, or with `detail` instead: a page, or JSON
    for a script that asked for it. With `again` a form's page lets people send it once more."""
    words = detail or SENTENCES[status]
    if wants_json():
        return as_json(status, words), status
    typed = typed_here() if again else []
    number = security.request_id()
    body = render_template("error.html", status=status, sentence=words, typed=typed, number=number)
    return body, status


def wants_json() -> bool:
    """Return whether this request is a script's, which reads JSON and no pages."""
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def as_json(status: int, words: Any) -> Response:
    """Return the JSON of a failure: a sentence, the status and the number to quote."""
    return jsonify(error=str(words), status=status, request=security.request_id())


def typed_here() -> list[tuple[str, str]]:
    """Return what was typed into the form of this request, its token included, where that may
    stand on a page: a token of somebody else's page stays as wrong as it was."""
    if request.method != "POST" or not (request.endpoint or "").endswith(_KEEP_TYPED):
        return []
    form = request.__dict__.get("form")  # not read yet, or not readable: nothing to keep
    return list(form.items(multi=True)) if form else []


def init_app(app: Flask) -> None:
    """Answer every refusal and every failure of `app` with a page of ours."""

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Any:
        if isinstance(error.code, int) and error.code < 400:
            return error
        # No address of ours can be built for such a host.
        if isinstance(request.routing_exception, BadHost):
            return _plain_page(400)
        status = error.code if error.code in SENTENCES else 400
        custom = error.description if getattr(error, "for_people", False) else ""
        answer = current_app.make_response(page(status, custom or "")[0])
        answer.status_code = error.code
        answer.headers.extend(_kept_headers(error))
        return answer

    @app.errorhandler(RuleBroken)
    def rule_broken(error: RuleBroken) -> Any:
        db.session.rollback()
        return page(429 if isinstance(error, TooManyExports) else 400, sentence(error))

    @app.errorhandler(StaleDataError)
    def stale(error: StaleDataError) -> Any:
        db.session.rollback()
        return page(409)

    @app.errorhandler(IntegrityError)
    def not_allowed(error: IntegrityError) -> Any:
        if is_unwritten(error):
            return _unwritten(error)
        db.session.rollback()
        return page(409, constraint_sentence(error)[0])

    @app.errorhandler(DataError)
    def out_of_range(error: DataError) -> Any:
        db.session.rollback()
        return page(400, gettext("A value is out of the range that can be kept."))

    app.register_error_handler(ProgrammingError, _refused_by_database)
    for lost in _LOST:
        app.register_error_handler(lost, _database_lost)
    app.register_error_handler(budget.DatabaseRefused, _database_refused)

    app.register_error_handler(Exception, _failed)


def _unwritten(error: Exception) -> Any:
    kind = type(getattr(error, "orig", error)).__name__
    current_app.logger.error("no entry in the trail", extra={"kind": kind})
    db.session.rollback()
    return page(503, UNWRITTEN, again=True)


def _failed(error: Exception) -> Any:
    if is_unwritten(error):
        return _unwritten(error)
    current_app.logger.exception("a request failed")
    db.session.rollback()
    return page(500, again=True)


def _refused_by_database(error: ProgrammingError) -> Any:
    if is_unwritten(error) or not is_refused_by_database(error):
        return _failed(error)
    current_app.logger.warning("the database refused", extra={"kind": type(error).__name__})
    db.session.rollback()
    return page(403)


def _database_refused(error: budget.DatabaseRefused) -> Any:
    """The database gave up on a statement and is there for the next: say why and what to do."""
    status, words = _REFUSED[type(error)]
    db.session.rollback()
    budget.allow_an_answer()
    current_app.logger.warning("the database refused", extra={"kind": type(error).__name__})
    return page(status, words, again=True)


def _database_lost(error: Exception) -> Any:
    """The database went away or has no connection left: say so, and let go of the broken one."""
    if is_unwritten(error):
        return _unwritten(error)
    db.session.remove()
    security.stop_asking()
    current_app.logger.error("the database is lost", extra={"kind": type(error).__name__})
    if wants_json():
        response = as_json(503, SENTENCES[503])
        response.status_code = 503
    else:
        response = _plain_page(503)
    response.headers["Retry-After"] = "5"
    return response


def _plain_page(status: int) -> Response:
    """Return a page that needs neither the database nor an address."""
    return Response(
        render_template(
            "plain_error.html",
            sentence=SENTENCES[status],
            typed=typed_here(),
            number=security.request_id(),
        ),
        status,
    )


def _kept_headers(error: HTTPException) -> list[tuple[str, str]]:
    return [(name, value) for name, value in error.get_headers() if name == "Allow"]
