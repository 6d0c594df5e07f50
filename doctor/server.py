"""The database server: that it is fit, safe from a power cut, and hides what it should."""

from collections.abc import Iterator

import postgres
from doctor.findings import Deployment, Finding, ask, listed, ok, warning, wrong

EXTENSIONS = ("pg_trgm", "btree_gist")
CONNECTIONS = 16 + 4
"""What the web server may hold (2 processes of 8 threads), and some for commands."""


def version(of: Deployment) -> Iterator[Finding]:
    number = of.asks.server_version
    [(words,)] = ask(of.asks, "SHOW server_version")
    if number < postgres.OLDEST_VERSION * 10000:
        yield wrong(
            "version",
            f"The server is PostgreSQL {words}; {postgres.OLDEST_VERSION} or later is needed.",
        )
    elif number % 10000 == 0:
        yield warning(
            "version",
            f"PostgreSQL {words} is the first of its kind. Install the newest minor version.",
        )
    else:
        yield ok("version", f"PostgreSQL {words}")


def text(of: Deployment) -> Iterator[Finding]:
    [(encoding, ctype)] = ask(
        of.asks,
        "SELECT pg_encoding_to_char(encoding), datctype FROM pg_database"
        " WHERE datname = current_database()",
    )
    if encoding != "UTF8" or ctype in ("C", "POSIX"):
        yield wrong(
            "text",
            f"The database has encoding {encoding} and ctype {ctype}: search finds no Chinese"
            " text. Take a backup and restore it into a database made by flask restore.",
        )
    else:
        yield ok("text", f"{encoding}, {ctype}")


def extensions(of: Deployment) -> Iterator[Finding]:
    found = {
        name: (has, could)
        for name, has, could in ask(
            of.asks,
            "SELECT name, installed_version, default_version FROM pg_available_extensions"
            " WHERE name = ANY (%s)",
            list(EXTENSIONS),
        )
    }
    missing = [name for name in EXTENSIONS if not found.get(name, (None, None))[0]]
    old = [name for name, (has, could) in found.items() if has and has != could]
    if missing:
        yield wrong(
            "extensions",
            f"{listed(missing)} missing. As the owner of the database: "
            + " ".join(f"CREATE EXTENSION {name};" for name in missing),
        )
    elif old:
        yield warning(
            "extensions",
            "Newer versions are installed. As their owner: "
            + " ".join(f"ALTER EXTENSION {name} UPDATE;" for name in old),
        )
    else:
        yield ok("extensions", ", ".join(f"{name} {found[name][0]}" for name in EXTENSIONS))


def whole(of: Deployment) -> Iterator[Finding]:
    if said := postgres.unfinished(of.asks):
        yield wrong("restore", f"{said} Run flask restore again.")
    else:
        yield ok("restore", "no restore was left half done")


def durable(of: Deployment) -> Iterator[Finding]:
    """That what was saved outlives a power cut, and that a rotten disk shows."""
    settings = _settings(of, "fsync", "full_page_writes", "synchronous_commit", "data_checksums")
    off = [name for name in ("fsync", "full_page_writes") if settings[name] == "off"]
    if off:
        yield wrong(
            "power cut",
            f"{' and '.join(off)} off: a power cut may destroy the whole database. In the server's"
            " settings: " + "; ".join(f"ALTER SYSTEM SET {name} = on" for name in off),
        )
    elif settings["synchronous_commit"] == "off":
        yield warning(
            "power cut", "synchronous_commit is off: a power cut loses what was saved just before."
        )
    elif settings["data_checksums"] == "off":
        yield warning(
            "power cut",
            "Data checksums are off: a failing disk goes unseen. Stop the server and run"
            " pg_checksums --enable.",
        )
    else:
        yield ok("power cut", "fsync, full_page_writes and data checksums on")


def _settings(of: Deployment, *names: str) -> dict[str, str]:
    return {name: str(ask(of.asks, "SELECT current_setting(%s)", name)[0][0]) for name in names}


def connections(of: Deployment) -> Iterator[Finding]:
    [(most, reserved, used)] = ask(
        of.asks,
        "SELECT current_setting('max_connections')::int,"
        " current_setting('superuser_reserved_connections')::int,"
        " (SELECT coalesce(sum(numbackends), 0)::int FROM pg_stat_database)",
    )
    free = most - reserved
    if free < CONNECTIONS:
        yield wrong(
            "connections",
            f"The server allows {free} connections, and Redress may need {CONNECTIONS}. Raise"
            " max_connections.",
        )
    elif used > 0.8 * free:
        yield warning("connections", f"{used} of {free} connections are taken.")
    else:
        yield ok("connections", f"{used} of {free} are taken")


def overheard(of: Deployment) -> Iterator[Finding]:
    """That the tickets, with which officers act, do not end up where others read them."""
    logged = _settings(of, "log_statement", "log_min_duration_statement")
    if logged["log_statement"] == "all" or logged["log_min_duration_statement"] == "0":
        yield wrong(
            "log of statements",
            "The server writes every statement into its log, and with them tickets and personal"
            " data. Set log_statement to ddl and log_min_duration_statement to 250ms or more.",
        )
    else:
        yield ok("log of statements", f"log_statement is {logged['log_statement']}")
    missing = postgres.missing_marks(of.asks)
    hidden = [one for one in missing if "LEAKPROOF" not in one]
    slow = [one for one in missing if "LEAKPROOF" in one]
    if hidden:
        yield warning(
            "other sessions",
            "The web server's login sees what other sessions run (pg_stat_activity). As a"
            f" superuser: {'; '.join(hidden)};",
        )
    else:
        yield ok("other sessions", "the web server's login does not see their statements")
    if slow:
        yield warning(
            "search",
            "Searches of officers who see only their offices read every row. As a superuser, in"
            f" this database: {'; '.join(slow)};",
        )
    else:
        yield ok("search", "goes through its indexes for every officer")


def network(of: Deployment) -> Iterator[Finding]:
    """That nobody reads along between here and the database."""
    session = of.web or of.asks
    host = session.info.host
    if host.startswith("/") or host in ("", "localhost", "127.0.0.1", "::1"):
        yield ok("network", "the database is on this machine")
    elif not session.info.ssl_in_use:
        yield wrong(
            "network",
            f"What goes to the database on {host} is not encrypted. Add ?sslmode=verify-full to"
            " DATABASE_URL.",
        )
    elif session.info.dsn_parameters.get("sslmode") not in ("verify-full", "verify-ca"):
        yield warning(
            "network",
            f"The certificate of {host} is not looked at. Add ?sslmode=verify-full to"
            " DATABASE_URL.",
        )
    else:
        yield ok("network", f"encrypted, and {host} proves who it is")


def time_limits(of: Deployment) -> Iterator[Finding]:
    """That no request and no forgotten transaction holds the database for ever, and that what may
    take long, an import or an export, is not cut off."""
    session = of.web or of.asks
    [(login, statement, idle)] = ask(
        session,
        "SELECT quote_ident(session_user), current_setting('statement_timeout'),"
        " current_setting('idle_in_transaction_session_timeout')",
    )
    of_request = of.settings.get("STATEMENT_SECONDS")
    if of_request and statement != "0":
        yield warning(
            "time limits",
            f"The login {login} has a statement_timeout of {statement}, which cuts off imports and"
            " exports; each request has its own."
            f" As the owner: ALTER ROLE {login} RESET statement_timeout;",
        )
    elif of_request:
        yield ok("time limits", f"{of_request} s for each statement of a request")
    elif "0" in (statement, idle):
        yield warning(
            "time limits",
            "Statements or idle transactions may hold the database for ever. As the owner:"
            f" ALTER ROLE {login} SET statement_timeout = '10min';"
            f" ALTER ROLE {login} SET idle_in_transaction_session_timeout = '60s';",
        )
    else:
        yield ok("time limits", f"statements end after {statement}, idle transactions after {idle}")


CHECKS = (
    version,
    text,
    whole,
    extensions,
    durable,
    connections,
    network,
    time_limits,
    overheard,
)
