"""PostgreSQL's own programs and the server they talk to."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from psycopg2.extensions import connection, make_dsn, parse_dsn
from psycopg2.sql import Composable

import embedded
import postgres
from backup.folders import NEVER_KEPT, Failed

APPLICATION = "redress-restore"
"""The name under which a restore's programs stand in pg_stat_activity."""
DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Program:
    path: Path
    major: int


@cache
def _found(name: str) -> tuple[Program, ...]:
    """Return each `name` on this machine, one of each version."""
    places = [shutil.which(name), *map(str, DEBIAN.glob(f"*/bin/{name}"))]
    with suppress(postgres.Unavailable):
        places.insert(0, str(embedded.programs() / name))
    versions: dict[int, Program] = {}
    for place in places:
        if place and Path(place).exists():
            said = subprocess.run([place, "--version"], capture_output=True, text=True, check=False)
            if number := re.search(r"\(PostgreSQL\) (\d+)", said.stdout):
                versions.setdefault(int(number[1]), Program(Path(place), int(number[1])))
    return tuple(versions.values())


def find(name: str, server: int, at_least: int = 0) -> Program:
    """Return the program for a server of this major version: the same version where it is there
    and reads what `at_least` wrote, else the next newer one. Raises Failed."""
    wanted = max(server, at_least)
    fit = sorted((one for one in _found(name) if one.major >= wanted), key=lambda one: one.major)
    if not fit:
        have = ", ".join(str(one.major) for one in _found(name)) or "none"
        raise Failed(
            f"{name} of PostgreSQL {wanted} or newer is needed for this; here is: {have}. Install"
            f" the client programs of that version (Debian: postgresql-client-{wanted})."
        )
    return fit[0]


def run(
    program: Program, *arguments: str, url: str = "", settings: Mapping[str, str] | None = None
) -> str:
    """Run one of PostgreSQL's programs and return what it printed. Raises Failed with its words.

    The password stands in the environment: arguments are seen by everybody on the machine.
    """
    environment = {"PATH": os.defpath, "LC_ALL": "C", "PGAPPNAME": APPLICATION}
    command = [str(program.path), *arguments]
    for name in ("HOME", "PGPASSFILE", "PGSSLROOTCERT", "PGSSLMODE"):
        if name in os.environ:
            environment[name] = os.environ[name]
    if url:
        parts: dict[str, Any] = parse_dsn(postgres.for_libpq(url))
        if password := parts.pop("password", None):
            environment["PGPASSWORD"] = password
        command.append(f"--dbname={make_dsn(**parts)}")
    if settings:
        environment["PGOPTIONS"] = " ".join(
            f"-c {name}={value}" for name, value in settings.items()
        )
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False,
        umask=0o077, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0 and not _is_only_too_new(done.stderr):
        said = "\n  ".join(done.stderr.strip().splitlines()[-8:])
        raise Failed(f"{program.path.name} failed. It says:\n  {said}")
    return done.stdout


def _is_only_too_new(said: str) -> bool:
    """Whether all that went wrong is a setting that pg_restore 17 and later switches off in every
    server, and that servers before 17 do not have."""
    errors = [line for line in said.splitlines() if "error:" in line]
    return bool(errors) and all('parameter "transaction_timeout"' in line for line in errors)


def ask(session: connection, question: str | Composable, *values: Any) -> list[tuple[Any, ...]]:
    with session.cursor() as cursor:
        cursor.execute(question, values or None)
        return cursor.fetchall() if cursor.description else []


def tables(session: connection) -> list[str]:
    """Return the tables of the database as they stand in SQL; partitions count with their whole."""
    found = ask(
        session,
        """
        SELECT CASE WHEN nspname = 'public' THEN quote_ident(relname)
                    ELSE quote_ident(nspname) || '.' || quote_ident(relname) END
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p') AND NOT relispartition
            AND nspname <> 'information_schema' AND nspname !~ '^pg_'
            AND nspname || '.' || relname <> ALL (%s)
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
        ORDER BY 1
        """,
        list(NEVER_KEPT),
    )
    return [name for (name,) in found]


def counts(session: connection) -> dict[str, int]:
    """Return how many rows each table has."""
    return {
        table: ask(session, f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608  from the catalogue
        for table in tables(session)
    }
