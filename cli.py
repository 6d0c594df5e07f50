"""Commands: `flask NAME`. Each prints a figure last where it measures something and exits
non-zero with a sentence on failure."""

import sys
from datetime import UTC, datetime

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError, ProgrammingError

from actions import accounts
from models import db
from rules import RuleBroken


@click.command("create-admin")
@click.argument("username")
@click.option("--name", help="Name shown to colleagues; without it, the username.")
@click.option("--office", help="Code or name of the office; made if there is no office yet.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@with_appcontext
def create_admin(username: str, name: str | None, office: str | None, password_stdin: bool) -> None:
    """Make an officer who is administrator, with a password that is asked for."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        officer = accounts.create_administrator(
            username=username, name=name or username, office=office, password=password,
            now=datetime.now(UTC),
        )
        db.session.commit()
    except RuleBroken as refused:
        raise click.ClickException(str(refused)) from None
    except OperationalError:
        raise click.ClickException("The database cannot be reached.") from None
    except ProgrammingError:
        raise click.ClickException("There are no tables yet: run flask db upgrade.") from None
    click.echo(f"{officer.name} can log in as {officer.username}.")


def init_app(app: Flask) -> None:
    """Give `app` its commands."""
    app.cli.add_command(create_admin)
