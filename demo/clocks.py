"""The rules and the calendar of the demo's district, and the clocks of its grievances.

Boston's own times for answers are recovered (demo/README.md); the other stages are invented.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from actions import clocks
from demo.catalogue import RECOVERED
from demo.records import BOSTON, Known
from models import Grievance, Officer, RulePack, ServiceStandard, WorkCalendar
from queries.clocks import WEEK
from rules.grievance import RequestState
from rules.offices import DISTRICT, ClockStage, ClockStart, ClockUnit
from rules.packs import shipped
from rules.permissions import Role

CALENDAR, OWN_PACK = "boston", "demo"
INVENTED = (
    (ClockStage.ACKNOWLEDGE, ClockStart.RECEIVED, 5, ClockUnit.WORKING_DAYS),
    (ClockStage.OBJECT, ClockStart.ROUTED, 5, ClockUnit.WORKING_DAYS),
    (ClockStage.ASK_REVIEW, ClockStart.TOLD, 30, ClockUnit.CALENDAR_DAYS),
    (ClockStage.REVIEW, ClockStart.REVIEW_ASKED, 30, ClockUnit.CALENDAR_DAYS),
)
EXTENSION = 30
AT_ONCE = 500
IN_FORCE = datetime(2011, 1, 1, tzinfo=BOSTON)
SET_DOWN = datetime(2012, 1, 2, 9, tzinfo=BOSTON)


def add_rules(known: Known) -> None:
    """Add the district's pack with its stages, and the calendars in force: Boston's counts no
    public holidays, that of the district does."""
    known.add(
        RulePack(
            name="Boston 311, 2011, with invented stages",
            code=OWN_PACK,
            source=RECOVERED,
            calendar=CALENDAR,
            is_in_use=True,
            extension_authority=Role.DECIDER,
            extension_most=EXTENSION,
        )
    )
    for stage, starts, amount, unit in INVENTED:
        known.add(
            ServiceStandard(
                name=f"{stage.value.replace('_', ' ')} (invented)".capitalize(),
                pack=OWN_PACK,
                stage=stage,
                starts=starts,
                amount=amount,
                unit=unit,
                rolls_forward=unit is ClockUnit.CALENDAR_DAYS,
            )
        )
    pack = shipped("boston")
    hours = {day: text or None for day, text in zip(WEEK, pack.week, strict=True)}
    for name in (CALENDAR, DISTRICT):
        known.session.flush()  # days of the district are there before it is in force
        known.add(
            WorkCalendar(
                name=name,
                calendar_version=1,
                zone=pack.zone,
                reason="The week of the city's offices in 2011",
                in_force_since=IN_FORCE,
                **hours,
            )
        )
    known.session.flush()


def add_clocks(known: Known) -> None:
    """Give the invented grievances the clocks that they had, and the open ones of the sample a
    clock where the city's due time comes out by its rule."""
    query = (
        select(Grievance)
        .where(Grievance.source.is_(None), Grievance.due_at.is_not(None))
        .options(selectinload(Grievance.extensions))
    )
    for grievance in known.session.scalars(query).all():
        _add_clock(known, grievance)
    after, looked_at = 0, 1
    while looked_at:
        looked_at, _started, after = clocks.adopt_open(now=SET_DOWN, after=after, limit=AT_ONCE)


def _add_clock(known: Known, grievance: Grievance) -> None:
    received = grievance.received_at
    clocks.happened(grievance, ClockStart.RECEIVED, received, by=None, now=received)
    for asked in grievance.extensions:
        asked.amount, asked.clock = EXTENSION, clocks.counted_clock(grievance)
        if asked.state == RequestState.GRANTED:
            by = known.session.get_one(Officer, asked.decided_by_id)
            known.session.refresh(by, ["roles"])
            clocks.extend(
                grievance,
                EXTENSION,
                reason=asked.decision_reasons or "",
                by=by,
                now=asked.decided_at or SET_DOWN,
            )
    ends = (
        (ClockStage.ACKNOWLEDGE, grievance.acknowledged_at),
        (
            ClockStage.DECIDE,
            grievance.answered_at or grievance.closed_at or grievance.withdrawn_at,
        ),
    )
    for stage, moment in ends:
        if moment is not None:
            clocks.stop(grievance, [stage], moment, by=None, now=moment, reason="")
