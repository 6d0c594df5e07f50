"""A database with as many grievances as a benchmark needs, made once and kept."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

from argon2 import PasswordHasher
from psycopg2 import sql
from psycopg2.extensions import connection as PgConnection
from psycopg2.extensions import cursor as Cursor

import config
import embedded
import postgres

Say = Callable[[str], None]

STEP = 100_000
OFFICES, CATEGORIES = 120, 140
OFFICER, HANDLER = "bench", "bench_office"
"""One who sees every grievance, and one who sees those of one office and below."""
PASSWORD = "four words for a benchmark"  # noqa: S105  of a database that holds nothing
RECIPE = [Path(__file__), Path(__file__).with_name("register.sql")]


def database_url(name: str) -> str:
    """The URL of the database `name` on the server that Redress itself would use."""
    settings = config.read()
    if settings["DATABASE_URL"]:
        return urlsplit(settings["DATABASE_URL"])._replace(path=f"/{quote(name)}").geturl()
    return embedded.database_url(Path(settings["INSTANCE"]), name)


def prepare(name: str, rows: int, say: Say) -> str:
    """Return the URL of the database `name` with `rows` grievances; what is there is used again
    where it was made by this code, from the same migrations."""
    url = database_url(name)
    recipe = _recipe(rows)
    postgres.create_database(url)
    if _made_by(url) == recipe:
        return url
    say(f"{name}: making {rows:,} grievances, once...")
    began = time.monotonic()
    postgres.drop_database(url)
    postgres.create_database(url)
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "db", "upgrade"],
        cwd=config.HOME, env=environment(url), check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with closing(postgres.connect(url)) as session:
        _fill(session, rows, say)
        with session.cursor() as cursor:
            cursor.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                    sql.Identifier(name), sql.Literal(recipe)
                )
            )
    say(f"{name}: made in {time.monotonic() - began:.0f} s")
    return url


def environment(url: str) -> dict[str, str]:
    """What a process of the product needs to run on the database `url`."""
    return os.environ | {"DATABASE_URL": url, "REDRESS_IDLE_MINUTES": "600"}


def _recipe(rows: int) -> str:
    """What a database was made from: it is made anew when any of it changes."""
    files = [*RECIPE, *sorted((config.HOME / "migrations" / "versions").glob("*.py"))]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return f"{rows} grievances, {digest[:16]}"


def _made_by(url: str) -> str | None:
    with closing(postgres.connect(url)) as session, session.cursor() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
            " WHERE datname = current_database()"
        )
        (comment,) = cursor.fetchone() or (None,)
        return comment


def _fill(session: PgConnection, rows: int, say: Say) -> None:
    with session.cursor() as cursor:
        for setting in ("maintenance_work_mem = '512MB'", "synchronous_commit = off",
                        "work_mem = '64MB'"):  # fmt: skip
            cursor.execute(f"SET {setting}")
        for table in ("office", "category", "officer", "grievance"):
            cursor.execute(
                sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table))
            )
        _fill_offices(cursor)
        again = _take_off(cursor, "grievance")
        cursor.execute("SELECT setseed(0.42)")
        statement = Path(__file__).with_name("register.sql").read_text()
        for first in range(1, rows + 1, STEP):
            last = min(first + STEP - 1, rows)
            cursor.execute(statement, {"first": first, "last": last, "rows": rows})
            if last % (5 * STEP) == 0:
                say(f"  {last:,} rows")
        for place, step in enumerate(again):
            if place % 8 == 0:
                say(f"  indexes and constraints: {place} of {len(again)}")
            cursor.execute(step)
        for table in ("office", "category", "officer", "grievance"):
            cursor.execute(
                sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(table))
            )
        cursor.execute("SELECT setval('grievance_number', %s)", (rows,))
        cursor.execute("VACUUM ANALYZE")


def _fill_offices(cursor: Cursor) -> None:
    """An office tree of four levels, categories of two, and an officer who sees everything."""
    cursor.execute(
        """
        INSERT INTO office (name, code, level)
        SELECT CASE WHEN number %% 2 = 0 THEN number || '号单位' ELSE 'Office ' || number END,
               'B' || number,
               CASE WHEN number = 1 THEN 'district' WHEN number <= 21 THEN 'department'
                    WHEN number <= 60 THEN 'subdistrict' ELSE 'community' END
        FROM generate_series(1, %s) AS number
        """,
        (OFFICES,),
    )
    cursor.execute(
        """
        UPDATE office SET parent_id = parent.id FROM office AS parent
        WHERE office.code <> 'B1' AND parent.code =
            CASE WHEN office.level = 'community'
                 THEN 'B' || 22 + substr(office.code, 2)::int % 39 ELSE 'B1' END
        """
    )
    cursor.execute(
        """
        INSERT INTO category (name)
        SELECT CASE WHEN number %% 2 = 0 THEN number || '类事项' ELSE 'Matter ' || number END
        FROM generate_series(1, %s) AS number
        """,
        (CATEGORIES,),
    )
    cursor.execute(
        """
        INSERT INTO officer (name, username, office_id, roles, password_hash)
        SELECT 'Bench', one.username, id, one.roles, %s
        FROM office JOIN (VALUES (%s, 'B1', '{administrator}'::text[]), (%s, 'B30', '{handler}'))
            AS one (username, code, roles) USING (code)
        """,
        (PasswordHasher().hash(PASSWORD), OFFICER, HANDLER),
    )


def _take_off(cursor: Cursor, table: str) -> list[str]:
    """Drop what makes filling `table` slow; return the statements that put it back."""
    cursor.execute(
        """
        SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
               format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
                      pg_get_constraintdef(oid))
        FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype IN ('f', 'u')
        """,
        {"table": table},
    )
    constraints = cursor.fetchall()
    cursor.execute(
        """
        SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
        FROM pg_index WHERE indrelid = %(table)s::regclass
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
        """,
        {"table": table},
    )
    indexes = cursor.fetchall()
    for drop, _ in [*constraints, *indexes]:
        cursor.execute(drop)
    return [make for _, make in [*indexes, *constraints]]
