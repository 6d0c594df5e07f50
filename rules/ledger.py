"""The ledger of a clock: why its due time is what it is.

A ledger is only added to. Each entry says what happened, what the due time was and is, by which
version of the rule and of the calendar, why, by whom and when it was set down. Folding the entries
gives the clock as it stands; replaying them with the calendars of then gives each due time again.

What changes a clock is here too, because each change is an entry:

- The clock starts, and is stopped by what it waited for. What has ended is never counted anew.
- It stands still on listed grounds, for 90 days in all; never where time has run out already,
  because an office's own delay is no ground.
- It is extended with a reason, by whom the rule pack says, as far as the pack allows, and only if
  that was asked before time ran out.
- A new version of the calendar moves it while it is open, and only then.
- Another category brings another rule but not another start; an extension lapses if the new rule
  counts in another unit, and pauses are measured anew in that unit.
"""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from rules import RuleBroken
from rules.calendars import Calendar
from rules.deadlines import MOST, PAUSE_CAP, Due, Pause, Rule, due, pause_left
from rules.grievance import PauseGround
from rules.permissions import Role


class EntryKind(enum.StrEnum):
    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    EXTENDED = "extended"
    RECALCULATED = "recalculated"
    RULE_CHANGED = "rule_changed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Entry:
    """`was` and `due` are the due times before and after; None before the start and while the
    clock stands still. `moment` is what the entry is about: when the clock started or stopped, or
    when it began to stand still or went on. `by` names the officer, or the program."""

    kind: EntryKind
    was: datetime | None
    due: datetime | None
    rule: Rule
    calendar: str
    calendar_version: int
    reason: str
    by: str
    at: datetime
    moment: datetime | None = None
    ground: PauseGround | None = None
    amount: int | None = None
    counted_from: datetime | None = None
    rolled_from: date | None = None


Ledger = tuple[Entry, ...]
Calendars = Mapping[tuple[str, int], Calendar]
"""Every version of every calendar, by its name and version."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock as it stands: what a ledger comes to."""

    rule: Rule
    calendar: str
    calendar_version: int
    start: datetime
    due: datetime | None
    pauses: tuple[Pause, ...] = ()
    stands_since: datetime | None = None
    extensions: tuple[int, ...] = ()
    stopped_at: datetime | None = None

    @property
    def is_late(self) -> bool:
        """Whether it was stopped after its due time."""
        return bool(self.stopped_at and self.due and self.stopped_at > self.due)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How far a time may be extended: by at most so many units (None: no limit), or by as much as
    was given first; how often; whom it takes to grant it."""

    authority: Role
    most: int | None = None
    same_again: bool = False
    times: int = 1
    tells_complainant: bool = True


class LedgerBroken(ValueError):
    """A ledger does not come to what it says."""


# --- Folding ---------------------------------------------------------------------------------


def clock_of(ledger: Ledger) -> Clock:
    """Return the clock that `ledger` comes to. Raises LedgerBroken where an entry does not follow
    from those before it."""
    clocks = list(_clocks(ledger))
    if not clocks:
        raise LedgerBroken("the ledger is empty")
    return clocks[-1]


def replay(ledger: Ledger, calendars: Calendars) -> datetime | None:
    """Return the due time that the facts of `ledger` come to, counted anew with the calendars of
    then; None while the clock stands still. Raises LedgerBroken where any entry says another."""
    for number, clock in enumerate(_clocks(ledger)):
        counted = _due(clock, calendars[clock.calendar, clock.calendar_version])
        if (counted.at if counted else None) != clock.due:
            raise LedgerBroken(f"entry {number} does not come to its due time")
    return clock_of(ledger).due


def _clocks(ledger: Ledger) -> Iterator[Clock]:
    """Yield the clock as each entry left it."""
    clock: Clock | None = None
    for number, entry in enumerate(ledger):
        if entry.was != (clock.due if clock else None):
            raise LedgerBroken(f"entry {number} begins at another due time than the last one left")
        clock = _after(clock, entry, number)
        yield clock


def _after(clock: Clock | None, entry: Entry, number: int) -> Clock:
    """Return what `entry` makes of `clock`."""
    if clock is None or entry.kind is EntryKind.STARTED:
        if clock or entry.kind is not EntryKind.STARTED or entry.moment is None:
            raise LedgerBroken("a ledger has one start, and begins with it")
        return Clock(
            entry.rule, entry.calendar, entry.calendar_version, entry.moment, due=entry.due
        )
    if clock.stopped_at:
        raise LedgerBroken(f"entry {number} changes a clock that had ended")
    changes: dict[str, Any] = {}
    match entry.kind:
        case EntryKind.PAUSED if entry.moment and not clock.stands_since:
            changes = {"stands_since": entry.moment}
        case EntryKind.RESUMED if entry.moment and clock.stands_since:
            pause = Pause(clock.stands_since, entry.moment)
            changes = {"stands_since": None, "pauses": (*clock.pauses, pause)}
        case EntryKind.EXTENDED if entry.amount:
            changes = {"extensions": (*clock.extensions, entry.amount)}
        case EntryKind.RULE_CHANGED:
            kept = clock.extensions if entry.rule.unit is clock.rule.unit else ()
            changes = {"rule": entry.rule, "extensions": kept}
        case EntryKind.STOPPED if entry.moment:
            changes = {"stopped_at": entry.moment}
        case EntryKind.RECALCULATED:
            pass
        case _:
            raise LedgerBroken(f"entry {number} does not fit the clock as it stood")
    return replace(
        clock,
        due=entry.due,
        calendar=entry.calendar,
        calendar_version=entry.calendar_version,
        **changes,
    )


def _due(clock: Clock, calendar: Calendar) -> Due | None:
    if clock.stands_since:
        return None
    return due(clock.rule, calendar, clock.start, clock.pauses, sum(clock.extensions))


def latest_due(clock: Clock, calendar: Calendar) -> datetime:
    """Return when the time of `clock` ends; if it stands still, when it ends at the latest, should
    the pause last as long as a pause may."""
    if clock.due:
        return clock.due
    pauses = clock.pauses
    if clock.stands_since:
        pauses = (*pauses, Pause(clock.stands_since, goes_on_at(clock)))
    return due(clock.rule, calendar, clock.start, pauses, sum(clock.extensions)).at


def goes_on_at(clock: Clock) -> datetime:
    """Return when a clock that stands still goes on by itself, because no more pause is left."""
    if clock.stands_since is None:
        raise ValueError("the clock runs")
    return clock.stands_since + pause_left(clock.pauses)


# --- Changes ---------------------------------------------------------------------------------


def start(
    rule: Rule, calendar: Calendar, moment: datetime, *, by: str, now: datetime, reason: str = ""
) -> Ledger:
    """Return the ledger of a clock that started at `moment`."""
    moment = moment.astimezone(UTC)
    clock = Clock(rule, calendar.name, calendar.version, moment, due=None)
    return _entered(
        (), clock, calendar, EntryKind.STARTED, moment=moment, by=by, now=now, reason=reason
    )


def pause(
    ledger: Ledger,
    calendar: Calendar,
    since: datetime,
    ground: PauseGround,
    *,
    reason: str,
    by: str,
    now: datetime,
) -> Ledger:
    """Return `ledger` with the clock standing still since then. Raises RuleBroken where it may
    not: it has ended, stands still already, ran out, or stood still for 90 days."""
    ledger, clock = _open(ledger, calendar, by=by, now=now)
    if clock.stands_since:
        raise RuleBroken("The clock stands still already. End that pause first.")
    _check_reason(reason)
    if since > now:
        raise RuleBroken("A pause cannot begin in the future.", field="started_at")
    if since < clock.start:
        raise RuleBroken("A pause cannot begin before the clock started.", field="started_at")
    if clock.due and now > clock.due:
        raise RuleBroken(
            "The time ran out on %(due)s. An office's own delay is no ground for a pause.",
            due=clock.due,
        )
    if not pause_left(clock.pauses):
        raise RuleBroken(
            "The clock has stood still for %(days)s days, and may not for longer.",
            days=PAUSE_CAP.days,
        )
    since = since.astimezone(UTC)
    return _entered(
        ledger,
        replace(clock, stands_since=since),
        calendar,
        EntryKind.PAUSED,
        moment=since,
        ground=ground,
        by=by,
        now=now,
        reason=reason,
    )


def resume(
    ledger: Ledger, calendar: Calendar, until: datetime, *, by: str, now: datetime, reason: str = ""
) -> Ledger:
    """Return `ledger` with the clock going on at `until`, or before that at the end of the 90 days
    that a clock may stand still. Raises RuleBroken where it does not stand still."""
    ledger, clock = _open(ledger, calendar, by=by, now=now)
    if clock.stands_since is None:
        raise RuleBroken("The clock is not standing still.")
    if until <= clock.stands_since:
        raise RuleBroken("A pause must end after it began.", field="ended_at")
    if until > now:
        raise RuleBroken("A pause cannot end in the future.", field="ended_at")
    ended = Pause(clock.stands_since, min(until.astimezone(UTC), goes_on_at(clock)))
    return _going_on(ledger, clock, calendar, ended, by=by, now=now, reason=reason)


def _going_on(
    ledger: Ledger,
    clock: Clock,
    calendar: Calendar,
    ended: Pause,
    *,
    by: str,
    now: datetime,
    reason: str,
) -> Ledger:
    """Return `ledger` with the pause that ran until now as one that has ended."""
    pauses = (*clock.pauses, ended)
    return _entered(
        ledger,
        replace(clock, stands_since=None, pauses=pauses),
        calendar,
        EntryKind.RESUMED,
        moment=ended.until,
        by=by,
        now=now,
        reason=reason,
    )


def extend(
    ledger: Ledger,
    calendar: Calendar,
    amount: int,
    allowance: Allowance | None,
    *,
    role: Role,
    asked_at: datetime,
    reason: str,
    by: str,
    now: datetime,
) -> Ledger:
    """Return `ledger` with `amount` units more, in the clock's own unit. Raises RuleBroken where
    the rule pack does not allow it."""
    ledger, clock = _open(ledger, calendar, by=by, now=now)
    _check_reason(reason)
    if allowance is None:
        raise RuleBroken("The rule pack allows no extension.")
    if role is not allowance.authority:
        raise RuleBroken("Only this role grants an extension: %(role)s.", role=allowance.authority)
    if asked_at > latest_due(clock, calendar):
        raise RuleBroken(
            "The time had run out when the extension was asked for. What is late is not extended."
        )
    if len(clock.extensions) >= allowance.times:
        raise RuleBroken("It cannot be extended again: %(times)s in all.", times=allowance.times)
    most = clock.rule.amount if allowance.same_again else allowance.most or MOST
    if not 1 <= amount <= most:
        raise RuleBroken(
            "Extend by 1 to %(most)s of the units in which the clock counts.",
            field="amount",
            most=most,
        )
    return _entered(
        ledger,
        replace(clock, extensions=(*clock.extensions, amount)),
        calendar,
        EntryKind.EXTENDED,
        amount=amount,
        by=by,
        now=now,
        reason=reason,
    )


def recalculate(
    ledger: Ledger, calendar: Calendar, *, by: str, now: datetime, reason: str = ""
) -> Ledger:
    """Return `ledger` as another version of its calendar has it: with the old and the new due time
    where that moves, unchanged where it does not or the clock has ended."""
    clock = clock_of(ledger)
    counted = _due(clock, calendar)
    if clock.stopped_at or (counted.at if counted else None) == clock.due:
        return ledger
    return _entered(ledger, clock, calendar, EntryKind.RECALCULATED, by=by, now=now, reason=reason)


def change_rule(
    ledger: Ledger, rule: Rule, calendar: Calendar, *, reason: str, by: str, now: datetime
) -> Ledger:
    """Return `ledger` by another rule, from the same start: the category was changed."""
    ledger, clock = _open(ledger, calendar, by=by, now=now)
    _check_reason(reason)
    kept = clock.extensions if rule.unit is clock.rule.unit else ()
    return _entered(
        ledger,
        replace(clock, rule=rule, extensions=kept),
        calendar,
        EntryKind.RULE_CHANGED,
        by=by,
        now=now,
        reason=reason,
    )


def stop(
    ledger: Ledger, calendar: Calendar, moment: datetime, *, by: str, now: datetime, reason: str
) -> Ledger:
    """Return `ledger` with the clock ended by what it waited for, at `moment`. A pause that still
    ran ends with it."""
    ledger, clock = _open(ledger, calendar, by=by, now=now)
    moment = moment.astimezone(UTC)
    if moment < clock.start or moment > now:
        raise RuleBroken("A clock ends after it started, and not in the future.")
    if clock.stands_since:
        ended = Pause(clock.stands_since, min(max(moment, clock.stands_since), goes_on_at(clock)))
        ledger = _going_on(ledger, clock, calendar, ended, by=by, now=now, reason="")
        clock = clock_of(ledger)
    return _entered(
        ledger,
        replace(clock, stopped_at=moment),
        calendar,
        EntryKind.STOPPED,
        moment=moment,
        by=by,
        now=now,
        reason=reason,
    )


def _open(ledger: Ledger, calendar: Calendar, *, by: str, now: datetime) -> tuple[Ledger, Clock]:
    """Return `ledger` by this version of the calendar, and its clock. Raises RuleBroken where the
    clock has ended."""
    if clock_of(ledger).stopped_at:
        raise RuleBroken("This clock has ended. What has ended is not counted anew.")
    ledger = recalculate(ledger, calendar, by=by, now=now)
    return ledger, clock_of(ledger)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise RuleBroken("Say why.", field="reason")


def _entered(
    ledger: Ledger,
    clock: Clock,
    calendar: Calendar,
    kind: EntryKind,
    *,
    by: str,
    now: datetime,
    reason: str,
    moment: datetime | None = None,
    ground: PauseGround | None = None,
    amount: int | None = None,
) -> Ledger:
    """Return `ledger` with an entry that makes the clock `clock`."""
    counted = _due(clock, calendar)
    return (
        *ledger,
        Entry(
            kind,
            was=ledger[-1].due if ledger else None,
            due=counted.at if counted else None,
            rule=clock.rule,
            calendar=calendar.name,
            calendar_version=calendar.version,
            reason=reason.strip(),
            by=by,
            at=now.astimezone(UTC),
            moment=moment,
            ground=ground,
            amount=amount,
            counted_from=counted.counted_from if counted else None,
            rolled_from=counted.rolled_from if counted else None,
        ),
    )
