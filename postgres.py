"""A database on any PostgreSQL server: that it is there, and fit for Redress.

The server may be the embedded one (embedded.py) or that of a DATABASE_URL. A URL here is libpq's
(`postgresql://...`) or SQLAlchemy's (`postgresql+psycopg2://...`). What cannot be put right is an
`Unavailable` with a sentence for people.
"""

from contextlib import closing
from urllib.parse import SplitResult, unquote, urlsplit

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT, connection

OLDEST_VERSION = 15

# Functions whose result tells of their arguments and whose errors do not. PostgreSQL uses an
# index for a search under row-level security only where all of them are known to be such.
LEAKPROOF = (
    "pg_catalog.textlike(text, text)",
    "pg_catalog.texticlike(text, text)",
    "pg_catalog.textcat(text, text)",
    "pg_catalog.lower(text)",
    "pg_catalog.arraycontains(anyarray, anyarray)",
    "public.redress_pairs(text)",
)
# What shows the statements of other sessions, in which tickets stand.
EAVESDROPPING = (
    "pg_catalog.pg_stat_get_activity(integer)",
    "pg_catalog.pg_stat_get_backend_activity(integer)",
)


UNFINISHED = "Redress: not whole, the restore of {} has not finished."
"""What the comment on a database says while a restore fills it."""


class Unavailable(Exception):
    """No database to work with; the message is a sentence that says what to do."""


def create_database(url: str) -> bool:
    """See that the database of `url` is there and fit; return whether it had to be made.

    Fit is: a server of version 15 or later, encoding UTF-8, and a ctype that knows Chinese
    characters as letters (under C pg_trgm takes no trigrams from them and search finds nothing).
    Raises Unavailable.
    """
    parts = _parts(url)
    try:
        with closing(connect(url)) as session:
            _check_version(session)
            _check_text(session)
        return False
    except psycopg2.OperationalError as problem:
        session = _session_beside(parts, problem)
    with closing(session), session.cursor() as cursor:
        _check_version(session)
        statement = _create_statement(_name(parts), session)
        try:
            cursor.execute(statement)
        except psycopg2.errors.InsufficientPrivilege:
            raise Unavailable(
                f"The database {_name(parts)} does not exist and {session.info.user} may not make"
                f" it. Ask the administrator of the server for:\n  {statement}"
            ) from None
        except (psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
            return False  # somebody else was faster
    return True


def drop_database(url: str) -> None:
    """Remove the database of `url`, if it is there, with whoever is connected to it."""
    parts = _parts(url)
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(_identifier(parts))
    gently = sql.SQL("DROP DATABASE IF EXISTS {}").format(_identifier(parts))
    with closing(connect(parts._replace(path="/postgres").geturl())) as session:
        try:
            session.cursor().execute(statement)
        except psycopg2.errors.InsufficientPrivilege:
            # The autovacuum is at it, which only a superuser may send away. This waits for it.
            session.cursor().execute(gently)


def unfinished(session: connection) -> str | None:
    """Return what the database says where a restore into it has not finished; else None."""
    with session.cursor() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
            " WHERE datname = current_database()"
        )
        (said,) = cursor.fetchone() or (None,)
    marked = str(said or "").startswith(UNFINISHED.partition("{}")[0])
    return str(said) if marked else None


def mark(session: connection) -> list[str]:
    """Run as the user of `session` what a superuser must have run in a database of ours, and
    return what is still missing. `session` commits by itself."""
    missing = missing_marks(session)
    with session.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if not (cursor.fetchone() or (False,))[0]:
            return missing
        for statement in missing:
            cursor.execute(statement)
    return []


def missing_marks(session: connection) -> list[str]:
    """Return the statements for a superuser that a database of ours still needs."""
    with session.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s) AS one (name)"
            " JOIN pg_proc ON oid = to_regprocedure(name) WHERE NOT proleakproof",
            (list(LEAKPROOF),),
        )
        statements = [f"ALTER FUNCTION {name} LEAKPROOF" for (name,) in cursor.fetchall()]
        cursor.execute(
            "SELECT name, pg_get_userbyid(datdba) FROM unnest(%s) AS one (name)"
            " JOIN pg_proc p ON p.oid = to_regprocedure(name), pg_database"
            " WHERE datname = current_database() AND has_function_privilege(%s, p.oid, 'EXECUTE')",
            (list(EAVESDROPPING), "redress_app"),
        )
        for name, owner in cursor.fetchall():
            statements.append(f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC")
            grant = sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}, pg_monitor")
            statements.append(grant.format(sql.SQL(name), sql.Identifier(owner)).as_string(session))
    return statements


def connect(url: str) -> connection:
    """A session of its own, each statement committed at once. Raises psycopg2's errors."""
    session = psycopg2.connect(_parts(url).geturl(), connect_timeout=10)
    session.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
    return session


def for_libpq(url: str) -> str:
    """Return the URL as psql, pg_dump and psycopg2 take it. Raises Unavailable."""
    return _parts(url).geturl()


def database_name(url: str) -> str:
    """Return the name of the database of the URL. Raises Unavailable."""
    return _name(_parts(url))


def _parts(url: str) -> SplitResult:
    """The parts of the URL as libpq takes it, without SQLAlchemy's name of a driver."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    parts = parts._replace(scheme=parts.scheme.partition("+")[0])
    if parts.scheme not in {"postgresql", "postgres"} or not _name(parts):
        raise Unavailable(
            "DATABASE_URL cannot be used. It must look like"
            " postgresql://user:password@host:5432/redress, or be unset for the embedded database."
        )
    return parts


def _name(parts: SplitResult) -> str:
    return unquote(parts.path.lstrip("/"))


def _identifier(parts: SplitResult) -> sql.Identifier:
    return sql.Identifier(_name(parts))


def _session_beside(parts: SplitResult, problem: psycopg2.OperationalError) -> connection:
    """A session with the server of a URL whose database does not exist; Unavailable if it does."""
    for beside in ("postgres", "template1"):
        try:
            session = connect(parts._replace(path=f"/{beside}").geturl())
        except psycopg2.OperationalError:
            continue
        with session.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_name(parts),))
            if cursor.fetchone() is None:
                return session
        session.close()
    reason = " ".join(str(problem).split())  # libpq's words, in which there is no password
    raise Unavailable(
        f"The database {_name(parts)} cannot be reached. The server says: {reason}\n"
        "Check DATABASE_URL, or unset it to use the embedded database."
    )


def _create_statement(name: str, session: connection) -> str:
    # With the builtin provider too the ctype has to be named: pg_trgm asks LC_CTYPE what a letter
    # is, and takes no Chinese character for one under C.
    builtin = " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
    return (
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
        .format(sql.Identifier(name))
        .as_string(session)
        + (builtin if session.server_version >= 170000 else "")
        + " LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
    )


def _check_version(session: connection) -> None:
    if session.server_version < OLDEST_VERSION * 10000:
        raise Unavailable(
            f"The database server is PostgreSQL {session.server_version // 10000}; Redress needs"
            f" version {OLDEST_VERSION} or later."
        )


def _check_text(session: connection) -> None:
    with session.cursor() as cursor:
        cursor.execute(
            "SELECT datname, pg_encoding_to_char(encoding), datctype"
            " FROM pg_database WHERE datname = current_database()"
        )
        name, encoding, ctype = cursor.fetchone() or ("", "", "")
    if encoding != "UTF8" or ctype in {"C", "POSIX"}:
        raise Unavailable(
            f"The database {name} was made with encoding {encoding} and ctype {ctype}, under which"
            " search finds no Chinese text. Make it anew with:\n"
            f"  {_create_statement(name, session)}"
        )
