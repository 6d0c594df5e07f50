"""Keys and retention of sealed identities: `flask identity rotate-key | erase | retention`."""

import json
from datetime import UTC, datetime
from time import monotonic

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select

from actions import identity as acting
from cli.sentences import sentences
from models import Grievance, db
from queries import identity as asking
from rules.identity import ErasureGround
from sealing import KeyFiles, KeyRing, key_ring

BATCH = 2000


@click.group("identity")
def identity() -> None:
    """Keys, erasure and retention of sealed identities."""


def _ring() -> KeyRing:
    return key_ring(current_app.config)


@identity.command("rotate-key")
@click.option("--batch", default=BATCH, show_default=True, help="Keys in one transaction.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@with_appcontext
def rotate_key(batch: int, as_json: bool) -> None:
    """Make a new key-encryption key and wrap every data key with it, while the server works.

    Where keys come from REDRESS_IDENTITY_KEYS: add the new one there, restart the servers, and
    then run this. After an interruption run it again. The old key is needed for older backups.
    """
    started = monotonic()
    with sentences():
        ring = _ring()
        version = ring.make_next() if isinstance(ring, KeyFiles) else ring.current()
        done, failed = _rewrap_all(ring, version, batch)
        acting.note_rotation(version, done)
        db.session.commit()
    seconds = monotonic() - started
    if as_json:
        click.echo(
            json.dumps({"version": version, "keys": done, "seconds": seconds, "failed": failed})
        )
    else:
        click.echo(f"{done:,} data keys are wrapped with version {version}: {seconds:.1f} s")
    if failed:
        numbers = ", ".join(map(str, failed[:20]))
        raise click.ClickException(
            f"{len(failed)} data keys do not open with their key and were left as they are"
            f" (grievances {numbers}). Keep the old key, and compare with a backup."
        )


def _rewrap_all(ring: KeyRing, version: int, size: int) -> tuple[int, list[int]]:
    done, last = 0, 0
    failed: list[int] = []
    while True:
        batch = acting.rewrap_batch(ring, version=version, after=last, size=size)
        db.session.commit()
        done, last = done + batch.done, batch.last
        failed += batch.failed
        if not batch.read:
            return done, failed
        click.echo(f"\r{done:,}", nl=False, err=True)


@identity.command("erase")
@click.argument("grievance_number")
@click.option(
    "--reason",
    required=True,
    type=click.Choice([ground.value for ground in ErasureGround]),
    help="Why; it stays in the audit trail.",
)
@with_appcontext
def erase(grievance_number: str, reason: str) -> None:
    """Destroy the identity of one grievance and its key."""
    with sentences():
        grievance = db.session.scalar(select(Grievance).where(Grievance.number == grievance_number))
        if grievance is None:
            raise click.ClickException(f"There is no grievance {grievance_number}.")
        erased = acting.erase_identity(grievance, ErasureGround(reason))
        db.session.commit()
    if not erased:
        raise click.ClickException("No identity is sealed for this grievance.")
    click.echo("1 identity erased. Backups of its key are gone when their time is over.")


@identity.command("retention")
@click.option("--dry-run", is_flag=True, help="Say which would be erased and erase none.")
@click.option("--json", "as_json", is_flag=True, help="Print the grievances as JSON.")
@with_appcontext
def retention(dry_run: bool, as_json: bool) -> None:
    """Erase the identities of grievances that ended long enough ago. Run it daily."""
    days = current_app.config["IDENTITY_KEEP_DAYS"]
    numbers = []
    with sentences():
        due = db.session.execute(asking.past_retention(datetime.now(UTC), days)).all()
        for grievance_id, number in due:
            numbers.append(number)
            if not dry_run:
                grievance = db.session.get_one(Grievance, grievance_id)
                acting.erase_identity(grievance, ErasureGround.RETENTION)
                db.session.commit()
    if as_json:
        click.echo(json.dumps({"erased": not dry_run, "grievances": numbers}))
        return
    for number in numbers:
        click.echo(number)
    done = "would be erased" if dry_run else "erased"
    click.echo(f"{len(numbers):,} identities {done}: {days} days after the grievance ended")
