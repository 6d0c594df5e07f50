"""Saying of two grievances that their matter is the same, or that it is not, and taking that back.
Merging one into the other is a step of its life (actions of casework), not a link alone."""

from datetime import datetime

from models import Grievance, GrievanceLink, Officer, db
from queries import impartiality as asking
from rules import RuleBroken
from rules.grievance import LinkKind
from rules.impartiality import Act, Settings, check_reason


def link(
    grievance: Grievance,
    other: Grievance,
    kind: LinkKind,
    *,
    by: Officer,
    now: datetime,
    settings: Settings,
) -> GrievanceLink:
    """Say that the two are about the same matter, or about different ones. Raises RuleBroken."""
    if kind is LinkKind.DUPLICATE:
        raise RuleBroken("A duplicate is merged: take that step instead.")
    if grievance.id == other.id:
        raise RuleBroken("A grievance cannot be linked with itself. Choose another one.")
    asking.check(Act.RECORD, by, grievance, now=now, settings=settings)
    made = GrievanceLink(
        grievance_id=grievance.id,
        other_grievance_id=other.id,
        kind=kind,
        subject=grievance.title,
    )
    db.session.add(made)
    db.session.flush()
    return made


def undo(
    held: GrievanceLink, reason: str, *, by: Officer, now: datetime, settings: Settings
) -> None:
    """Take a link back; it stays in the record with the reason. Raises RuleBroken."""
    if held.undone_at is not None:
        raise RuleBroken("This link is taken back already.")
    if held.kind is LinkKind.DUPLICATE:
        raise RuleBroken("Take the merge back instead: it is a step of the merged grievance.")
    asking.check(Act.RECORD, by, held.grievance, now=now, settings=settings)
    held.undone_because = check_reason(reason)
    held.undone_at = now
    db.session.flush()
