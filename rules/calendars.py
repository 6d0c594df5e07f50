"""Working time: on which days and hours offices work, counted exactly and fast.

A calendar is a week of opening hours, the days that differ from it, and a time zone. It has a
version: a holiday that is announced late makes a new version, and the old one is kept, because
clocks that have ended were right by it.

Opening hours are readings of the clock on the wall; how long they last is measured in real time.
An office that works around the clock works 23 hours on the day on which clocks go forward and 25
on the day on which they go back; one that opens at nine works as long as on any other day.
rules/local_time.py says what is done with readings that are skipped or come twice.

Nothing here walks through minutes or days: a calendar adds up each year once, on first need, and
then looks places up by bisection.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rules import RuleBroken
from rules.local_time import instant, reading, zone_named
from rules.offices import DayKind

YEARS = range(1900, 2400)
"""Years that are counted: far more than any register holds, and an end for what has none."""

Hours = tuple[tuple[int, int], ...]
"""From when until when an office works, in minutes of the day, in order: ((540, 720), ...)."""

CLOSED: Hours = ()
_MINUTE = 60_000_000
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_INTERVAL = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def hours_of(text: str) -> Hours:
    """Return the opening hours in "09:00-12:00 13:00-18:00"; none in an empty text. A night is
    two: "00:00-06:00 22:00-24:00". Raises RuleBroken where they are not hours in order."""
    hours = []
    for part in text.split():
        found = _INTERVAL.fullmatch(part)
        if not found:
            raise RuleBroken(
                "%(text)s are no hours. Write them like 09:00-12:00 13:00-18:00.",
                field="hours",
                text=part,
            )
        numbers = [int(number) for number in found.groups()]
        hours.append((numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]))
    check_hours(tuple(hours))
    return tuple(hours)


def check_hours(hours: Hours) -> None:
    """Raise RuleBroken where `hours` end before they begin, overlap or leave the day."""
    edges = [edge for interval in hours for edge in interval]
    if edges != sorted(edges) or any(opens == closes for opens, closes in hours):
        raise RuleBroken("Hours must follow each other, each ending after it began.", field="hours")
    if edges and not (edges[0] >= 0 and edges[-1] <= 24 * 60):
        raise RuleBroken("Hours must lie between 00:00 and 24:00.", field="hours")


class SpecialDay(NamedTuple):
    """A day that differs from its weekday. A make-up day without hours of its own has those of the
    first working weekday; a half-holiday is a make-up day with few hours."""

    day: date
    kind: DayKind
    name: str = ""
    hours: Hours | None = None


class _Sums:
    """For each day from `first` on, what lies before it: days that there were, working days and
    working time in microseconds. Only differences mean anything. The last place is that of the
    day after the last one that was added up."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.days, self.open, self.time = [0], [0], [0]

    def lists(self) -> tuple[list[int], ...]:
        return self.days, self.open, self.time


@lru_cache(maxsize=4096)
def _changed_days(zone: ZoneInfo, year: int) -> frozenset[date]:
    """Return the days of `year` on which clocks in `zone` are changed."""
    midnights = [datetime(year, 1, 1, tzinfo=zone) + _DAY * n for n in range(_length(year) + 1)]
    offsets = [midnight.utcoffset() for midnight in midnights]
    changed = (n for n, (one, other) in enumerate(pairwise(offsets)) if one != other)
    return frozenset(midnights[n].date() for n in changed)


def _length(year: int) -> int:
    return date(year + 1, 1, 1).toordinal() - date(year, 1, 1).toordinal()


@dataclass(frozen=True)
class Calendar:
    """One version of a calendar. `week` has the hours of the seven weekdays from Monday on."""

    name: str
    version: int
    zone: ZoneInfo
    week: tuple[Hours, ...]
    special: tuple[SpecialDay, ...] = ()
    _hours: dict[date, Hours] = field(init=False, repr=False, compare=False)
    _sums: list[_Sums] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.week) != 7 or not any(self.week):
            raise RuleBroken("A calendar needs seven weekdays, and hours on one at least.")
        for hours in (*self.week, *(day.hours or CLOSED for day in self.special)):
            check_hours(hours)
        usual = next(hours for hours in self.week if hours)
        own = {
            one.day: CLOSED if one.kind is DayKind.HOLIDAY else one.hours or usual
            for one in self.special
        }
        if len(own) != len(self.special):
            raise RuleBroken("A day stands twice in calendar %(calendar)s.", calendar=self.name)
        object.__setattr__(self, "_hours", own)
        object.__setattr__(self, "_sums", [])

    # --- Days ----------------------------------------------------------------------------------

    def hours(self, day: date) -> Hours:
        """Return the opening hours of `day`."""
        return self._hours.get(day, self.week[day.weekday()])

    def day_of(self, moment: datetime) -> date:
        """Return the local day on which `moment` falls."""
        local = moment.astimezone(self.zone)
        day = local.date()
        # Where the clock is put back over midnight, the evening comes again after the day began.
        if local.fold and moment >= self.beginning(day + _DAY):
            return day + _DAY
        return day

    def beginning(self, day: date) -> datetime:
        """Return the instant at which `day` begins: mostly, not always, 00:00 on the wall."""
        return instant(datetime.combine(day, time()), self.zone)

    def exists(self, day: date) -> bool:
        """Return whether there was such a day: where the date line moves one can be left out."""
        place = self._place(day)
        days = self._sum.days
        return days[place] < days[place + 1]

    def is_working_day(self, day: date) -> bool:
        """Return whether offices work at all on `day`."""
        place = self._place(day)
        working = self._sum.open
        return working[place] < working[place + 1]

    def working_days_before(self, day: date) -> int:
        """Return a number that grows by 1 with each working day before `day`; only the
        difference between two such numbers means anything."""
        place = self._place(day)
        return self._sum.open[place]

    def days_before(self, day: date) -> int:
        """Return the same for all days that there are."""
        place = self._place(day)
        return self._sum.days[place]

    def working_day_at(self, number: int) -> date:
        """Return the working day before which working_days_before() counts `number`."""
        return self._day_at(number, 1)

    def day_at(self, number: int) -> date:
        """Return the day before which days_before() counts `number`."""
        return self._day_at(number, 0)

    def next_working_day(self, day: date) -> date:
        """Return `day` where offices work on it, else the first day after it on which they do."""
        return self.working_day_at(self.working_days_before(day))

    def add_working_days(self, day: date, number: int) -> date:
        """Return the working day that is the `number`th after `day`, or before it where `number`
        is negative; `day` itself is not counted, and is the answer for 0."""
        if number == 0:
            return day
        after = self.working_days_before(day) + number
        return self.working_day_at(after - 1 + self.is_working_day(day) if number > 0 else after)

    def working_days_between(self, one: date, other: date) -> int:
        """Return how many working days come after `one` and not after `other`: what
        add_working_days() takes to go there. Negative where `other` is earlier: then those that
        come before `one` and not before `other`."""
        if other < one:
            return self.working_days_before(other) - self.working_days_before(one)
        return self.working_days_before(other + _DAY) - self.working_days_before(one + _DAY)

    # --- Time ----------------------------------------------------------------------------------

    def is_open(self, moment: datetime) -> bool:
        """Return whether offices work at `moment`. At the moment of closing they do not."""
        return self.next_open(moment) == moment

    def next_open(self, moment: datetime) -> datetime:
        """Return `moment`, in UTC, where offices work then, else when they open next."""
        return self._latest(self.time_before(moment))

    def previous_open(self, moment: datetime) -> datetime:
        """Return `moment`, in UTC, where offices work then, else when they last closed."""
        return self._earliest(self.time_before(moment)) if not self.is_open(moment) else moment

    def closing(self, day: date) -> datetime:
        """Return when offices close on `day`, which must be a working day, for the last time."""
        return self._earliest(self._time_before_day(day + _DAY))

    def opening(self, day: date) -> datetime:
        """Return when offices open on `day`, which must be a working day, for the first time."""
        return self._latest(self._time_before_day(day))

    def time_before(self, moment: datetime) -> int:
        """Return a number that grows by 1 with each microsecond of working time before `moment`;
        only the difference between two such numbers means anything."""
        day = self.day_of(moment)
        done = self._time_before_day(day)
        if day in _changed_days(self.zone, day.year):
            for begun, ended in self._instants(day):
                done += max(min(moment, ended) - begun, timedelta()) // _MICROSECOND
            return done
        local = moment.astimezone(self.zone)
        now = ((local.hour * 60 + local.minute) * 60 + local.second) * 1_000_000 + local.microsecond
        for opens, closes in self.hours(day):
            if now <= opens * _MINUTE:
                break
            done += min(now, closes * _MINUTE) - opens * _MINUTE
        return done

    def working_time_between(self, one: datetime, other: datetime) -> timedelta:
        """Return how long offices work between two instants; negative where `other` is earlier."""
        return timedelta(microseconds=self.time_before(other) - self.time_before(one))

    def add_working_time(self, moment: datetime, duration: timedelta) -> datetime:
        """Return, in UTC, when offices will have worked for `duration` after `moment`: at the
        moment of closing where that ends it, and not at the next opening. A negative duration
        goes back, to the latest moment from which it leads here. No duration moves nothing."""
        moment = moment.astimezone(UTC)
        target = self.time_before(moment) + duration // _MICROSECOND
        if duration < timedelta():
            return min(moment, self._latest(target))
        return max(moment, self._earliest(target))

    # --- Sums ----------------------------------------------------------------------------------

    @property
    def _sum(self) -> _Sums:
        return self._sums[0]

    def _place(self, day: date) -> int:
        """Return the place of `day` in the sums, after adding up the years that are missing."""
        if not self._sums:
            self._sums.append(_Sums(date(day.year, 1, 1).toordinal()))
        ordinal = day.toordinal()
        while ordinal < self._sum.first:
            self._add_year_before()
        while ordinal - self._sum.first >= len(self._sum.time) - 1:
            self._add_year_after()
        return ordinal - self._sum.first

    def _time_before_day(self, day: date) -> int:
        place = self._place(day)
        return self._sum.time[place]

    def _day_at(self, number: int, which: int) -> date:
        sums = self._sum.lists()[which]
        while number >= sums[-1]:
            self._add_year_after()
        while number < sums[0]:
            self._add_year_before()
            sums = self._sum.lists()[which]
        return date.fromordinal(self._sum.first + bisect_right(sums, number) - 1)

    def _add_year_after(self) -> None:
        year = date.fromordinal(self._sum.first + len(self._sum.time) - 1).year
        for sums, counts in zip(self._sum.lists(), self._counts(year), strict=True):
            sums.extend(list(accumulate(counts, initial=sums[-1]))[1:])

    def _add_year_before(self) -> None:
        year = date.fromordinal(self._sum.first).year - 1
        for sums, counts in zip(self._sum.lists(), self._counts(year), strict=True):
            sums[:0] = list(accumulate(counts, initial=sums[0] - sum(counts)))[:-1]
        self._sum.first = date(year, 1, 1).toordinal()

    def _counts(self, year: int) -> tuple[list[int], list[int], list[int]]:
        """Return for each day of `year` whether there is one, whether it is a working day, and its
        working time in microseconds."""
        if year not in YEARS:
            raise RuleBroken(
                "By calendar %(calendar)s this would end beyond the years %(first)s to %(last)s.",
                calendar=self.name,
                first=YEARS[0],
                last=YEARS[-1],
            )
        usual = [sum(closes - opens for opens, closes in hours) * _MINUTE for hours in self.week]
        new_year = date(year, 1, 1).toordinal()
        weekday, length = date(year, 1, 1).weekday(), _length(year)
        times = (usual * 54)[weekday : weekday + length]
        for day in self._hours:
            if day.year == year:
                hours = self._hours[day]
                worked = sum(closes - opens for opens, closes in hours) * _MINUTE
                times[day.toordinal() - new_year] = worked
        exists = [1] * length
        for day in _changed_days(self.zone, year):
            place = day.toordinal() - new_year
            exists[place] = int(self.beginning(day) < self.beginning(day + _DAY))
            lengths = (closes - opens for opens, closes in self._instants(day))
            times[place] = sum(lengths, timedelta()) // _MICROSECOND
        return exists, [int(worked > 0) for worked in times], times

    def _instants(self, day: date) -> Iterable[tuple[datetime, datetime]]:
        """Yield when offices open and close on `day`."""
        midnight = datetime.combine(day, time())
        for opens, closes in self.hours(day):
            yield (
                instant(midnight + timedelta(minutes=opens), self.zone),
                instant(midnight + timedelta(minutes=closes), self.zone),
            )

    def _earliest(self, target: int) -> datetime:
        """Return the first instant before which there are `target` microseconds of work."""
        sums = self._sum
        while target > sums.time[-1]:
            self._add_year_after()
        while target <= sums.time[0]:
            self._add_year_before()
        place = bisect_left(sums.time, target) - 1
        left = timedelta(microseconds=target - sums.time[place])
        for opens, closes in self._instants(date.fromordinal(sums.first + place)):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        raise AssertionError("the sums of a calendar agree with its hours")

    def _latest(self, target: int) -> datetime:
        """Return the last instant before which there are no more than `target`."""
        sums = self._sum
        while target >= sums.time[-1]:
            self._add_year_after()
        while target < sums.time[0]:
            self._add_year_before()
        place = bisect_right(sums.time, target) - 1
        left = timedelta(microseconds=target - sums.time[place])
        for opens, closes in self._instants(date.fromordinal(sums.first + place)):
            if left < closes - opens:
                return opens + left
            left -= closes - opens
        raise AssertionError("the sums of a calendar agree with its hours")


def wall_clock(calendar: Calendar, moment: datetime) -> timedelta:
    """Return how far the clock on the wall is into the local day of `moment`: 24 hours at most,
    also where an hour is repeated."""
    since = reading(moment, calendar.zone) - datetime.combine(calendar.day_of(moment), time())
    return min(since, _DAY)


def at_wall_clock(calendar: Calendar, day: date, clock: timedelta) -> datetime:
    """Return, in UTC, when the clock on the wall is `clock` into `day`."""
    return instant(datetime.combine(day, time()) + clock, calendar.zone)


def calendar_of(
    name: str, version: int, zone: str, week: Iterable[str], special: Iterable[SpecialDay] = ()
) -> Calendar:
    """Return the calendar with these words: a time zone, and seven opening hours from Monday on
    as hours_of() reads them. Raises RuleBroken where they make none."""
    hours = tuple(hours_of(text) for text in week)
    return Calendar(name, version, zone_named(zone), hours, tuple(special))
