"""What clocks run by: the standards of a grievance, the district's rule pack, calendars; and the
ledger of a clock as rules/ledger.py takes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from functools import lru_cache

from sqlalchemy import Select, and_, literal, select
from sqlalchemy.orm import Session

from models import (
    CalendarDay,
    Category,
    Clock,
    ClockEntry,
    Extension,
    Grievance,
    RulePack,
    ServiceStandard,
    WorkCalendar,
)
from rules.calendars import Calendar, SpecialDay, calendar_of, hours_of
from rules.deadlines import CutOff, Rule
from rules.grievance import RequestState
from rules.ledger import Allowance, Ledger
from rules.ledger_text import from_json
from rules.offices import DISTRICT, ClockStage, ClockStart, ClockUnit

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_DEPTH = 50
"""How far up the tree of categories a standard is looked for."""


@dataclass(frozen=True)
class Given:
    """What a grievance is given for a stage: the rule, from what it runs, by which calendar."""

    stage: ClockStage
    starts: ClockStart
    rule: Rule
    calendar: str


# --- Rules -----------------------------------------------------------------------------------


def rule_of(standard: ServiceStandard) -> Rule:
    """Return the rule that `standard` writes down. Raises RuleBroken where it makes none."""
    working = standard.unit in (ClockUnit.WORKING_HOURS, ClockUnit.WORKING_DAYS)
    cut_off = None
    if standard.cut_off_at and standard.cut_off_resumes:
        cut_off = CutOff(
            time.fromisoformat(standard.cut_off_at), time.fromisoformat(standard.cut_off_resumes)
        )
    return Rule(
        standard.name,
        standard.rule_version,
        standard.amount,
        standard.unit,
        counts_first_day=standard.counts_first_day,
        rolls_forward=standard.rolls_forward and not working,
        ends=standard.ends,
        moves_start=standard.moves_start,
        cut_off=cut_off,
    )


def pack_in_use(session: Session) -> RulePack | None:
    """Return the district's rule pack; None while none was chosen."""
    return session.scalar(select(RulePack).where(RulePack.is_in_use))


def allowance_of(pack: RulePack | None) -> Allowance | None:
    """Return how far `pack` lets a time be extended; None where it does not."""
    if pack is None or pack.extension_authority is None:
        return None
    return Allowance(
        pack.extension_authority,
        most=pack.extension_most,
        same_again=pack.extension_same_again,
        times=pack.extension_times,
        tells_complainant=pack.extension_tells,
    )


def given_to(session: Session, grievance: Grievance) -> dict[ClockStage, Given]:
    """Return what each stage of `grievance` is given. The standard of its category goes first, or
    of the nearest one above it that has one; then what the district's pack lists for a category
    of that name; then what it gives to all. A stage that nothing is said about has no clock."""
    pack = pack_in_use(session)
    listed: dict[str | None, list[ServiceStandard]] = {}
    if pack:
        query = select(ServiceStandard).where(ServiceStandard.pack == pack.code)
        for one in session.scalars(query):
            listed.setdefault(one.matter, []).append(one)
    found: dict[ClockStage, ServiceStandard] = {}
    for name, standard in (*_line_of(session, grievance.category_id), (None, None)):
        for one in (standard, *listed.get(name, ())):
            if one is not None:
                found.setdefault(one.stage, one)
    calendar = pack.calendar if pack else DISTRICT
    return {
        stage: Given(stage, one.starts, rule_of(one), calendar)
        for stage, one in found.items()
        if stage is not ClockStage.EXTEND
    }


def _line_of(
    session: Session, category_id: int | None
) -> list[tuple[str | None, ServiceStandard | None]]:
    """Return the name and the standard of a category and of those above it, nearest first."""
    if category_id is None:
        return []
    columns = (Category.parent_id, Category.name, Category.service_standard_id)
    line = (
        select(*columns, literal(0).label("depth"))
        .where(Category.id == category_id)
        .cte("line", recursive=True)
    )
    above = select(*columns, line.c.depth + 1).join(
        line, and_(Category.id == line.c.parent_id, line.c.depth < MOST_DEPTH)
    )
    line = line.union_all(above)
    rows = session.execute(
        select(line.c.name, ServiceStandard)
        .outerjoin(ServiceStandard, ServiceStandard.id == line.c.service_standard_id)
        .order_by(line.c.depth)
    )
    return [(name, standard) for name, standard in rows]


# --- Calendars -------------------------------------------------------------------------------


def calendar_in_force(session: Session, name: str) -> Calendar | None:
    """Return the newest version of calendar `name` that is in force; None where none is."""
    version = session.scalar(
        select(WorkCalendar)
        .where(WorkCalendar.name == name, WorkCalendar.in_force_since.is_not(None))
        .order_by(WorkCalendar.calendar_version.desc())
        .limit(1)
    )
    return calendar_from(session, version) if version else None


def calendar_from(session: Session, version: WorkCalendar) -> Calendar:
    """Return the calendar that `version` and its days make. Raises RuleBroken where its hours,
    its zone or its days make none."""
    days = session.scalars(
        select(CalendarDay)
        .where(
            CalendarDay.calendar == version.name,
            CalendarDay.calendar_version == version.calendar_version,
        )
        .order_by(CalendarDay.day)
    )
    special = tuple(
        SpecialDay(one.day, one.kind, one.name, hours_of(one.hours) if one.hours else None)
        for one in days
    )
    week = tuple(getattr(version, day) or "" for day in WEEK)
    return _made(version.name, version.calendar_version, version.zone, week, special)


@lru_cache(maxsize=64)
def _made(
    name: str, version: int, zone: str, week: tuple[str, ...], special: tuple[SpecialDay, ...]
) -> Calendar:
    """The same calendar for the same words, so that what it added up is added up once."""
    return calendar_of(name, version, zone, week, special)


def versions_of(name: str) -> Select[WorkCalendar]:
    """The versions of a calendar, newest first."""
    return (
        select(WorkCalendar)
        .where(WorkCalendar.name == name)
        .order_by(WorkCalendar.calendar_version.desc())
    )


# --- Clocks ----------------------------------------------------------------------------------


def ledger_of(entries: Sequence[ClockEntry]) -> Ledger:
    """Return the ledger that `entries`, in their order, are kept of."""
    return from_json([one.entry for one in entries])


def clocks_of(grievance_id: int) -> Select[Clock]:
    """The clocks of a grievance in the order in which they started."""
    return (
        select(Clock).where(Clock.grievance_id == grievance_id).order_by(Clock.started_at, Clock.id)
    )


def have_clocks(grievance_ids: Sequence[int]) -> Select[int]:
    """Nothing unless one of these grievances has a clock."""
    return select(Clock.id).where(Clock.grievance_id.in_(grievance_ids)).limit(1)


def running_clocks(grievance_ids: Sequence[int], limit: int) -> Select[Clock]:
    """Clocks of these grievances that have not ended."""
    return (
        select(Clock)
        .where(Clock.grievance_id.in_(grievance_ids), Clock.stopped_at.is_(None))
        .order_by(Clock.id)
        .limit(limit)
    )


def open_clocks(calendar: str, after: int, limit: int) -> Select[Clock]:
    """Clocks that have not ended and count by `calendar`, in the order of their ids after one."""
    return (
        select(Clock)
        .where(Clock.stopped_at.is_(None), Clock.calendar == calendar, Clock.id > after)
        .order_by(Clock.id)
        .limit(limit)
    )


def without_clock(after: int, limit: int) -> Select[Grievance]:
    """Open grievances without a clock of the decision, in the order of their ids after one."""
    has_one = (
        select(Clock.id)
        .where(Clock.grievance_id == Grievance.id, Clock.stage == ClockStage.DECIDE)
        .exists()
    )
    return (
        select(Grievance)
        .where(
            Grievance.answered_at.is_(None),
            Grievance.closed_at.is_(None),
            Grievance.withdrawn_at.is_(None),
            Grievance.id > after,
            ~has_one,
        )
        .order_by(Grievance.id)
        .limit(limit)
    )


def extension_asked(grievance_id: int) -> Select[Extension]:
    """The request for more time that nobody has decided yet."""
    return select(Extension).where(
        Extension.grievance_id == grievance_id, Extension.state == RequestState.ASKED
    )
