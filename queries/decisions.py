"""What is asked about the decisions of a grievance and the letters that tell of them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from models import Decision, Grievance, Letter
from queries.clocks import calendar_in_force, given_to
from rules import deadlines
from rules.decisions import REVIEW_TIME
from rules.grievance import DecisionState
from rules.offices import ClockStage

MOST = 20
"""Decisions and letters on the page of a grievance."""


@dataclass(frozen=True)
class Decisions:
    """The decisions of one grievance with their points, newest first, and its letters."""

    grievance: Grievance
    all: list[Decision]
    letters: list[Letter]


def decisions_of(grievance_id: int) -> Select[Decision]:
    """Ask for the decisions of a grievance, newest first, with points and who wrote and gave
    them."""
    return (
        select(Decision)
        .where(Decision.grievance_id == grievance_id)
        .options(
            selectinload(Decision.points),
            joinedload(Decision.drafted_by),
            joinedload(Decision.decided_by),
        )
        .order_by(Decision.id.desc())
        .limit(MOST)
    )


def letters_of(grievance_id: int) -> Select[Letter]:
    """Ask for the letters of a grievance, newest first, with their files and who made them."""
    return (
        select(Letter)
        .where(Letter.grievance_id == grievance_id)
        .options(
            joinedload(Letter.document), joinedload(Letter.office), joinedload(Letter.created_by)
        )
        .order_by(Letter.id.desc())
        .limit(MOST)
    )


def for_case(session: Session, grievance: Grievance) -> Decisions:
    """Return what templates/grievances/_decision.html shows; three statements."""
    return Decisions(
        grievance,
        list(session.scalars(decisions_of(grievance.id))),
        list(session.scalars(letters_of(grievance.id))),
    )


def own_draft(grievance_id: int, officer_id: int) -> Select[Decision]:
    """Ask for the decision that this officer is drafting, or has proposed, on a grievance."""
    return (
        select(Decision)
        .where(
            Decision.grievance_id == grievance_id,
            Decision.drafted_by_id == officer_id,
            Decision.state != DecisionState.GIVEN,
        )
        .options(selectinload(Decision.points))
        .order_by(Decision.id.desc())
        .limit(1)
    )


def review_until(session: Session, grievance: Grievance, told_at: datetime) -> datetime:
    """Return until when a review may be asked for where the complainant is told at `told_at`: as
    the district's standards say for this grievance, else 30 days."""
    given = given_to(session, grievance).get(ClockStage.ASK_REVIEW)
    calendar = calendar_in_force(session, given.calendar) if given else None
    if given is None or calendar is None:
        return told_at + REVIEW_TIME
    return deadlines.due(given.rule, calendar, told_at).at
