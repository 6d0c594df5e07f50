"""What the logins of the database may do, and who the database believes is asking.

The web server's login is a member of `redress_app`: it owns nothing and is held to row-level
security, so that a forgotten filter or an injected statement finds no foreign row (promises A3,
A4). Each transaction carries a ticket that only the application can sign; functions of the
database read it with a key that the login cannot read. `redress_reader` is for reports.

The condition of each table comes from its record type, as the one in security.py does, and is set
by its migration with `redress_guard`: see docs/decisions/0040-the-database-defends-itself.md.
"""

import hmac
import re
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import psycopg2
from sqlalchemy import ColumnElement, Select, Text, and_, any_, cast, func, not_, or_, select, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

import postgres
from models import (
    Clock,
    ClockEntry,
    FigureMonth,
    Officer,
    OfficeRecord,
    OfficerSession,
    PrivateRecord,
    Record,
    RetaliationReport,
    RoleChange,
)

APP_ROLE, READER_ROLE = "redress_app", "redress_reader"
SYSTEM = 0
"""Stands in a ticket for the system itself: commands and jobs, which see every row."""

Test = Callable[[Any], ColumnElement[bool]]
Guarded = type[Record] | type[FigureMonth]


# --- The ticket ------------------------------------------------------------------------------


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"redress ticket", "sha256")


def sign_ticket(
    secret: str, officer_id: int, *, session_id: int = 0, at: float | None = None
) -> str:
    """Return the text that tells the database who asks, for a transaction that begins now, or at
    `at` (seconds since 1970).

    `officer_id` SYSTEM is the system; `session_id` is the log-in it depends on, 0 for a command
    or a job. `secret` is the application's SECRET_KEY.
    """
    said = f"{session_id}.{officer_id}.{int(time.time() if at is None else at)}"
    return f"{said}.{hmac.digest(_key(secret), said.encode(), 'sha256').hex()}"


def ticket_pads(secret: str) -> tuple[bytes, bytes]:
    """Return the inner and the outer block of HMAC-SHA256 (RFC 2104) for the key of tickets, from
    which the database computes it with sha256() alone."""
    key = _key(secret).ljust(64, b"\0")
    return bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)


def telling(settings: Mapping[str, str], *, local: bool = True) -> Select[Any]:
    """Return the statement that gives the database `settings`, for the open transaction or, where
    not `local`, for the session."""
    return select(*(func.set_config(name, value, local) for name, value in settings.items()))


# --- Which rows ------------------------------------------------------------------------------


def through(model: Guarded, path: str, test: Test, told: ColumnElement[bool] | None) -> Any:
    """Apply `test` to the column at the end of a dotted path of relations from `model`.

    An office does not see what it is not to know of yet (`told_from`): a draft, a visit without
    notice; `told` is the condition under which it does all the same, None for always.
    """
    first, _dot, rest = path.partition(".")
    attribute = getattr(model, first)
    if rest:
        inner = through(attribute.property.mapper.class_, rest, test, told)
        found = attribute.any(inner) if attribute.property.uselist else attribute.has(inner)
    else:
        found = test(attribute)
    if told is None or model.told_from is None or not _begins_alike(model.told_from, path):
        return found
    return and_(found, or_(is_told(model, model.told_from), told))


def _begins_alike(told_from: str, path: str) -> bool:
    """Whether two dotted paths go through the same relations."""
    return told_from.rpartition(".")[0] == path.rpartition(".")[0]


def is_told(model: Any, told_from: str) -> ColumnElement[bool]:
    """Return the condition that the column at the end of the path `told_from` is filled."""
    first, _dot, rest = told_from.partition(".")
    attribute = getattr(model, first)
    found: ColumnElement[bool] = (
        attribute.has(is_told(attribute.property.mapper.class_, rest))
        if rest
        else attribute.is_not(None)
    )
    return found


def kept_from(model: Any, of_line: Test) -> ColumnElement[bool] | None:
    """Return the condition under which whoever is of the line of an office may see what is kept
    from it; `of_line` tests an office. None where nothing is kept from anybody."""
    if not model.kept_from_line:
        return None
    return or_(
        is_told(model, model.told_from),
        # Not "there is none of the line": what row-level security hides would be none.
        through(model, model.office_paths[0], lambda column: not_(of_line(column)), None),
    )


# Paths that lead from one record to many: asked once in a statement and not for each row, and
# not through the other table's own condition, which asks back.
REACHED = {
    "circulations.office_id": "redress_circulated",
    "offices.office_id": "redress_conferences",
}


def _once(function: Any) -> Any:
    """`function` as a sub-select, which PostgreSQL runs once in a statement."""
    return select(function).scalar_subquery()


def _any_of(function_name: str) -> Any:
    function: Any = getattr(func, function_name)(type_=ARRAY(BigInteger))
    nobody = func.cast(postgresql.array([], type_=BigInteger), ARRAY(BigInteger))
    return any_(func.coalesce(_once(function), nobody, type_=ARRAY(BigInteger)))


def _own(column: Any) -> ColumnElement[bool]:
    own: ColumnElement[bool] = column == _once(func.redress_officer())
    return own


def seen_rows(model: Guarded) -> ColumnElement[bool] | None:
    """Return the condition for the rows of `model` that whoever asks may read, in functions of
    the database; None where that is all of them."""
    if model is OfficerSession:
        return None  # a log-in is looked up before it is known whose it is; it holds no case
    if model is RoleChange:
        reads: ColumnElement[bool] = _once(func.redress_reads_trail())
        return reads
    if model.owner_path:
        key = getattr(model, model.owner_path)
        return or_(_once(func.redress_reads_trail()), _own(key), *_shared(model))
    if model is RetaliationReport:
        return and_(
            _once(func.redress_hears_retaliation()),
            not_(RetaliationReport.office_id == _any_of("redress_line")),
        )
    if not issubclass(model, OfficeRecord | FigureMonth):
        return None
    theirs = [_own(getattr(model, model.doer_path))] if model.doer_path else []
    seen = or_(*theirs, _by_office(model))
    if not issubclass(model, OfficeRecord):
        return seen
    kept = kept_from(model, lambda column: column == _any_of("redress_line"))
    return seen if kept is None else and_(seen, kept)


def _by_office(model: Guarded) -> ColumnElement[bool]:
    paths = (_path(model, path) for path in model.office_paths)
    return or_(_once(func.redress_sees_all()), *paths)


def _shared(model: type[Record]) -> list[ColumnElement[bool]]:
    """Return the conditions for what others share with the office or a role of whoever asks."""
    if model.shared_with is None:
        return []
    office, role = (getattr(model, name) for name in model.shared_with)
    nothing = func.cast(postgresql.array([], type_=Text), ARRAY(Text))
    held = func.coalesce(_once(func.redress_roles(type_=ARRAY(Text))), nothing, type_=ARRAY(Text))
    return [office == _any_of("redress_offices_above"), cast(role, Text) == any_(held)]


def _path(model: Any, path: str) -> Any:
    if path in REACHED:
        reached: ColumnElement[bool] = model.id == _any_of(REACHED[path])
        return reached
    told = _once(func.redress_supervises())
    return through(model, path, lambda column: column == _any_of("redress_offices"), told)


def changed_rows(model: Guarded) -> ColumnElement[bool] | None:
    """Return the condition for the rows of `model` that whoever asks may add, change or delete;
    None where it is that of reading them."""
    if model is Officer:
        return or_(_once(func.redress_administers()), _own(Officer.id))
    if model is OfficerSession:
        return or_(_once(func.redress_administers()), _own(OfficerSession.officer_id))
    if model.owner_path:
        return or_(_own(getattr(model, model.owner_path)), _once(func.redress_officer()) == SYSTEM)
    if model is RetaliationReport:
        takes: ColumnElement[bool] = _once(func.redress_takes_retaliation())
        return takes
    if model.doer_path:
        return _by_office(model)
    if model is FigureMonth:
        system: ColumnElement[bool] = _once(func.redress_officer()) == SYSTEM
        return system
    return None


def removed_rows(model: Guarded) -> ColumnElement[bool] | None:
    """Return the condition for the rows of `model` that whoever asks may delete, where it is not
    that of changing them: what is shared goes at the hand of an administrator too."""
    changes = changed_rows(model)
    if model.shared_with is None or changes is None:
        return None
    shared = or_(*(getattr(model, name).is_not(None) for name in model.shared_with))
    return or_(changes, and_(_once(func.redress_administers()), shared))


def done_rows(model: Guarded) -> ColumnElement[bool] | None:
    """Return the condition for the rows of `model` that whoever asks may change, and neither add
    nor delete, because they are to do them."""
    return _own(getattr(model, model.doer_path)) if model.doer_path else None


def kept_columns(model: Guarded) -> list[str]:
    """Return the columns of `model` that no login writes: functions of the database do, which ask
    who acts (docs/decisions/0043-accounts.md)."""
    if model is RoleChange:
        return [column.name for column in model.__table__.columns]
    return ["roles"] if model is Officer else []


WITHHELD: dict[Guarded, str] = {Clock: "DELETE", ClockEntry: "UPDATE, DELETE"}
"""What no login does to the rows of a table, although others of it are written: ledgers are only
added to, and go with their grievance by the database's own hand."""


def _written(model: type[Record], condition: ColumnElement[bool] | None) -> str:
    if condition is None:
        return "NULL"
    # Within a query of the table, so that sub-selects refer to its row.
    query = select(model.id).where(condition)
    text = query.compile(
        dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
        compile_kwargs={"literal_binds": True},
    )
    words = " ".join(str(text).split()).partition(" WHERE ")[2]
    return f"$rows${re.sub(r' AS redress_[a-z_]+_[0-9]+', '', words)}$rows$"


def guard_statement(model: Guarded) -> str:
    """Return the SQL that gives the logins their rights on the table of `model`; the migration
    that makes the table, or changes who sees its rows, runs it.

    A PrivateRecord has no right here at all: its own migration grants what it must.
    """
    if issubclass(model, PrivateRecord):
        raise ValueError(f"{model.__name__} is private: grant by hand what it needs")
    changes = changed_rows(model)
    seen = seen_rows(model)
    if changes is not None and seen is None:
        seen = true()
    hidden = [column.name for column in model.__table__.columns if column.info.get("secret")]
    conditions = f"{_written(model, seen)}, {_written(model, changes)}"
    table, kept = model.__tablename__, ",".join(kept_columns(model))
    more = f", redress_keep('{table}', '{{{kept}}}')" if kept else ""
    if model in WITHHELD:
        more += f", redress_withhold('{table}', '{WITHHELD[model]}')"
    removed = removed_rows(model)
    if removed is not None:
        more += f", redress_let_remove('{table}', {_written(model, removed)})"
    done = done_rows(model)
    if done is not None:
        more += f", redress_let_do('{table}', {_written(model, done)})"
    return f"SELECT redress_guard('{table}', {conditions}, '{{{','.join(hidden)}}}'){more}"


# --- What migrations cannot do ----------------------------------------------------------------


def prepare(owner_url: str, secret: str) -> list[str]:
    """Give a migrated database what migrations cannot: the key of tickets, and, as a superuser,
    the marks of LEAKPROOF. `owner_url` is libpq's URL for the owner of the tables.

    Returns the statements that a superuser must still run in it; none where all is done. Raises
    psycopg2's errors.
    """
    with closing(psycopg2.connect(owner_url, connect_timeout=10)) as owner:
        owner.autocommit = True
        with owner.cursor() as cursor:
            cursor.execute(
                "INSERT INTO redress_private.ticket_key (inner_pad, outer_pad) VALUES (%s, %s)"
                " ON CONFLICT (only_one) DO UPDATE SET inner_pad = excluded.inner_pad,"
                " outer_pad = excluded.outer_pad",
                ticket_pads(secret),
            )
        return postgres.mark(owner)
