"""Commands for accounts: a lost telephone, officers who have left."""

from datetime import UTC, datetime

import click
from flask.cli import with_appcontext
from sqlalchemy import select

import security
from actions import accounts, leaving, roles
from cli.sentences import sentences
from models import Officer, db


@click.command("reset-second-factor")
@click.argument("username")
@with_appcontext
def reset_second_factor(username: str) -> None:
    """Take the second factor of an officer away, whose telephone and recovery codes are lost, and
    end their log-ins. They log in with the password alone and must choose a new one then."""
    name = accounts.clean_username(username)
    with sentences():
        officer = db.session.scalar(select(Officer).where(Officer.username == name))
        if officer is None:
            raise click.ClickException(f"There is no officer with the username {name}.")
        had_one = accounts.take_second_factor_away(officer)
        ended = accounts.end_sessions(officer.id, now=datetime.now(UTC))
        shown = officer.name
        db.session.commit()
    if not had_one:
        raise click.ClickException(f"{shown} has no second factor.")
    click.echo(f"The second factor of {shown} is taken away; {ended} log-ins ended.")


@click.command("close-accounts")
@with_appcontext
def close_accounts() -> None:
    """Close the accounts of officers who have left, and end requests for roles that waited more
    than 7 days. Run it once a day."""
    now = datetime.now(UTC)
    with sentences():
        closed = leaving.close_accounts(today=security.today(), now=now)
        expired = roles.expire(now)
        db.session.commit()
    click.echo(f"{closed} accounts closed, {expired} requests for roles ended")


COMMANDS = (reset_second_factor, close_accounts)
