"""Working time: openings, counting, changed clocks; and a slow calculator beside it."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import RuleBroken
from rules.calendars import (
    YEARS,
    Calendar,
    SpecialDay,
    at_wall_clock,
    calendar_of,
    hours_of,
    wall_clock,
)
from rules.local_time import instant, reading, zone_named
from rules.offices import DayKind
from tests.proofs import size
from tests.rules.clocks import (
    AROUND_THE_CLOCK,
    DAY,
    MINUTE,
    WEEK,
    ZONES,
    Minutes,
    calendars,
    holiday,
    make_up,
    moments,
    office,
    random_calendar,
)

CAREFUL = settings(max_examples=200, deadline=None, derandomize=True)
HOUR = timedelta(hours=1)


def at(text: str, zone: str = "Europe/London") -> datetime:
    """Return the instant of "2026-06-12 10:00" there."""
    return instant(datetime.fromisoformat(text), ZoneInfo(zone))


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(RuleBroken) as caught:
        act()
    return str(caught.value)


# --- Hours -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("", ()),
        ("09:00-12:30 13:30-17:00", ((540, 750), (810, 1020))),
        ("00:00-06:00  22:00-24:00", ((0, 360), (1320, 1440))),
        ("09:00-12:00 12:00-17:00", ((540, 720), (720, 1020))),
    ],
)
def test_hours_are_read(text: str, hours: object) -> None:
    assert hours_of(text) == hours


@pytest.mark.parametrize(
    "text",
    ["9-17", "09:00-", "17:00-09:00", "09:00-09:00", "09:00-12:00 11:00-17:00", "09:00-24:01",
     "09:00-25:00", "09:60-17:00", "nine", "09:00–17:00", "\x00", "٠٩:٠٠-١٧:٠٠"],
)  # fmt: skip
def test_what_are_no_hours_is_refused(text: str) -> None:
    assert refusal(lambda: hours_of(text))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: calendar_of("x", 1, "Europe/Lundon", WEEK), "no time zone Europe/Lundon"),
        (lambda: calendar_of("x", 1, "../../etc/passwd", WEEK), "no time zone"),
        (lambda: calendar_of("x", 1, "", WEEK), "no time zone"),
        (lambda: calendar_of("x", 1, "\x00", WEEK), "no time zone"),
        (lambda: calendar_of("x", 1, "Europe/London", [""] * 7), "hours on one at least"),
        (lambda: calendar_of("x", 1, "Europe/London", WEEK[:5]), "seven weekdays"),
        (lambda: office(holiday(date(2026, 5, 1)), make_up(date(2026, 5, 1))), "stands twice"),
        (lambda: Calendar("x", 1, ZoneInfo("UTC"), (((-1, 5),),) * 7), "between 00:00 and 24:00"),
    ],
)
def test_what_makes_no_calendar_is_refused(make: Callable[[], object], words: str) -> None:
    assert words in refusal(make)


# --- Days ------------------------------------------------------------------------------------

# Christmas Day of 2026 is a Friday; Saturday the 19th is worked for it.
DECEMBER = office(holiday(date(2026, 12, 25)), make_up(date(2026, 12, 19)))


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 12, 18), True),
        (date(2026, 12, 19), True),
        (date(2026, 12, 20), False),
        (date(2026, 12, 25), False),
        (date(2026, 12, 28), True),
    ],
)
def test_holidays_close_and_make_up_days_open(day: date, working: bool) -> None:
    assert DECEMBER.is_working_day(day) is working


@pytest.mark.parametrize(
    ("day", "number", "reached"),
    [
        (date(2026, 12, 18), 1, date(2026, 12, 19)),
        (date(2026, 12, 18), 2, date(2026, 12, 21)),
        (date(2026, 12, 24), 1, date(2026, 12, 28)),
        (date(2026, 12, 25), 1, date(2026, 12, 28)),
        (date(2026, 12, 25), 0, date(2026, 12, 25)),
        (date(2026, 12, 28), -1, date(2026, 12, 24)),
        (date(2026, 12, 27), -1, date(2026, 12, 24)),
        (date(2026, 12, 21), -2, date(2026, 12, 18)),
    ],
)
def test_working_days_are_added(day: date, number: int, reached: date) -> None:
    assert DECEMBER.add_working_days(day, number) == reached
    assert DECEMBER.working_days_between(day, reached) == number


@CAREFUL
@given(calendars, st.dates(date(2009, 1, 1), date(2031, 1, 1)), st.integers(-400, 400))
def test_adding_and_counting_working_days_undo_each_other(
    calendar: Calendar, day: date, number: int
) -> None:
    reached = calendar.add_working_days(day, number)
    assert calendar.working_days_between(day, reached) == number
    assert number == 0 or calendar.is_working_day(reached)


@CAREFUL
@given(calendars, st.dates(date(2009, 1, 1), date(2031, 1, 1)), st.integers(1, 90))
def test_working_days_are_those_that_one_finds_day_by_day(
    calendar: Calendar, day: date, number: int
) -> None:
    later = [day + DAY * (n + 1) for n in range(800)]
    assert calendar.add_working_days(day, number) == [
        one for one in later if calendar.is_working_day(one)
    ][number - 1]  # fmt: skip
    assert calendar.next_working_day(day) == next(
        one for one in (day, *later) if calendar.is_working_day(one)
    )


def test_a_make_up_day_has_the_hours_of_a_weekday_or_its_own() -> None:
    half = SpecialDay(date(2026, 12, 24), DayKind.MAKE_UP, "Christmas Eve", hours_of("09:00-12:00"))
    calendar = office(half, make_up(date(2026, 12, 19)))
    assert calendar.closing(date(2026, 12, 19)) == at("2026-12-19 17:00")
    assert calendar.opening(date(2026, 12, 19)) == at("2026-12-19 09:00")
    assert calendar.closing(date(2026, 12, 24)) == at("2026-12-24 12:00")


# --- Openings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "is_open", "next_open", "previous_open"),
    [
        ("2026-06-12 08:59:59", False, "2026-06-12 09:00", "2026-06-11 17:00"),
        ("2026-06-12 09:00", True, "2026-06-12 09:00", "2026-06-12 09:00"),
        ("2026-06-12 12:29:59", True, "2026-06-12 12:29:59", "2026-06-12 12:29:59"),
        ("2026-06-12 12:30", False, "2026-06-12 13:30", "2026-06-12 12:30"),
        ("2026-06-12 13:00", False, "2026-06-12 13:30", "2026-06-12 12:30"),
        ("2026-06-12 17:00", False, "2026-06-15 09:00", "2026-06-12 17:00"),
        ("2026-06-14 12:00", False, "2026-06-15 09:00", "2026-06-12 17:00"),
    ],
)
def test_openings_and_closings(
    moment: str, is_open: bool, next_open: str, previous_open: str
) -> None:
    calendar = office()
    assert calendar.is_open(at(moment)) is is_open
    assert calendar.next_open(at(moment)) == at(next_open)
    assert calendar.previous_open(at(moment)) == at(previous_open)


@CAREFUL
@given(calendars, moments)
def test_between_closing_and_opening_nobody_works(calendar: Calendar, moment: datetime) -> None:
    before, after = calendar.previous_open(moment), calendar.next_open(moment)
    assert before <= moment <= after
    assert calendar.is_open(after)
    assert calendar.working_time_between(before, after) == timedelta()
    assert calendar.is_open(moment) == (before == moment == after)


# --- Working time ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-06-12 10:00", 2, "2026-06-12 12:00"),
        ("2026-06-12 10:00", 2.5, "2026-06-12 12:30"),  # closing, and not after lunch
        ("2026-06-12 10:00", 6, "2026-06-12 17:00"),
        ("2026-06-12 10:00", 6.5, "2026-06-15 09:30"),
        ("2026-06-13 10:00", 1, "2026-06-15 10:00"),
        ("2026-06-13 10:00", 0, "2026-06-13 10:00"),
        ("2026-06-15 09:30", -0.5, "2026-06-15 09:00"),
        ("2026-06-15 09:30", -1, "2026-06-12 16:30"),
        ("2026-06-15 09:00", -7, "2026-06-12 09:00"),
    ],
)
def test_working_time_is_added(start: str, hours: float, end: str) -> None:
    calendar = office()
    assert calendar.add_working_time(at(start), HOUR * hours) == at(end)
    assert calendar.working_time_between(at(start), at(end)) == HOUR * hours


@CAREFUL
@given(calendars, moments, st.timedeltas(timedelta(-60), timedelta(60)))
def test_adding_and_counting_working_time_undo_each_other(
    calendar: Calendar, moment: datetime, duration: timedelta
) -> None:
    end = calendar.add_working_time(moment, duration)
    assert calendar.working_time_between(moment, end) == duration
    assert calendar.working_time_between(end, moment) == -duration


@CAREFUL
@given(calendars, moments, moments, st.timedeltas(timedelta(), timedelta(30)))
def test_who_is_earlier_stays_earlier(
    calendar: Calendar, one: datetime, other: datetime, duration: timedelta
) -> None:
    one, other = sorted((one, other))
    assert calendar.add_working_time(one, duration) <= calendar.add_working_time(other, duration)
    assert calendar.next_open(one) <= calendar.next_open(other)
    assert calendar.day_of(one) <= calendar.day_of(other)


def test_working_time_is_the_sum_over_days(figures: Callable[[str], None]) -> None:
    """In random calendars: between two instants offices work as long as on each day in turn."""
    random = Random(5)  # noqa: S311
    number = size(500, 10_000)
    for _ in range(number):
        near = date(random.randint(2009, 2030), random.randint(1, 12), random.randint(1, 28))
        calendar = random_calendar(random, near=near)
        start = datetime(near.year, near.month, near.day, tzinfo=UTC)
        start += timedelta(seconds=random.randrange(10**6))
        end = start + timedelta(seconds=random.randrange(10**7))
        days = [calendar.day_of(start)]
        while days[-1] < calendar.day_of(end):
            days.append(days[-1] + DAY)
        edges = [start, *(calendar.beginning(day) for day in days[1:]), end]
        parts = [calendar.working_time_between(*pair) for pair in pairwise(edges)]
        assert sum(parts, timedelta()) == calendar.working_time_between(start, end)
        for day in days:
            begins, ends = calendar.beginning(day), calendar.beginning(day + DAY)
            whole = calendar.working_time_between(begins, ends)
            assert (whole > timedelta()) is calendar.is_working_day(day)
    figures(f"Clock: in {number:,} random calendars working time is the sum over days")


def test_a_slow_calculator_agrees(figures: Callable[[str], None]) -> None:
    """One that looks at the clock on the wall minute by minute and shares no line with ours."""
    random = Random(311)  # noqa: S311
    compared = 0
    for _ in range(size(24, 400)):
        # Near a day on which clocks change somewhere, or not.
        near = random.choice(
            [date(2026, 3, 5), date(2026, 10, 22), date(2026, 4, 1), date(2026, 9, 3),
             date(2011, 12, 27), date(2010, 11, 4), date(2026, 6, 1)]
        )  # fmt: skip
        calendar = random_calendar(random, near=near + DAY * random.randint(0, 3))
        first = datetime(near.year, near.month, near.day, tzinfo=UTC)
        slow = Minutes(calendar, first, days=14)
        for _ in range(60):
            start = first + MINUTE * random.randrange(10 * 24 * 60)
            end = start + MINUTE * random.randrange(4 * 24 * 60)
            worked = slow.between(start, end)
            case = (calendar, start, end)
            assert calendar.working_time_between(start, end) == MINUTE * worked, case
            assert calendar.is_open(start) is slow.open[slow.place(start)], case
            if worked:
                reached = calendar.add_working_time(start, MINUTE * worked)
                assert reached == slow.after(start, worked), case
            compared += 1
    figures(f"Clock: {compared:,} spans of working time agree with counting minute by minute")


def test_a_hundred_thousand_deadlines_take_seconds(figures: Callable[[str], None]) -> None:
    random = Random(1)  # noqa: S311
    calendar = office(*(holiday(date(year, 12, 25)) for year in range(2015, 2030)))
    starts = [
        datetime(2016, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(3 * 10**8))
        for _ in range(size(20_000, 100_000))
    ]
    begun = time.process_time()
    for start in starts:
        calendar.add_working_time(start, HOUR * 400)
    took = time.process_time() - begun
    figures(f"Clock: {len(starts) / took:,.0f} times of 400 working hours a second")
    assert took < 10


# --- Changed clocks --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("America/Santiago", date(2026, 9, 6), 23),  # begins at 01:00
        ("America/Santiago", date(2026, 4, 4), 25),  # its last hour comes twice
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Shanghai", date(2026, 3, 29), 24),
        ("Pacific/Apia", date(2011, 12, 29), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("America/St_Johns", date(2010, 11, 7), 25),
    ],
)
def test_a_day_is_as_long_as_it_is(zone: str, day: date, hours: float) -> None:
    calendar = calendar_of("night", 1, zone, [AROUND_THE_CLOCK] * 7)
    begins, ends = calendar.beginning(day), calendar.beginning(day + DAY)
    assert ends - begins == HOUR * hours
    assert calendar.working_time_between(begins, ends) == HOUR * hours
    assert calendar.exists(day) is calendar.is_working_day(day) is (hours > 0)


def test_an_office_that_opens_at_nine_works_as_long_as_ever() -> None:
    calendar = calendar_of("sundays", 1, "Europe/London", ["09:00-17:00"] * 7)
    for day in (date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 25)):
        assert calendar.closing(day) - calendar.opening(day) == HOUR * 8
    # Nine on the wall is an hour earlier, once clocks have gone forward.
    assert calendar.opening(date(2026, 3, 29)) - calendar.opening(date(2026, 3, 28)) == HOUR * 23


def test_a_day_that_was_left_out_is_not_counted() -> None:
    calendar = calendar_of("apia", 1, "Pacific/Apia", WEEK)
    thursday, friday, saturday = (date(2011, 12, day) for day in (29, 30, 31))
    assert not calendar.is_working_day(friday)
    assert calendar.working_days_between(thursday, saturday) == 0
    assert calendar.days_before(saturday) - calendar.days_before(thursday) == 1
    assert calendar.add_working_days(thursday, 1) == date(2012, 1, 2)


NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("shown", "meant"),
    [
        ("2026-03-08 01:59", "2026-03-08 06:59"),
        ("2026-03-08 02:00", "2026-03-08 07:00"),  # skipped: the moment of the change
        ("2026-03-08 02:30", "2026-03-08 07:00"),
        ("2026-03-08 03:00", "2026-03-08 07:00"),
        ("2026-11-01 01:30", "2026-11-01 05:30"),  # twice: its first time
        ("2026-11-01 02:00", "2026-11-01 07:00"),
    ],
)
def test_skipped_and_repeated_readings_mean_one_instant(shown: str, meant: str) -> None:
    assert instant(datetime.fromisoformat(shown), NEW_YORK) == datetime.fromisoformat(
        meant + "+00:00"
    )


def test_in_a_repeated_hour_the_clock_stands() -> None:
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert reading(first, NEW_YORK) == datetime.fromisoformat("2026-11-01 01:30")
    assert reading(first + HOUR, NEW_YORK) == datetime.fromisoformat("2026-11-01 02:00")
    calendar = calendar_of("ny", 1, "America/New_York", WEEK)
    assert wall_clock(calendar, first + HOUR) == HOUR * 2


@CAREFUL
@given(moments, moments, st.sampled_from(ZONES))
def test_clocks_on_the_wall_only_go_forward(one: datetime, other: datetime, zone: str) -> None:
    one, other = sorted((one, other))
    where = zone_named(zone)
    assert reading(one, where) <= reading(other, where)
    assert instant(reading(one, where), where) >= one
    shown, later = one.replace(tzinfo=None), other.replace(tzinfo=None)
    assert instant(shown, where) <= instant(later, where)
    assert reading(instant(shown, where), where) >= shown


@pytest.mark.parametrize("zone", ZONES)
def test_around_each_change_of_clocks_they_only_go_forward(zone: str) -> None:
    calendar = calendar_of("night", 1, zone, [AROUND_THE_CLOCK] * 7)
    where = ZoneInfo(zone)
    for year in (2010, 2011, 2026):
        begin = datetime(year, 1, 1, tzinfo=UTC)
        steps = [begin + timedelta(minutes=20) * n for n in range(366 * 72)]
        offsets = [step.astimezone(where).utcoffset() for step in steps]
        changed = [n for n in range(1, len(steps)) if offsets[n] != offsets[n - 1]]
        for n in changed:
            near = steps[n - 90 : n + 90]
            shown = [reading(step, where) for step in near]
            assert shown == sorted(shown)
            days = [calendar.day_of(step) for step in near]
            assert days == sorted(days)
            worked = [calendar.working_time_between(near[0], step) for step in near]
            assert worked == [step - near[0] for step in near]
            again = [
                at_wall_clock(calendar, day, wall_clock(calendar, step))
                for day, step in zip(days, near, strict=True)
            ]
            assert again == sorted(again)


# --- Ends ------------------------------------------------------------------------------------


def test_time_that_never_ends_is_refused() -> None:
    calendar = office()
    now = at("2026-06-12 10:00")
    assert str(YEARS[-1]) in refusal(
        lambda: calendar.add_working_time(now, timedelta(days=400_000))
    )
    assert refusal(lambda: calendar.add_working_time(now, -timedelta(days=400_000)))
    assert refusal(lambda: calendar.add_working_days(date(2026, 6, 12), 10**6))
    assert refusal(lambda: calendar.is_working_day(date(9999, 12, 31)))
    assert refusal(lambda: calendar.is_working_day(date(1, 1, 1)))


def test_years_are_added_up_in_any_order() -> None:
    for first, second in ((2020, 2030), (2030, 2020)):
        calendar = office(holiday(date(2025, 6, 12)))
        calendar.is_working_day(date(first, 1, 1))
        calendar.is_working_day(date(second, 1, 1))
        assert calendar.working_days_between(date(2025, 6, 11), date(2025, 6, 13)) == 1
        assert calendar.working_days_between(date(2020, 1, 1), date(2030, 1, 1)) == 2608
