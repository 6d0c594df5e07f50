"""Changing the plan of a grievance, and calling a joint conference whose actions go into it. The
trail has each change from the database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import ConferenceOffice, Grievance, JointConference, Office, Officer, PlanStep
from rules import plan as rules
from rules.grievance import StepState

# --- The plan --------------------------------------------------------------------------------


@dataclass(frozen=True)
class StepFacts:
    """What a step of a plan says."""

    subject: str | None
    officer: Officer | None
    due_on: date | None


def steps_in_order(session: Session, grievance_id: int) -> list[PlanStep]:
    """Return the steps of the plan in their order, locked until the transaction ends."""
    query = (
        select(PlanStep)
        .where(PlanStep.grievance_id == grievance_id)
        .order_by(PlanStep.position.nulls_last(), PlanStep.due_on, PlanStep.id)
        .with_for_update()
    )
    return list(session.scalars(query))


def _check(facts: StepFacts, *, was_due_on: date | None, today: date) -> None:
    rules.check_step(
        facts.subject,
        has_owner=facts.officer is not None,
        left_on=facts.officer.left_on if facts.officer else None,
        due_on=facts.due_on,
        was_due_on=was_due_on,
        today=today,
    )


def add_step(
    session: Session,
    grievance: Grievance,
    facts: StepFacts,
    *,
    today: date,
    conference: JointConference | None = None,
) -> PlanStep:
    """Put a step at the end of the plan and return it. Raises RuleBroken where it says too little
    or the grievance is over."""
    rules.check_open(grievance.state)
    _check(facts, was_due_on=None, today=today)
    order = steps_in_order(session, grievance.id)
    _number(order)
    step = PlanStep(
        grievance_id=grievance.id,
        subject=facts.subject,
        officer_id=facts.officer.id if facts.officer else None,
        due_on=facts.due_on,
        position=len(order) + 1,
        conference_id=conference.id if conference else None,
    )
    session.add(step)
    return step


def change_step(step: PlanStep, facts: StepFacts, *, today: date) -> None:
    """Change what a step says, who does it and by when. Raises RuleBroken."""
    rules.check_open(step.grievance.state)
    _check(facts, was_due_on=step.due_on, today=today)
    step.subject = facts.subject or ""
    step.officer_id = facts.officer.id if facts.officer else None
    step.due_on = facts.due_on or step.due_on


def finish_step(step: PlanStep, *, done_on: date | None, today: date) -> None:
    """Write down that a step was done. Raises RuleBroken."""
    rules.check_finish(step.state, done_on, today=today)
    step.state, step.done_on = StepState.DONE, done_on


def drop_step(step: PlanStep, *, reason: str | None) -> None:
    """Drop a step that is no longer needed; it stays in the plan with the reason."""
    rules.check_drop(step.state, reason)
    step.state, step.dropped_because = StepState.DROPPED, reason


def take_up_step(step: PlanStep) -> None:
    """Put a step that was done or dropped back among those to do."""
    rules.check_open(step.grievance.state)
    rules.check_again(step.state)
    step.state, step.done_on, step.dropped_because = StepState.PLANNED, None, None


def move_step(session: Session, step: PlanStep, *, by: int) -> None:
    """Move a step by so many places; -1 is one earlier."""
    rules.check_open(step.grievance.state)
    order = steps_in_order(session, step.grievance_id)
    known = {one.id: one for one in order}
    _number([known[number] for number in rules.moved(list(known), step.id, by)])


def _number(order: Iterable[PlanStep]) -> None:
    """Number the steps from 1; only those whose place is another one are written."""
    for place, step in enumerate(order, start=1):
        if step.position != place:
            step.position = place


# --- Joint conferences -----------------------------------------------------------------------


@dataclass(frozen=True)
class Seat:
    """Who is invited: an office, and an officer who sits for it, where one is named."""

    office_id: int
    officer_id: int | None = None


def call_conference(
    session: Session,
    grievance: Grievance,
    *,
    subject: str | None,
    chair: Officer | None,
    meets_at: datetime | None,
    place: str | None,
    seats: Iterable[Seat],
    office_id: int,
    now: datetime,
) -> JointConference:
    """Call the offices of `seats` and that of the chair together about a grievance, in the
    name of the office `office_id`. Raises RuleBroken where something is missing."""
    rules.check_open(grievance.state)
    invited = list(dict.fromkeys(seats))
    if chair is not None:
        invited = [one for one in invited if one != Seat(chair.office_id)]
        invited.insert(0, Seat(chair.office_id, chair.id))
    rules.check_call(
        subject,
        offices=len({one.office_id for one in invited}),
        has_chair=chair is not None,
        meets_at=meets_at,
        now=now,
    )
    conference = JointConference(
        grievance_id=grievance.id,
        subject=subject,
        office_id=office_id,
        chair_id=chair.id if chair else None,
        meets_at=meets_at,
        place=place,
    )
    session.add(conference)
    session.flush()
    for seat in dict.fromkeys(invited):
        invite(session, conference, seat)
    return conference


def invite(session: Session, conference: JointConference, seat: Seat) -> ConferenceOffice:
    """Invite an office, and an officer of it, to a conference. The database refuses a second
    invitation of the same."""
    place = ConferenceOffice(
        conference_id=conference.id, office_id=seat.office_id, officer_id=seat.officer_id
    )
    session.add(place)
    return place


def seat_of(office: Office | None, officer: Officer | None) -> Seat | None:
    """Return whom a choice of office and officer invites: of an officer alone, their office too;
    None for neither. Raises RuleBroken for an officer of another office."""
    if officer is not None:
        rules.check_seat(officer.office_id, office.id if office else None)
        return Seat(officer.office_id, officer.id)
    return Seat(office.id) if office else None


def write_minutes(
    conference: JointConference,
    *,
    minutes: str | None,
    conclusion: str | None,
    came: frozenset[int],
    now: datetime,
) -> None:
    """Write down what was said and agreed, and which seats (`came`, their numbers) were taken.
    Raises RuleBroken before it has met."""
    rules.check_minutes(minutes, conclusion, meets_at=conference.meets_at, now=now)
    conference.minutes, conference.conclusion = minutes, conclusion
    for seat in conference.offices:
        seat.was_there = seat.id in came


def add_action(
    session: Session,
    grievance: Grievance,
    conference: JointConference,
    facts: StepFacts,
    *,
    today: date,
) -> PlanStep:
    """Put what a conference agreed on into the plan as a step with an owner and a date. Raises
    RuleBroken where nothing is concluded, or the owner's office was not invited."""
    if facts.officer is not None:
        rules.check_action(
            facts.officer.office_id,
            frozenset(seat.office_id for seat in conference.offices),
            has_concluded=bool(conference.conclusion),
        )
    return add_step(session, grievance, facts, today=today, conference=conference)
