"""Commands of the figures: `flask figures refresh`."""

import json
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

import security
from actions.figures import refresh
from cli.sentences import sentences
from models import db
from rules import RuleBroken


def count_figures(session: Session) -> None:
    """Bring the figures up to what was just brought in; commit afterwards. Where a refresh runs
    already, the next one does it."""
    with suppress(RuleBroken):
        refresh(session, now=datetime.now(UTC), timezone=security.timezone())


@click.group()
def figures() -> None:
    """The figures of the dashboard."""


@figures.command("refresh")
@click.option("--full", is_flag=True, help="Count everything anew, not what has changed.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@with_appcontext
def refresh_command(full: bool, as_json: bool) -> None:
    """Bring the figures up to now; from a timer, every quarter of an hour."""
    with sentences():
        done = refresh(db.session(), now=datetime.now(UTC), timezone=security.timezone(), full=full)
        db.session.commit()
    if as_json:
        click.echo(json.dumps(asdict(done) | {"as_of": done.as_of.isoformat()}))
        return
    what = "everything" if done.is_full else f"{done.months:,} months"
    click.echo(
        f"Counted {what} anew after {done.marks:,} marks of changes: {done.rows:,} rows of offices"
        f" and months in {done.seconds:.2f} s"
    )
