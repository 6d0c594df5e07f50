"""What people read when something is refused or fails: a sentence and what to do, never SQL."""

from typing import Any

import psycopg2
from flask import Flask, Response, current_app, render_template, request
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

import security
from models import RECORD_TYPES, db
from rules import RuleBroken
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
    413: lazy_gettext("This is larger than the server takes. Shorten it or split the file."),
    429: lazy_gettext("Too many tries. Wait a while and try again."),
    500: lazy_gettext(
        "Something went wrong here and was noted. Nothing was saved. Try again; if "
        "it stays so, tell your administrator the time."
    ),
    503: lazy_gettext(
        "The database cannot be reached at the moment. Nothing was saved. Try again in a minute."
    ),
}
_LOST = (OperationalError, InterfaceError, PoolTimeout)


def constraint_sentence(error: DBAPIError) -> tuple[str, str | None]:
    """Return a sentence for the constraint that refused, and the field at fault if it is one."""
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


def is_refused_by_database(error: DBAPIError) -> bool:
    """Return whether the row is not one that this officer may write (row-level security), or
    the right to do it at all is missing."""
    return isinstance(error.orig, psycopg2.errors.InsufficientPrivilege)


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


def page(status: int, detail: str = "") -> tuple[str, int]:
    """Return the error page for `status` with its sentence, or with `detail` instead."""
    words = detail or SENTENCES[status]
    return render_template("error.html", status=status, sentence=words), status


def init_app(app: Flask) -> None:
    """Answer every refusal and every failure of `app` with a page of ours."""

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Any:
        if isinstance(error.code, int) and error.code < 400:
            return error
        if isinstance(error, BadHost):  # no address of ours can be built for such a host
            return _plain_page(400)
        status = error.code if error.code in SENTENCES else 400
        custom = error.description if getattr(error, "for_people", False) else ""
        body, _ = page(status, custom or "")
        return Response(body, error.code, headers=_kept_headers(error))

    @app.errorhandler(RuleBroken)
    def rule_broken(error: RuleBroken) -> Any:
        db.session.rollback()
        return page(400, sentence(error))

    @app.errorhandler(StaleDataError)
    def stale(error: StaleDataError) -> Any:
        db.session.rollback()
        return page(409)

    @app.errorhandler(IntegrityError)
    def not_allowed(error: IntegrityError) -> Any:
        db.session.rollback()
        return page(409, constraint_sentence(error)[0])

    @app.errorhandler(DataError)
    def out_of_range(error: DataError) -> Any:
        db.session.rollback()
        return page(400, gettext("A value is out of the range that can be kept."))

    app.register_error_handler(ProgrammingError, _refused_by_database)
    for lost in _LOST:
        app.register_error_handler(lost, _database_lost)

    app.register_error_handler(Exception, _failed)


def _failed(error: Exception) -> Any:
    current_app.logger.exception("%s %s failed", request.method, request.path)
    db.session.rollback()
    return page(500)


def _refused_by_database(error: ProgrammingError) -> Any:
    if not is_refused_by_database(error):
        return _failed(error)
    current_app.logger.warning("the database refused %s %s", request.method, request.endpoint)
    db.session.rollback()
    return page(403)


def _database_lost(error: Exception) -> Any:
    """The database went away or has no connection left: say so, and let go of the broken one."""
    db.session.remove()
    security.stop_asking()
    response = _plain_page(503)
    response.headers["Retry-After"] = "5"
    return response


def _plain_page(status: int) -> Response:
    """Return a page that needs neither the database nor an address."""
    return Response(render_template("plain_error.html", sentence=SENTENCES[status]), status)


def _kept_headers(error: HTTPException) -> list[tuple[str, str]]:
    return [(name, value) for name, value in error.get_headers() if name == "Allow"] + [
        ("Content-Type", "text/html; charset=utf-8")
    ]
