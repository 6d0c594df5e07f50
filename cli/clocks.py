"""Commands for clocks: `flask rules`, `flask calendars`, `flask clocks`."""

from datetime import UTC, datetime
from time import monotonic

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from actions import calendars, clocks, rule_packs
from cli.sentences import sentences
from imports.public_holidays import holidays_around
from models import RulePack, WorkCalendar, db
from rules.offices import DISTRICT
from rules.packs import KEYS, shipped

BATCH = 500


@click.group("rules")
def rules() -> None:
    """Rule packs: how much time each stage is given."""


@rules.command("list")
@with_appcontext
def list_packs() -> None:
    """Name the rule packs that come along, and which are loaded."""
    loaded = {pack.code: pack for pack in db.session.scalars(select(RulePack))}
    for key in dict.fromkeys((*KEYS, *sorted(loaded))):
        record = loaded.get(key)
        state = "" if record is None else "in use" if record.is_in_use else "loaded"
        click.echo(f"{key:<10} {state:<7} {record.name if record else shipped(key).name}")


@rules.command("load")
@click.argument("key")
@click.option("--use", "in_use", is_flag=True, help="Let the district's clocks run by it.")
@with_appcontext
def load_pack(key: str, in_use: bool) -> None:
    """Write a rule pack down as records, with a first calendar where there is none."""
    now = datetime.now(UTC)
    with sentences():
        pack = shipped(key)
        record = rule_packs.load(pack)
        days = holidays_around(pack.holidays, now.year)
        calendars.begin_with(pack, name=record.calendar, days=days, now=now)
        if in_use:
            rule_packs.use(record)
        name = record.name
        db.session.commit()
    click.echo(f"{name} is {'in use' if in_use else 'loaded'}.")


@click.group("calendars")
def calendars_group() -> None:
    """Versions of the calendar that clocks count by."""


@calendars_group.command("new")
@click.argument("reason")
@click.option("--name", default=DISTRICT, show_default=True, help="Name of the calendar.")
@click.option("--country", default="", help="Take the public holidays of it anew, as GB-ENG.")
@with_appcontext
def new_version(reason: str, name: str, country: str) -> None:
    """Make a draft from the newest version, for REASON. Edit its days, then put it in force."""
    now = datetime.now(UTC)
    with sentences():
        days = holidays_around(country, now.year)
        version = calendars.draft(name=name, reason=reason, country=country, days=days)
        number = version.calendar_version
        db.session.commit()
    click.echo(f"Version {number} of calendar {name} is a draft.")


def _version(name: str, number: int) -> WorkCalendar:
    found: WorkCalendar | None = db.session.scalar(
        select(WorkCalendar).where(
            WorkCalendar.name == name, WorkCalendar.calendar_version == number
        )
    )
    if found is None:
        raise click.ClickException(f"There is no version {number} of calendar {name}.")
    return found


@calendars_group.command("put-in-force")
@click.argument("number", type=int)
@click.option("--name", default=DISTRICT, show_default=True, help="Name of the calendar.")
@with_appcontext
def put_in_force(number: int, name: str) -> None:
    """Let clocks count by version NUMBER, and count those that are open anew. After an
    interruption run it again."""
    started, now = monotonic(), datetime.now(UTC)
    with sentences():
        version = _version(name, number)
        if version.in_force_since is None:
            calendars.put_in_force(version, now=now)
            db.session.commit()
        looked, moved, last = 0, 0, 0
        while True:
            version = _version(name, number)
            some, more, last = clocks.recalculate_open(
                version, by=None, now=datetime.now(UTC), after=last, limit=BATCH
            )
            db.session.commit()
            looked, moved = looked + some, moved + more
            if not some:
                break
            db.session.expunge_all()
    click.echo(f"{moved:,} of {looked:,} open clocks moved in {monotonic() - started:.1f} s")


@click.group("clocks")
def clocks_group() -> None:
    """Clocks of grievances."""


@clocks_group.command("start")
@with_appcontext
def start_clocks() -> None:
    """Start the clock of the decision for open grievances that have none: those of a file whose
    due time comes out by the rules here, or that have no due time. Others keep theirs."""
    started = monotonic()
    with sentences():
        looked, begun, last = 0, 0, 0
        while True:
            some, more, last = clocks.adopt_open(now=datetime.now(UTC), after=last, limit=BATCH)
            db.session.commit()
            looked, begun = looked + some, begun + more
            if not some:
                break
            db.session.expunge_all()
    click.echo(f"{begun:,} of {looked:,} clocks started in {monotonic() - started:.1f} s")


COMMANDS = (rules, calendars_group, clocks_group)
