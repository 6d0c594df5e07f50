"""What an officer still holds, so that somebody takes it over when they leave."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from models import (
    Decision,
    DutyShift,
    Extension,
    Grievance,
    GroupMembership,
    Inspection,
    JointConference,
    PlanStep,
    ReceptionDay,
    Record,
    Reprimand,
    RoutingObjection,
)
from queries.dependents import COUNTED
from rules import mark
from rules.casework import OVER
from rules.grievance import DecisionState, RequestState, StepState
from rules.reprimand import ReprimandState
from rules.visits import NOT_OVER

AT_ONCE = 1000
"""So many records of a kind are handed over in one step; for more it is taken again."""
BEING_DRAWN_UP = (
    ReprimandState.DRAFT,
    ReprimandState.CHECKED,
    ReprimandState.SERVED,
    ReprimandState.REPLIED,
)


@dataclass(frozen=True)
class Held:
    """Records that an officer still holds: what they are to the officer, how many there are
    (counted to 100; 101 means more), and the filters of the list that shows them."""

    model: type[Record]
    words: str
    number: int
    filters: list[tuple[str, str]]


HANDLED, LED = mark("Grievances they handle"), mark("Grievances they lead")
STEPS, CHAIRED = mark("Steps of plans that wait for them"), mark("Conferences they are to chair")


@dataclass(frozen=True)
class HandedOver:
    """A kind of work that one officer can take over from another in one step, and the column that
    names who does it."""

    model: type[Record]
    key: str
    words: str


HANDED_OVER: dict[str, HandedOver] = {
    "handled": HandedOver(Grievance, "handler_id", HANDLED),
    "led": HandedOver(Grievance, "lead_official_id", LED),
    "steps": HandedOver(PlanStep, "officer_id", STEPS),
    "conferences": HandedOver(JointConference, "chair_id", CHAIRED),
}
"""Who drafted something stays who did, and the rest is for other people to appoint."""


def _duties(officer: Any, today: date, now: datetime) -> list[tuple[Any, str, list[Any], Any]]:
    """Return (record type, words, conditions, filters of its list without their numbers)."""

    def mine(key: str) -> tuple[str, str]:
        return f"{key}_equals", str(officer)

    day = (today - timedelta(days=1)).isoformat()
    return [
        (
            Grievance,
            HANDLED,
            [Grievance.handler_id == officer, Grievance.state.not_in(OVER)],
            [mine("handler"), ("state_not_equals", ",".join(OVER))],
        ),
        (
            Grievance,
            LED,
            [Grievance.lead_official_id == officer, Grievance.state.not_in(OVER)],
            [mine("lead_official"), ("state_not_equals", ",".join(OVER))],
        ),
        (
            PlanStep,
            STEPS,
            [PlanStep.officer_id == officer, PlanStep.state == StepState.PLANNED],
            [mine("officer"), ("state_equals", StepState.PLANNED)],
        ),
        (
            Decision,
            mark("Decisions they have drafted that are not given"),
            [Decision.drafted_by_id == officer, Decision.state != DecisionState.GIVEN],
            [mine("drafted_by"), ("state_not_equals", DecisionState.GIVEN)],
        ),
        (
            Extension,
            mark("More time they have asked for"),
            [Extension.asked_by_id == officer, Extension.state == RequestState.ASKED],
            [mine("asked_by"), ("state_equals", RequestState.ASKED)],
        ),
        (
            RoutingObjection,
            mark("Objections they have made that are open"),
            [RoutingObjection.asked_by_id == officer, RoutingObjection.state == RequestState.ASKED],
            [mine("asked_by"), ("state_equals", RequestState.ASKED)],
        ),
        (
            GroupMembership,
            mark("Supervision groups they belong to"),
            [GroupMembership.officer_id == officer, _not_over(GroupMembership.ends_on, today)],
            [mine("officer")],
        ),
        (
            Inspection,
            mark("Inspections they are in charge of"),
            [
                Inspection.inspector_id == officer,
                Inspection.state.in_(NOT_OVER),
            ],
            [mine("inspector"), ("state_equals", ",".join(NOT_OVER))],
        ),
        (
            Reprimand,
            mark("Reprimands they have drafted that are not decided"),
            [Reprimand.drafted_by_id == officer, Reprimand.state.in_(BEING_DRAWN_UP)],
            [mine("drafted_by"), ("state_equals", ",".join(BEING_DRAWN_UP))],
        ),
        (
            DutyShift,
            mark("Shifts they are on duty"),
            [DutyShift.officer_id == officer, DutyShift.ends_at > now],
            [mine("officer"), ("ends_at_after", day)],
        ),
        (
            ReceptionDay,
            mark("Days on which they receive the public"),
            [ReceptionDay.leader_id == officer, ReceptionDay.ends_at > now],
            [mine("leader"), ("ends_at_after", day)],
        ),
        (
            JointConference,
            CHAIRED,
            [JointConference.chair_id == officer, JointConference.meets_at > now],
            [mine("chair"), ("meets_at_after", day)],
        ),
    ]


def holds_something(officer: Any, today: date, now: datetime) -> ColumnElement[bool]:
    """Return the condition that the officer of this number, a column, still holds something."""
    duties = _duties(officer, today, now)
    return or_(
        *(
            select(literal_column("1")).select_from(model).where(*conditions).exists()
            for model, _words, conditions, _filters in duties
        )
    )


def _not_over(column: Any, today: date) -> ColumnElement[bool]:
    return or_(column.is_(None), column > today)


def still_held(session: Session, officer_id: int, *, today: date, now: datetime) -> list[Held]:
    """Return what the officer still holds, one statement; nothing that is none."""
    duties = _duties(officer_id, today, now)
    parts = []
    for place, (model, _words, conditions, _filters) in enumerate(duties):
        some = (
            select(literal_column("1"))
            .select_from(model.__table__)
            .where(*conditions)
            .limit(COUNTED + 1)
            .subquery()
        )
        counted = select(literal(place).label("place"), func.count().label("number"))
        parts.append(counted.select_from(some))
    numbers = {row.place: row.number for row in session.execute(union_all(*parts))}
    return [
        Held(model, words, numbers[place], filters)
        for place, (model, words, _conditions, filters) in enumerate(duties)
        if numbers[place]
    ]


def to_hand_over(what: str, officer_id: int, *, today: date, now: datetime) -> Select[Any]:
    """Ask for the records of one kind of HANDED_OVER that the officer holds, the oldest first,
    AT_ONCE of them and one more."""
    kind = HANDED_OVER[what]
    (conditions,) = (
        conditions
        for _model, words, conditions, _filters in _duties(officer_id, today, now)
        if words == kind.words
    )
    return select(kind.model).where(*conditions).order_by(kind.model.id).limit(AT_ONCE + 1)
