"""Commands for the audit trail: `flask audit verify`, `sign`, `partitions`."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from actions import roots
from cli.sentences import sentences
from config import audit_key, audit_roots
from models import db
from rules.chain import Fault, Verdict

DAY = click.DateTime(formats=["%Y-%m-%d"])


class _Sentences(click.Group):
    """Turns a refusal, or a database that does not answer, into a sentence and a failure."""

    def invoke(self, context: click.Context) -> Any:
        with sentences():
            try:
                return super().invoke(context)
            except Fault as broken:
                raise click.ClickException(str(broken)) from None
            except OperationalError as problem:
                if getattr(problem.orig, "pgcode", None) != "55P03":
                    raise
                raise click.ClickException(
                    "The trail is busy. Nothing was changed; try again in a minute."
                ) from None


@click.group("audit", cls=_Sentences)
def audit() -> None:
    """Verify and sign the audit trail, and make its next months."""


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _roots(extra: tuple[Path, ...] = ()) -> roots.Roots:
    """Return the roots as the settings place them, with the keys that can be read."""
    path = audit_key(current_app.config)
    keys = [roots.public_key(one) for one in extra]
    public = path.with_name(path.name + ".pub")
    if public.exists():
        keys.append(roots.public_key(public))
    return roots.Roots(audit_roots(current_app.config), tuple(keys))


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.option("--since", type=DAY, help="Begin at the last root before this day.")
@click.option(
    "--until", type=DAY, help="Leave out later roots: for a database restored from that day."
)
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with a public key whose signatures count too.",
)
@with_appcontext
def verify(
    as_json: bool,
    since: datetime | None,
    until: datetime | None,
    public_keys: tuple[Path, ...],
) -> None:
    """Say whether the trail is whole, and if not, name the first place that is broken."""
    place, started = _roots(public_keys), monotonic()
    verdict = roots.verify(db.session(), place, since=_day(since), until=_day(until))
    seconds = monotonic() - started
    roots.write_report(place.folder, verdict, now=datetime.now(UTC), seconds=seconds)
    click.echo(json.dumps(_facts(verdict, seconds)) if as_json else _words(verdict, seconds))
    if verdict.fault:
        raise click.ClickException("The trail is broken." if as_json else str(verdict.fault))


def _words(verdict: Verdict, seconds: float) -> str:
    state = "The trail is broken." if verdict.fault else "The trail is whole."
    return (
        f"{state}\n{verdict.entries:,} entries in {verdict.blocks:,} blocks and {verdict.roots:,} "
        f"signed roots verified in {seconds:.1f} s"
    )


def _facts(verdict: Verdict, seconds: float) -> dict[str, Any]:
    fault = verdict.fault
    return {
        "whole": fault is None,
        "entries": verdict.entries,
        "blocks": verdict.blocks,
        "roots": verdict.roots,
        "last_block": verdict.end.number,
        "last_hash": verdict.end.hash.hex(),
        "seconds": round(seconds, 3),
        "fault": fault
        and {
            "wrong": fault.wrong.value,
            "entry": fault.entry,
            "block": fault.block,
            "at": fault.at and fault.at.isoformat(),
            "day": fault.day,
            "sentence": str(fault),
        },
    }


@audit.command()
@with_appcontext
def sign() -> None:
    """Verify what came since the last root, and sign today's; once a day."""
    now = datetime.now(UTC)
    day = now.astimezone(ZoneInfo(current_app.config["TIMEZONE"])).date()
    key = roots.signing_key(audit_key(current_app.config))
    place, started = _roots(), monotonic()
    verdict = roots.verify(db.session(), place, since=day)
    if verdict.fault:
        raise verdict.fault
    is_there = (place.folder / f"{day}.json").exists()
    root = roots.sign(place, key, verdict.end, day=day, now=now)
    _make_months(3)
    click.echo(f"Root of {root.day}: block {root.block:,}, {root.hash}, key {root.key[:16]}")
    click.echo(
        f"{verdict.entries:,} entries since the root before verified, root "
        f"{'signed already' if is_there else 'signed'}, in {monotonic() - started:.1f} s"
    )


@audit.command()
@click.option("--months", default=3, show_default=True, help="How many months ahead.")
@with_appcontext
def partitions(months: int) -> None:
    """Make the months of the trail that come next."""
    if not 0 <= months <= 120:
        raise click.ClickException("From 0 to 120 months can be made ahead.")
    click.echo(f"{_make_months(months):,} months made; {months} months ahead are there")


def _make_months(ahead: int) -> int:
    made = db.session.scalar(select(func.redress_audit_months(ahead)))
    db.session.commit()
    return int(made or 0)
