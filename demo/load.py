"""Loads the demo into an empty database: the same data every time."""

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions import accounts, roles
from demo import (
    aside,
    catalogue,
    clocks,
    identities,
    letters,
    notices,
    reprimands,
    rhythm,
    sample,
    supervision,
    visits,
    waiting,
)
from demo.records import Known
from models import RECORD_TYPES, Officer
from papers.store import Store
from rules import RuleBroken
from rules.accounts import check_roles
from rules.passwords import check_password, normalised
from rules.permissions import Role
from sealing import KeyRing

ONE_AT_A_TIME = 7_305_128
"""Key of the advisory lock that a load of the demo holds until it is committed."""
PASSWORD_FILE = "demo-password"  # noqa: S105  the name of a file

Say = Callable[[str], None]


def password_for_demo(instance: Path, chosen: str) -> str:
    """Return the password of the demo officers: `chosen`, or the one in the instance folder, which
    is made at random (mode 600) where there is none."""
    if chosen:
        return chosen
    path = instance / PASSWORD_FILE
    with suppress(FileExistsError):
        instance.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(accounts.random_password() + "\n")
    return path.read_text().strip()


def has_officers(session: Session) -> bool:
    """Return whether somebody can use this database already; others who load it wait."""
    session.execute(select(func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
    return session.scalar(select(Officer.id).limit(1)) is not None


def refuse_unless_empty(session: Session) -> None:
    """Raise RuleBroken where the database is in use already."""
    if has_officers(session):
        raise RuleBroken(
            "This database has officers already; the demo is for an empty one. Nothing was changed."
        )


def load(
    session: Session, *, password: str, ring: KeyRing, store: Store, now: datetime, say: Say
) -> dict[str, int]:
    """Load the demo and return how many records of each kind there are. Commit afterwards.

    `ring` has the keys that seal who complained, `store` takes the files of letters. Raises
    RuleBroken where `password` may not be one, or where the database is in use already.
    """
    refuse_unless_empty(session)
    known = Known(session)
    say("Offices, officers and categories...")
    _add_offices(known, password, now)
    say("Grievances of the City of Boston...")
    count = sample.import_sample(known, now)
    say(f"  {count:,} came in")
    sample.add_casework(known)
    say("Grievances about offices that do not exist, receptions, supervision, reprimands...")
    for file_name in ("grievances.toml", "rhythm.toml", "supervision.toml"):
        known.read(file_name)
        session.flush()
    supervision.plan_ahead(known)
    supervision.propose(known)
    say("Rules, calendars and clocks...")
    clocks.add_rules(known)
    clocks.add_clocks(known)
    waiting.add_waiting(known, now)
    visits.add_what_was_seen(known, store)
    identities.seal(known, ring)
    letters.add_letters(known, store)
    notices.add_papers(known, store)
    known.read("told.toml")
    session.flush()
    aside.stand_aside(known)
    aside.ask_leave(known)
    known.read("reprimands.toml")
    reprimands.freeze_evidence(known)
    reprimands.add_circulations(known)
    session.flush()
    say("Daily returns, duty roster, targets...")
    rhythm.add_returns(known)
    rhythm.add_roster(known)
    rhythm.add_targets(known)
    session.flush()
    return _counts(session)


def _add_offices(known: Known, password: str, now: datetime) -> None:
    catalogue.add_areas(known)
    log_in = {
        "password_hash": accounts.HASHER.hash(normalised(password)),
        "password_changed_at": now,
    }
    known.read("offices.toml", officer=log_in)
    held: dict[Officer, list[str]] = {}
    for officer in known.all(Officer):
        check_password(password, username=officer.username, name=officer.name)
        held[officer] = officer.roles
        del officer.roles  # the application may not write them: they are given
    known.session.flush()
    for officer, names in held.items():
        roles.give_roles(officer, check_roles(names))
    _change_roles(known)
    catalogue.add_categories(known)
    known.session.flush()


def _change_roles(known: Known) -> None:
    """One request that the demo's administrator may approve, and a role that was taken away."""
    deputy = known.get(Officer, "daisy.gorse")
    roles.give_roles(deputy, [Role.INTAKE, Role.HANDLER])
    roles.take_roles(deputy.id, [Role.HANDLER], reason="Went over to the intake desk.")
    roles.ask_roles(
        known.get(Officer, "sorbus.mullein").id,
        [Role.LEAD_OFFICIAL],
        reason="Stands in for the deputy, who is on leave, and receives the public.",
    )


def _counts(session: Session) -> dict[str, int]:
    shown = [model for model in RECORD_TYPES if model.screen]
    counts = {
        model.__tablename__: session.scalar(select(func.count()).select_from(model)) or 0
        for model in shown
    }
    return {name: count for name, count in counts.items() if count}
