"""Clocks of grievances: starting, stopping, standing still, more time, another rule, a new version
of the calendar. What may be done is decided in rules/ledger.py; here its ledgers are kept.

`_keep` is the only place that writes a clock, its ledger, and the due time of the grievance, which
is a copy of that of its clock of the decision. Who acts is `by`; None is the system itself. A
grievance whose rules say nothing about a stage has no clock for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from models import (
    Clock,
    ClockEntry,
    Extension,
    Grievance,
    Officer,
    Pause,
    WorkCalendar,
    db,
)
from queries import clocks as asking
from rules import RuleBroken, Said, mark
from rules import ledger as ledgers
from rules.calendars import Calendar
from rules.grievance import PauseGround, RequestState
from rules.ledger import Allowance, Ledger, clock_of
from rules.ledger_text import explain as explained
from rules.ledger_text import to_json
from rules.offices import WINDOWS, ClockStage, ClockStart
from rules.permissions import Role

PROGRAM = "Redress"
"""Who stands in a ledger for the system itself."""

COUNTED = (ClockStage.REVIEW, ClockStage.DECIDE)
"""The stages whose clock may stand still or be given more time, in the order in which one is
meant where a grievance has both."""


SAME = timedelta(minutes=2)
"""How far apart two due times are taken for the same."""

MOST_AT_ONCE = 1_000
CATEGORY_CHANGED = mark("The category was changed.")

BEFORE_ROUTING = (ClockStart.RECEIVED, ClockStart.ACKNOWLEDGED)


@dataclass(frozen=True)
class Move:
    """A clock that a version of a calendar moves, from one due time to another. Both are None
    where it stands still: nothing is counted before it goes on."""

    clock: Clock
    was: datetime | None
    due: datetime | None


# --- Starting and stopping -------------------------------------------------------------------


def happened(
    grievance: Grievance,
    start: ClockStart,
    moment: datetime,
    *,
    by: Officer | None,
    now: datetime,
) -> list[Clock]:
    """Start the clocks of `grievance` that run from `start`, which was at `moment`; return them.

    A clock that runs already goes on as it is; a window (rules/offices.py) begins anew. Where the
    decision was given before, a new routing gives the time for it again: the grievance was taken
    up anew. What came with a due time of its source keeps that. Raises RuleBroken where a
    standard or the calendar makes no rule."""
    session = db.session()
    known = _clocks(grievance)
    running = {one.stage: one for one in known if one.stopped_at is None}
    started = []
    for given in asking.given_to(session, grievance).values():
        stage = given.stage
        if not _starts(grievance, given.starts, stage, start, known):
            continue
        if stage in running and stage not in WINDOWS:
            continue
        calendar = asking.calendar_in_force(session, given.calendar)
        if calendar is None:
            continue
        if stage in running:
            _stop(grievance, running[stage], moment, by=by, now=now, reason="")
        ledger = ledgers.start(given.rule, calendar, moment, by=_name(by), now=now)
        clock = Clock(grievance=grievance, stage=stage)
        _keep(clock, (), ledger, by=by)
        started.append(clock)
    return started


def _starts(
    grievance: Grievance,
    starts: ClockStart,
    stage: ClockStage,
    start: ClockStart,
    known: Sequence[Clock],
) -> bool:
    """Return whether `start` starts the clock of `stage`, whose rule says `starts`."""
    ended = [one for one in known if one.stage is stage]
    if stage is ClockStage.DECIDE and not ended and grievance.source and grievance.due_at:
        return False
    if starts is start:
        return True
    again = stage is ClockStage.DECIDE and start is ClockStart.ROUTED and starts in BEFORE_ROUTING
    return again and bool(ended)


def stop(
    grievance: Grievance,
    stages: Iterable[ClockStage],
    moment: datetime,
    *,
    by: Officer | None,
    now: datetime,
    reason: str,
) -> list[Clock]:
    """End the clocks of `stages` that run, by what they waited for, at `moment`; return them. A
    stage without a clock is passed over. Raises RuleBroken where `moment` is before their start or
    in the future."""
    wanted = set(stages)
    ended = [one for one in _clocks(grievance) if one.stopped_at is None and one.stage in wanted]
    for clock in ended:
        _stop(grievance, clock, moment, by=by, now=now, reason=reason)
    return ended


def _stop(
    grievance: Grievance,
    clock: Clock,
    moment: datetime,
    *,
    by: Officer | None,
    now: datetime,
    reason: str,
) -> None:
    ledger = _ledger(clock)
    after = ledgers.stop(ledger, _calendar(clock), moment, by=_name(by), now=now, reason=reason)
    if clock.stands_since is not None:
        _end_pause(clock, after)
    _keep(clock, ledger, after, by=by)


def adopt_open(*, now: datetime, after: int = 0, limit: int = 500) -> tuple[int, int, int]:
    """Start the clock of the decision for open grievances without one, in the order of their ids
    after `after`. A due time that came from a source is
    kept: there is a clock only where the rules come to the same, to within two minutes.

    Returns how many were looked at, for how many one was started, and the last id."""
    session = db.session()
    looked_at = list(session.scalars(asking.without_clock(after, limit)))
    of_category: dict[int | None, asking.Given | None] = {}
    calendars: dict[str, Calendar | None] = {}
    started = 0
    for grievance in looked_at:
        category = grievance.category_id
        if category not in of_category:
            of_category[category] = asking.given_to(session, grievance).get(ClockStage.DECIDE)
        given = of_category[category]
        moment = _happened_at(grievance, given.starts) if given else None
        if given is None or moment is None:
            continue
        if given.calendar not in calendars:
            calendars[given.calendar] = asking.calendar_in_force(session, given.calendar)
        calendar = calendars[given.calendar]
        if calendar is None:
            continue
        ledger = ledgers.start(given.rule, calendar, moment, by=PROGRAM, now=now)
        ours, theirs = clock_of(ledger).due, grievance.due_at
        if ours and theirs and abs(ours - theirs) > SAME:
            continue
        clock = Clock(grievance=grievance, stage=ClockStage.DECIDE)
        _keep(clock, (), ledger, by=None, is_one_of_many=True)
        started += 1
    session.flush()
    return len(looked_at), started, looked_at[-1].id if looked_at else after


def _happened_at(grievance: Grievance, starts: ClockStart) -> datetime | None:
    """Return when what a rule runs from happened to `grievance`, as far as its columns tell."""
    if starts is ClockStart.RECEIVED:
        return grievance.received_at
    return grievance.acknowledged_at if starts is ClockStart.ACKNOWLEDGED else None


# --- Standing still --------------------------------------------------------------------------


def pause(
    grievance: Grievance,
    ground: PauseGround,
    *,
    since: datetime,
    reason: str,
    by: Officer | None,
    now: datetime,
    stage: ClockStage | None = None,
) -> Pause:
    """Let the clock of the decision, or of its review, stand still since then, on a listed
    ground. Raises RuleBroken where it may not: it has ended, stands still, ran out."""
    clock = counted_clock(grievance, stage)
    ledger = _ledger(clock)
    after = ledgers.pause(
        ledger, _calendar(clock), since, ground, reason=reason, by=_name(by), now=now
    )
    _keep(clock, ledger, after, by=by)
    record = Pause(
        grievance=grievance, clock=clock, ground=ground, reason=reason.strip(), started_at=since
    )
    db.session.add(record)
    db.session.flush()
    return record


def resume(
    grievance: Grievance,
    until: datetime,
    *,
    by: Officer | None,
    now: datetime,
    reason: str = "",
    stage: ClockStage | None = None,
) -> Clock:
    """Let the clock go on at `until`, or at the end of the 90 days if that was before. Raises
    RuleBroken where it does not stand still."""
    clock = counted_clock(grievance, stage)
    _resume(clock, until, by=by, now=now, reason=reason)
    return clock


def _resume(
    clock: Clock, until: datetime, *, by: Officer | None, now: datetime, reason: str
) -> None:
    ledger = _ledger(clock)
    after = ledgers.resume(ledger, _calendar(clock), until, by=_name(by), now=now, reason=reason)
    _end_pause(clock, after)
    _keep(clock, ledger, after, by=by)


def _end_pause(clock: Clock, after: Ledger) -> None:
    """Write into the record of the pause when it ended."""
    record = db.session.scalar(
        select(Pause).where(Pause.clock_id == clock.id, Pause.ended_at.is_(None))
    )
    ended = clock_of(after).pauses[-1].until
    if record is None:
        return
    if ended > record.started_at:
        record.ended_at = ended
    else:  # it ended as it began: it was none
        db.session.delete(record)


def counted_clock(grievance: Grievance, stage: ClockStage | None = None) -> Clock:
    """Return the clock that may stand still or be given more time. Raises RuleBroken where there
    is none."""
    running = {one.stage: one for one in _clocks(grievance) if one.stopped_at is None}
    for one in COUNTED if stage is None else (stage,):
        if one in COUNTED and one in running:
            return running[one]
    raise RuleBroken("No clock of a decision runs here.")


def end_long_pauses(*, now: datetime, after: int, size: int) -> tuple[int | None, int]:
    """Let go on what has stood still for 90 days, of up to `size` standing clocks with an id above
    `after`. Return the last id, None where there is no more, and how many clocks went on. Runs as
    the system; commit afterwards."""
    standing = db.session.scalars(
        select(Clock)
        .where(Clock.stopped_at.is_(None), Clock.stands_since < now, Clock.id > after)
        .options(selectinload(Clock.entries), selectinload(Clock.grievance))
        .order_by(Clock.id)
        .limit(size)
    ).all()
    ended = 0
    for clock in standing:
        until = ledgers.goes_on_at(clock_of(_ledger(clock)))
        if until <= now:
            _resume(clock, until, by=None, now=now, reason="")
            ended += 1
    return (standing[-1].id if standing else None), ended


# --- More time -------------------------------------------------------------------------------


def ask_extension(
    grievance: Grievance,
    amount: int,
    *,
    reason: str,
    by: Officer,
    now: datetime,
    stage: ClockStage | None = None,
) -> Extension:
    """Ask for `amount` units more, which somebody else decides. Raises RuleBroken where the pack
    would not allow it to anybody."""
    clock = counted_clock(grievance, stage)
    allowance = _allowance()
    ledger, calendar = _ledger(clock), _calendar(clock)
    role = allowance.authority if allowance else Role.DECIDER
    longer = ledgers.extend(
        ledger,
        calendar,
        amount,
        allowance,
        role=role,
        asked_at=now,
        reason=reason,
        by=_name(by),
        now=now,
    )
    until = ledgers.latest_due(clock_of(longer), calendar)
    asked = Extension(
        grievance=grievance,
        clock=clock,
        amount=amount,
        until_on=calendar.day_of(until),
        reason=reason.strip(),
        asked_by_id=by.id,
        asked_at=now,
    )
    db.session.add(asked)
    db.session.flush()
    return asked


def decide_extension(
    asked: Extension, *, is_granted: bool, reasons: str, by: Officer, now: datetime
) -> Extension:
    """Grant or refuse a request for more time. Raises RuleBroken where the pack lets another role
    decide, the one who asked decides, or it is decided already."""
    if asked.state is not RequestState.ASKED:
        raise RuleBroken("This request has been decided or has ended.")
    if asked.asked_by_id == by.id:
        raise RuleBroken("Who asks for more time does not grant it. Somebody else decides.")
    if not reasons.strip():
        raise RuleBroken("Say why.", field="reasons")
    allowance = _allowance()
    _require_authority(allowance, by)
    if is_granted:
        if asked.clock is None or asked.amount is None:
            raise RuleBroken(
                "This request is older than the clock. Refuse it, and have it asked for anew."
            )
        clock = asked.clock
        after = _extended(
            clock, asked.amount, allowance, asked_at=asked.asked_at, reason=reasons, by=by, now=now
        )
        asked.until_on = _calendar(clock).day_of(
            ledgers.latest_due(clock_of(after), _calendar(clock))
        )
    asked.state = RequestState.GRANTED if is_granted else RequestState.REFUSED
    asked.decided_at, asked.decided_by_id = now, by.id
    asked.decision_reasons = reasons.strip()
    return asked


def extend(
    grievance: Grievance,
    amount: int,
    *,
    reason: str,
    by: Officer,
    now: datetime,
    stage: ClockStage | None = None,
) -> Clock:
    """Give `amount` units more at once, by whoever the pack lets grant it. Raises RuleBroken."""
    clock = counted_clock(grievance, stage)
    allowance = _allowance()
    _require_authority(allowance, by)
    _extended(clock, amount, allowance, asked_at=now, reason=reason, by=by, now=now)
    return clock


def _extended(
    clock: Clock,
    amount: int,
    allowance: Allowance | None,
    *,
    asked_at: datetime,
    reason: str,
    by: Officer,
    now: datetime,
) -> Ledger:
    ledger = _ledger(clock)
    after = ledgers.extend(
        ledger,
        _calendar(clock),
        amount,
        allowance,
        role=allowance.authority if allowance else Role.DECIDER,
        asked_at=asked_at,
        reason=reason,
        by=_name(by),
        now=now,
    )
    _keep(clock, ledger, after, by=by)
    return after


def _require_authority(allowance: Allowance | None, by: Officer) -> None:
    if allowance is None:
        raise RuleBroken("The rule pack allows no extension.")
    if allowance.authority not in by.roles:
        raise RuleBroken("Only this role grants an extension: %(role)s.", role=allowance.authority)


def _allowance() -> Allowance | None:
    return asking.allowance_of(asking.pack_in_use(db.session()))


# --- Another rule, another calendar ----------------------------------------------------------


def change_rule(
    grievance: Grievance, *, reason: str, by: Officer | None, now: datetime
) -> list[Clock]:
    """Count the clocks of `grievance` that run by the rules that its category has now, from the
    same start; return those that were changed. A clock of which the rules now say nothing goes on
    as it is."""
    return change_rules([grievance.id], reason=reason, by=by, now=now)


def change_rules(
    grievance_ids: Sequence[int], *, reason: str, by: Officer | None, now: datetime
) -> list[Clock]:
    """Do so for many grievances. Raises RuleBroken where more than 1,000 clocks run."""
    query = asking.running_clocks(grievance_ids, MOST_AT_ONCE + 1)
    running = list(
        db.session.scalars(query.options(selectinload(Clock.entries), joinedload(Clock.grievance)))
    )
    if len(running) > MOST_AT_ONCE:
        raise RuleBroken(
            "More than %(most)s clocks run here. Change fewer at once.", most=MOST_AT_ONCE
        )
    of_category: dict[int | None, dict[ClockStage, asking.Given]] = {}
    calendars: dict[str, Calendar] = {}
    changed = []
    for clock in running:
        category = clock.grievance.category_id
        if category not in of_category:
            of_category[category] = asking.given_to(db.session(), clock.grievance)
        given, ledger = of_category[category].get(clock.stage), _ledger(clock)
        if given is None or clock_of(ledger).rule == given.rule:
            continue
        if clock.calendar not in calendars:
            calendars[clock.calendar] = _calendar(clock)
        after = ledgers.change_rule(
            ledger, given.rule, calendars[clock.calendar], reason=reason, by=_name(by), now=now
        )
        _keep(clock, ledger, after, by=by)
        changed.append(clock)
    return changed


def moves(calendar: Calendar, clocks: Iterable[Clock], *, now: datetime) -> list[Move]:
    """Return which of `clocks`, which have not ended, `calendar` would move, and how far."""
    found = []
    for clock in clocks:
        ledger = _ledger(clock)
        after = ledgers.recalculate(ledger, calendar, by=PROGRAM, now=now)
        if after is not ledger:
            found.append(Move(clock, clock.due_at, after[-1].due))
    return found


def recalculate_open(
    version: WorkCalendar,
    *,
    by: Officer | None,
    now: datetime,
    after: int = 0,
    limit: int = 500,
) -> tuple[int, int, int]:
    """Count up to `limit` open clocks of the calendar anew by `version`, in the order of their
    ids after `after`. Returns how many were looked at, how many moved, and the last id: call it
    again with that until none is looked at."""
    calendar = asking.calendar_from(db.session(), version)
    query = asking.open_clocks(version.name, after, limit).options(
        selectinload(Clock.entries), selectinload(Clock.grievance)
    )
    looked_at = list(db.session.scalars(query))
    moved = 0
    for clock in looked_at:
        ledger = _ledger(clock)
        counted = ledgers.recalculate(
            ledger, calendar, by=_name(by), now=now, reason=version.reason
        )
        if counted is not ledger:
            _keep(clock, ledger, counted, by=by, is_one_of_many=True)
            moved += 1
    db.session.flush()
    return len(looked_at), moved, looked_at[-1].id if looked_at else after


# --- Words -----------------------------------------------------------------------------------


def explain(clock: Clock) -> Said:
    """Return one sentence that says when the time of `clock` ends and why then."""
    return explained(_ledger(clock))


# --- Keeping ---------------------------------------------------------------------------------


def _keep(
    clock: Clock, before: Ledger, after: Ledger, *, by: Officer | None, is_one_of_many: bool = False
) -> None:
    """Write what `after` has more than `before`, and its sum; of many, the caller flushes."""
    stands = clock_of(after)
    clock.started_at, clock.stopped_at = stands.start, stands.stopped_at
    clock.due_at, clock.stands_since = stands.due, stands.stands_since
    clock.is_late = stands.is_late
    clock.rule, clock.rule_version = stands.rule.name, stands.rule.version
    clock.calendar, clock.calendar_version = stands.calendar, stands.calendar_version
    written = to_json(after[len(before) :])
    for position, (entry, words) in enumerate(
        zip(after[len(before) :], written, strict=True), len(before) + 1
    ):
        clock.entries.append(
            ClockEntry(
                position=position,
                kind=entry.kind,
                was=entry.was,
                due=entry.due,
                entry=words,
                reason=entry.reason or None,
                by_id=by.id if by else None,
                at=entry.at,
            )
        )
    db.session.add(clock)
    if clock.stage is ClockStage.DECIDE:
        clock.grievance.due_at = clock.due_at
    if not is_one_of_many:
        db.session.flush()


def _clocks(grievance: Grievance) -> list[Clock]:
    query = asking.clocks_of(grievance.id).options(selectinload(Clock.entries))
    return list(db.session.scalars(query))


def _ledger(clock: Clock) -> Ledger:
    return asking.ledger_of(clock.entries)


def _calendar(clock: Clock) -> Calendar:
    """Return the newest version in force of the calendar of `clock`."""
    calendar = asking.calendar_in_force(db.session(), clock.calendar)
    if calendar is None:
        raise RuleBroken("No version of calendar %(name)s is in force.", name=clock.calendar)
    return calendar


def _name(by: Officer | None) -> str:
    return by.name if by else PROGRAM
