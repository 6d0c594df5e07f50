"""When a time that was given ends: counting in working hours, working days, calendar days and
months, from a start, with pauses and extensions (domain.md section 5).

Each rule is counted on a dial: a number that grows as time passes, in the rule's own unit, and
that can be turned back into an instant. The due time is where the dial has gone on by what was
given, by what was added, and by what it went on while the clock stood still. So a pause lengthens
a clock by exactly its own length in the clock's own unit: a weekend in a pause adds nothing to a
clock of working days.

- Working hours are measured to the microsecond.
- Days that end at midnight or at closing are counted whole, in days of the calendar. A pause from
  Monday to Wednesday adds 2, at whatever time of day it began and ended; one within a day, none.
- Days that end at the time of day of the start (Boston) are counted with their fractions.
- Months go by their numbers: from 31 January to 28 February. A pause adds days to them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import NamedTuple

from rules import RuleBroken
from rules.calendars import Calendar, at_wall_clock, wall_clock
from rules.offices import ClockUnit, DueTime

PAUSE_CAP = timedelta(days=90)
"""How long the pauses of one clock may last, all in all (domain.md section 5)."""

MOST = 10_000
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_PER_DAY = _DAY // _MICROSECOND
_PER_HOUR = timedelta(hours=1) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class CutOff:
    """What comes at or after `at` counts as of `resumes` on the next working day."""

    at: time
    resumes: time


@dataclass(frozen=True, slots=True)
class Rule:
    """How much time is given. `version` grows with each edit, so that a ledger can say by which
    text it counted; `moves_start` takes a start on a closed day to the next working day, with the
    same time of day."""

    name: str
    version: int
    amount: int
    unit: ClockUnit
    counts_first_day: bool = False
    rolls_forward: bool = False
    ends: DueTime = DueTime.END_OF_DAY
    moves_start: bool = False
    cut_off: CutOff | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.amount <= MOST:
            raise RuleBroken("Give 1 to %(most)s units of time.", field="amount", most=MOST)
        if self.counts_first_day and not self.counts_whole_days:
            raise RuleBroken(
                "The first day can count only where a time ends with a day, and not where it is "
                "given in hours or ends at the time of day of its start.",
                field="counts_first_day",
            )
        if self.ends is DueTime.SAME_CLOCK and self.unit is ClockUnit.WORKING_DAYS:
            if not self.moves_start:
                raise RuleBroken(
                    "Working days that end at the time of day of their start must begin on a "
                    "working day: let a start on a closed day move.",
                    field="moves_start",
                )
        if self.rolls_forward and self.unit in (ClockUnit.WORKING_HOURS, ClockUnit.WORKING_DAYS):
            raise RuleBroken(
                "Working time ends on a working day by itself: it has nothing to move forward.",
                field="rolls_forward",
            )

    @property
    def counts_whole_days(self) -> bool:
        """Whether a day counts whole or not at all."""
        return self.unit is not ClockUnit.WORKING_HOURS and self.ends is not DueTime.SAME_CLOCK


class Pause(NamedTuple):
    """A time in which a clock stood still."""

    since: datetime
    until: datetime


class Due(NamedTuple):
    """When a time ends; from when it is counted, where that is not its start; and its last day as
    counted, where that was a closed one and the end moved forward from it."""

    at: datetime
    counted_from: datetime
    rolled_from: date | None


class Span(NamedTuple):
    """So much of a unit."""

    amount: Fraction
    unit: ClockUnit


def due(
    rule: Rule,
    calendar: Calendar,
    start: datetime,
    pauses: Iterable[Pause] = (),
    added: int = 0,
) -> Due:
    """Return when the time of `rule` ends that began at `start`, with `added` units more and
    without the time of `pauses`, which may overlap and of which 90 days count. In UTC."""
    begin = counted_from(rule, calendar, start)
    stood = [Pause(max(one.since, begin), one.until) for one in merged(pauses) if one.until > begin]
    if rule.unit is ClockUnit.MONTHS:
        target = _reading_after_months(rule, calendar, begin, rule.amount + added)
    else:
        target = _start_reading(rule, calendar, begin) + (rule.amount + added) * _scale(rule)
    target += sum(_gone_on(rule, calendar, *one) for one in stood)
    if rule.unit is ClockUnit.WORKING_HOURS:
        left = timedelta(microseconds=target - calendar.time_before(begin))
        return Due(calendar.add_working_time(begin, left), begin, None)
    if rule.counts_whole_days:
        number, clock = target - 1, 0
    else:
        number, clock = divmod(target, _PER_DAY)
    last = _counted_day(rule, calendar, number)
    day = calendar.next_working_day(last) if rule.rolls_forward else last
    at = _ending(rule, calendar, day, timedelta(microseconds=clock))
    return Due(at, begin, None if day == last else last)


def counted_from(rule: Rule, calendar: Calendar, start: datetime) -> datetime:
    """Return from when `rule` counts what began at `start`: later where that came on a closed day
    or after the cut-off, and the rule says so. In UTC."""
    start = start.astimezone(UTC)
    day, clock = calendar.day_of(start), wall_clock(calendar, start)
    moved = day
    if rule.moves_start:
        moved = calendar.next_working_day(day)
    if rule.cut_off and clock >= _clock(rule.cut_off.at):
        return at_wall_clock(
            calendar, calendar.add_working_days(moved, 1), _clock(rule.cut_off.resumes)
        )
    return start if moved == day else at_wall_clock(calendar, moved, clock)


def merged(pauses: Iterable[Pause], cap: timedelta = PAUSE_CAP) -> list[Pause]:
    """Return `pauses` in order, those that overlap or touch as one, cut off where `cap` of standing
    still is used up."""
    whole: list[Pause] = []
    for since, until in sorted((one.since, one.until) for one in pauses):
        if whole and since <= whole[-1].until:
            whole[-1] = Pause(whole[-1].since, max(until, whole[-1].until))
        else:
            whole.append(Pause(since, until))
    kept = []
    for since, until in whole:
        until = min(until, since + cap)
        cap -= until - since
        if since < until:
            kept.append(Pause(since, until))
    return kept


def pause_left(pauses: Iterable[Pause]) -> timedelta:
    """Return how much longer a clock may stand still that did so for `pauses`."""
    return PAUSE_CAP - sum((one.until - one.since for one in merged(pauses)), timedelta())


def elapsed(
    rule: Rule,
    calendar: Calendar,
    start: datetime,
    now: datetime,
    pauses: Iterable[Pause] = (),
) -> Span:
    """Return how much of the time of `rule` has passed at `now`, without that of `pauses`; in the
    clock's own unit, of months in days."""
    begin = counted_from(rule, calendar, start)
    if now <= begin:
        return _span(rule, 0)
    stood = [
        Pause(max(one.since, begin), min(one.until, now))
        for one in merged(pauses)
        if one.until > begin and one.since < now
    ]
    passed = _reading(rule, calendar, now) - _start_reading(rule, calendar, begin)
    return _span(rule, passed - sum(_gone_on(rule, calendar, *pause) for pause in stood))


def between(rule: Rule, calendar: Calendar, one: datetime, other: datetime) -> Span:
    """Return how much the clock of `rule` goes on from one instant to another, in its own unit and
    of months in days: what is left, from now to the due time. Negative where `other` is earlier."""
    return _span(rule, _gone_on(rule, calendar, one, other))


# --- Dials -----------------------------------------------------------------------------------


def _reading(rule: Rule, calendar: Calendar, moment: datetime) -> int:
    """Return what the dial of `rule` shows at `moment`: microseconds of work; whole days, that of
    `moment` included; or microseconds of days that count. Only differences mean anything."""
    if rule.unit is ClockUnit.WORKING_HOURS:
        return calendar.time_before(moment)
    day = calendar.day_of(moment)
    if rule.counts_whole_days:
        return _days_before(rule, calendar, day + _DAY)
    before = _days_before(rule, calendar, day) * _PER_DAY
    if rule.unit is ClockUnit.WORKING_DAYS and not calendar.is_working_day(day):
        return before
    return before + wall_clock(calendar, moment) // _MICROSECOND


def _start_reading(rule: Rule, calendar: Calendar, begin: datetime) -> int:
    """Return the reading from which the time is counted: where the first day counts, that of the
    evening before."""
    if rule.counts_first_day:
        return _days_before(rule, calendar, calendar.day_of(begin))
    return _reading(rule, calendar, begin)


def _days_before(rule: Rule, calendar: Calendar, day: date) -> int:
    if rule.unit is ClockUnit.WORKING_DAYS:
        return calendar.working_days_before(day)
    return calendar.days_before(day)


def _counted_day(rule: Rule, calendar: Calendar, number: int) -> date:
    if rule.unit is ClockUnit.WORKING_DAYS:
        return calendar.working_day_at(number)
    return calendar.day_at(number)


def _scale(rule: Rule) -> int:
    """Return by how much the dial goes on in one unit."""
    if rule.unit is ClockUnit.WORKING_HOURS:
        return _PER_HOUR
    return 1 if rule.counts_whole_days else _PER_DAY


def _span(rule: Rule, difference: int) -> Span:
    unit = ClockUnit.CALENDAR_DAYS if rule.unit is ClockUnit.MONTHS else rule.unit
    return Span(Fraction(difference, _scale(rule)), unit)


def _gone_on(rule: Rule, calendar: Calendar, one: datetime, other: datetime) -> int:
    return _reading(rule, calendar, other) - _reading(rule, calendar, one)


def _reading_after_months(rule: Rule, calendar: Calendar, begin: datetime, months: int) -> int:
    """Return the reading on the day that ends so many months after the day of `begin`: that of the
    same number, or the last of a month that has none; where the first day counts, the one before
    that of the same number. So do the Civil Codes of China (articles 201 and 202) and of Korea
    (article 160)."""
    first = calendar.day_of(begin)
    months += first.year * 12 + first.month - 1
    following = date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    last = following - _DAY
    if first.day <= last.day:
        last = last.replace(day=first.day) - _DAY * rule.counts_first_day
    if rule.counts_whole_days:
        return calendar.days_before(last + _DAY)
    clock = wall_clock(calendar, begin)
    return calendar.days_before(last) * _PER_DAY + clock // _MICROSECOND


def _ending(rule: Rule, calendar: Calendar, day: date, clock: timedelta) -> datetime:
    """Return when `day` ends for `rule`. The end of a day is its last second, so that people read
    the right date."""
    if rule.ends is DueTime.SAME_CLOCK:
        return at_wall_clock(calendar, day, clock)
    end = calendar.beginning(day + _DAY) - timedelta(seconds=1)
    if rule.ends is DueTime.END_OF_HOURS and calendar.is_working_day(day):
        return min(calendar.closing(day), end)
    return end


def _clock(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)


# --- Reminders and escalation ----------------------------------------------------------------


class Alarm(NamedTuple):
    """When somebody is told of a due time: so many working days or hours before it (negative), at
    it (0) or after it; `level` 0 is who works on it, 1 their head, 2 the one above, and so on."""

    amount: int
    unit: ClockUnit
    level: int = 0


def alarms(
    due_at: datetime, calendar: Calendar, offsets: Iterable[Alarm]
) -> list[tuple[datetime, Alarm]]:
    """Return when each of `offsets` is to be acted upon, in order: always in working time, in UTC.
    Days are told of at opening: 2 working days before is the opening of the second working day
    before the day of the due time."""
    return sorted((_alarm_at(due_at, calendar, one), one) for one in offsets)


def _alarm_at(due_at: datetime, calendar: Calendar, alarm: Alarm) -> datetime:
    if alarm.unit is ClockUnit.WORKING_HOURS:
        moment = calendar.add_working_time(due_at, timedelta(hours=alarm.amount))
    elif alarm.unit is ClockUnit.WORKING_DAYS and alarm.amount:
        day = calendar.add_working_days(calendar.day_of(due_at), alarm.amount)
        moment = calendar.opening(day)
    else:
        moment = due_at
    return calendar.next_open(moment)
