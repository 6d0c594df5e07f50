"""`flask doctor`."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
import psycopg2
from flask import current_app
from flask.cli import with_appcontext
from psycopg2.extensions import connection
from sqlalchemy.exc import SQLAlchemyError

import doctor
import postgres
from models import db


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--rights", is_flag=True, help="Print SQL that gives each table its rights, and end.")
@with_appcontext
def doctor_command(as_json: bool, rights: bool) -> None:
    """Look over this deployment: one line for each thing, and what to do about it.

    Ends with status 1 where something is wrong; warnings alone do not.
    """
    if rights:
        click.echo("\n".join(doctor.statements()))
        return
    with _web() as web, _owner() as owner:
        found = doctor.examine(
            doctor.Deployment(
                settings=current_app.config,
                instance=Path(current_app.instance_path),
                now=datetime.now(UTC),
                web=web,
                owner=owner,
            )
        )
    numbers = {level: sum(one.level is level for one in found) for level in doctor.Level}
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for one in found:
            click.echo(f"{one.level.value:8}{one.about}: {one.sentence}")
        click.echo(", ".join(f"{number} {level.value}" for level, number in numbers.items()))
    sys.exit(1 if numbers[doctor.Level.WRONG] else 0)


@contextmanager
def _web() -> Iterator[connection | None]:
    """Give a session as the web server has it, with its settings."""
    try:
        pooled = db.engine.raw_connection()
    except (SQLAlchemyError, psycopg2.OperationalError):
        yield None
        return
    with closing(pooled):
        session = pooled.driver_connection
        assert isinstance(session, connection)  # noqa: S101  the driver is psycopg2
        session.autocommit = True
        yield session
        session.autocommit = False


@contextmanager
def _owner() -> Iterator[connection | None]:
    """Give a session of the owner of the tables, where the login of OWNER_DATABASE_URL is one."""
    with suppress(psycopg2.Error, postgres.Unavailable):
        session = postgres.connect(current_app.config["OWNER_DATABASE_URL"])
        with closing(session):
            yield session if _owns(session) else None
            return
    yield None


def _owns(session: connection) -> bool:
    """Whether the login owns the tables, or would if they were there."""
    with session.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(bool_or(pg_has_role(current_user, relowner, 'MEMBER')), true)"
            " FROM pg_class WHERE oid = to_regclass('public.officer')"
        )
        (owns,) = cursor.fetchone() or (False,)
        return bool(owns)


COMMANDS = (doctor_command,)
