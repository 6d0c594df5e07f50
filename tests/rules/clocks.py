"""Calendars, rules and pauses made at random, and a slow calculator that shares no line with the
product: it walks through minutes and days one by one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import strategies as st

from rules.calendars import Calendar, SpecialDay, calendar_of
from rules.deadlines import Pause, Rule
from rules.offices import ClockUnit, DayKind, DueTime

ZONES = (
    "Europe/London",
    "America/New_York",
    "America/Santiago",  # its clocks change at midnight, so that days begin at 01:00 or end twice
    "Asia/Shanghai",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # there was no 30 December 2011
    "America/St_Johns",  # until 2011 one minute after midnight, back into the day before
)
WEEK = ["09:00-12:30 13:30-17:00"] * 5 + ["", ""]
OFFICE_HOURS = ("09:00-17:00", "08:30-12:00 14:00-18:00", "07:15-15:45", "10:00-11:00 16:00-21:30")
AROUND_THE_CLOCK = "00:00-24:00"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def office(*special: SpecialDay, zone: str = "Europe/London", version: int = 1) -> Calendar:
    """Return the calendar of an office that closes at noon and on weekends."""
    return calendar_of("district", version, zone, WEEK, special)


def holiday(day: date, name: str = "Holiday") -> SpecialDay:
    return SpecialDay(day, DayKind.HOLIDAY, name)


def make_up(day: date) -> SpecialDay:
    return SpecialDay(day, DayKind.MAKE_UP, "Make-up day")


def random_calendar(random: Random, *, near: date, zone: str = "", version: int = 1) -> Calendar:
    """Return a calendar with holidays and make-up days around `near`."""
    hours = random.choice((*OFFICE_HOURS, AROUND_THE_CLOCK))
    week = [hours if random.random() < 0.75 else "" for _ in range(7)]
    week[random.randrange(7)] = hours
    days = {near + DAY * random.randint(-40, 80) for _ in range(random.randint(0, 12))}
    special = [
        SpecialDay(day, random.choice((DayKind.HOLIDAY, DayKind.MAKE_UP))) for day in sorted(days)
    ]
    return calendar_of("random", version, zone or random.choice(ZONES), week, special)


class Minutes:
    """Whether an office is open, for every minute of a stretch of time; looked up one by one on
    the clock on the wall."""

    def __init__(self, calendar: Calendar, first: datetime, days: int) -> None:
        self.first = first
        usual = next(one for one in calendar.week if one)
        special = {
            one.day: () if one.kind is DayKind.HOLIDAY else one.hours or usual
            for one in calendar.special
        }
        self.open = []
        for n in range(days * 24 * 60):
            local = (first + MINUTE * n).astimezone(calendar.zone)
            now = local.hour * 60 + local.minute
            hours = special.get(local.date(), calendar.week[local.weekday()])
            self.open.append(any(opens <= now < closes for opens, closes in hours))

    def place(self, moment: datetime) -> int:
        return (moment - self.first) // MINUTE

    def between(self, one: datetime, other: datetime) -> int:
        """Return how many minutes the office is open between the two."""
        return sum(self.open[self.place(one) : self.place(other)])

    def after(self, start: datetime, minutes: int, pauses: Sequence[Pause] = ()) -> datetime:
        """Return the end of the `minutes`th open minute after `start` outside `pauses`."""
        at = self.place(start)
        while minutes:
            moment = self.first + MINUTE * at
            if self.open[at] and not any(one.since <= moment < one.until for one in pauses):
                minutes -= 1
            at += 1
        return self.first + MINUTE * at


def day_after_day(
    rule: Rule, calendar: Calendar, start: datetime, pauses: Sequence[Pause] = ()
) -> date:
    """Return the last day of `rule`, by walking from day to day."""

    def counts(day: date) -> bool:
        if rule.unit is not ClockUnit.WORKING_DAYS:
            return True
        special = {one.day: one.kind for one in calendar.special}
        if day in special:
            return special[day] is DayKind.MAKE_UP
        return bool(calendar.week[day.weekday()])

    def local(moment: datetime) -> date:
        return moment.astimezone(calendar.zone).date()

    day = local(start)
    left = rule.amount - (rule.counts_first_day and counts(day))
    while left:
        day += DAY
        stood = any(local(one.since) < day <= local(one.until) for one in pauses)
        left -= counts(day) and not stood
    return day


# --- For hypothesis --------------------------------------------------------------------------

moments = st.datetimes(
    datetime(2009, 1, 1),  # noqa: DTZ001 - hypothesis puts the zone in
    datetime(2031, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
calendars = st.builds(
    lambda seed, near, zone: random_calendar(
        Random(seed),  # noqa: S311
        near=near,
        zone=zone,
    ),
    st.integers(0, 10**6),
    st.dates(date(2010, 1, 1), date(2030, 1, 1)),
    st.sampled_from(ZONES),
)


@st.composite
def rules(draw: st.DrawFn, *, moves: bool = False) -> Rule:
    """Draw a rule of any unit; with `moves` also those that move a start."""
    unit = draw(st.sampled_from(ClockUnit))
    ends = draw(st.sampled_from(DueTime))
    if unit is ClockUnit.WORKING_DAYS and ends is DueTime.SAME_CLOCK and not moves:
        ends = DueTime.END_OF_DAY
    whole = unit is not ClockUnit.WORKING_HOURS and ends is not DueTime.SAME_CLOCK
    rolls = unit in (ClockUnit.CALENDAR_DAYS, ClockUnit.MONTHS)
    return Rule(
        "drawn",
        1,
        draw(st.integers(1, 60 if unit is not ClockUnit.MONTHS else 12)),
        unit,
        counts_first_day=whole and draw(st.booleans()),
        rolls_forward=rolls and draw(st.booleans()),
        ends=ends,
        moves_start=moves,
    )
