"""What is asked about the decisions of a grievance and the letters that tell of them."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from models import Decision, Grievance
from queries.clocks import calendar_in_force, given_to
from rules import deadlines
from rules.decisions import REVIEW_TIME
from rules.grievance import DecisionState
from rules.offices import ClockStage

MOST = 20
"""Decisions and letters on the page of a grievance."""


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
