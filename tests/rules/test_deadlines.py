"""When a time ends: tables, properties, and a slow calculator beside it."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules import RuleBroken
from rules.calendars import Calendar, calendar_of
from rules.deadlines import (
    MOST,
    Alarm,
    CutOff,
    Pause,
    Rule,
    Span,
    alarms,
    between,
    counted_from,
    due,
    elapsed,
    merged,
    pause_left,
)
from rules.offices import ClockUnit, DueTime
from tests.proofs import size
from tests.rules.clocks import (
    DAY,
    MINUTE,
    ZONES,
    Minutes,
    calendars,
    day_after_day,
    holiday,
    moments,
    office,
    random_calendar,
    rules,
)

CAREFUL = settings(max_examples=150, deadline=None, derandomize=True)
HOURS, DAYS = ClockUnit.WORKING_HOURS, ClockUnit.WORKING_DAYS
CALENDAR, MONTHS = ClockUnit.CALENDAR_DAYS, ClockUnit.MONTHS
BY_DAY = (CALENDAR, DAYS)
BOSTON = {
    "ends": DueTime.SAME_CLOCK,
    "moves_start": True,
    "cut_off": CutOff(clock(17), clock(8, 30)),
}


def rule(amount: int, unit: ClockUnit, **fields: Any) -> Rule:
    return Rule("a rule", 1, amount, unit, **fields)


def at(text: str) -> datetime:
    """Return the instant of "2026-06-12 10:00" in London."""
    return datetime.fromisoformat(text).replace(tzinfo=office().zone).astimezone(UTC)


def shown(moment: datetime, calendar: Calendar | None = None) -> str:
    zone = (calendar or office()).zone
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S}"


def refusal(**fields: Any) -> str:
    with pytest.raises(RuleBroken) as caught:
        replace(rule(5, DAYS), **fields)
    return str(caught.value)


# --- Rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"amount": 0}, "Give 1 to 10000"),
        ({"amount": -1}, "Give 1 to 10000"),
        ({"amount": MOST + 1}, "Give 1 to 10000"),
        ({"rolls_forward": True}, "nothing to move forward"),
        ({"unit": HOURS, "counts_first_day": True}, "first day"),
        ({"ends": DueTime.SAME_CLOCK, "moves_start": True, "counts_first_day": True}, "first day"),
        ({"ends": DueTime.SAME_CLOCK}, "must begin on a working day"),
    ],
)
def test_a_rule_that_cannot_be_counted_is_refused(fields: dict[str, Any], words: str) -> None:
    assert words in refusal(**fields)


# 12 June 2026 is a Friday.
@pytest.mark.parametrize(
    ("given_rule", "start", "end"),
    [
        (rule(1, DAYS), "2026-06-12 10:00", "Mon 2026-06-15 23:59:59"),
        (rule(5, DAYS), "2026-06-12 10:00", "Fri 2026-06-19 23:59:59"),
        (rule(5, DAYS), "2026-06-13 10:00", "Fri 2026-06-19 23:59:59"),
        (rule(5, DAYS, moves_start=True), "2026-06-13 10:00", "Mon 2026-06-22 23:59:59"),
        (rule(5, DAYS, counts_first_day=True), "2026-06-12 10:00", "Thu 2026-06-18 23:59:59"),
        (rule(5, DAYS, counts_first_day=True), "2026-06-13 10:00", "Fri 2026-06-19 23:59:59"),
        (rule(1, DAYS, counts_first_day=True), "2026-06-12 23:00", "Fri 2026-06-12 23:59:59"),
        (rule(5, DAYS, ends=DueTime.END_OF_HOURS), "2026-06-12 10:00", "Fri 2026-06-19 17:00:00"),
        (rule(2, CALENDAR), "2026-06-12 10:00", "Sun 2026-06-14 23:59:59"),
        (rule(2, CALENDAR, rolls_forward=True), "2026-06-12 10:00", "Mon 2026-06-15 23:59:59"),
        (rule(2, CALENDAR, counts_first_day=True), "2026-06-12 10:00", "Sat 2026-06-13 23:59:59"),
        (rule(2, CALENDAR, ends=DueTime.SAME_CLOCK), "2026-06-12 10:00", "Sun 2026-06-14 10:00:00"),
        (rule(1, CALENDAR, ends=DueTime.END_OF_HOURS), "2026-06-12 09:00",
         "Sat 2026-06-13 23:59:59"),
        (rule(10, HOURS), "2026-06-12 10:00", "Mon 2026-06-15 14:00:00"),
        (rule(1, HOURS), "2026-06-12 16:30", "Mon 2026-06-15 09:30:00"),
        (rule(1, HOURS), "2026-06-12 23:00", "Mon 2026-06-15 10:00:00"),
        # 28 March is a Saturday, clocks go forward in the night; the day ends an hour earlier.
        (rule(1, CALENDAR), "2026-03-28 10:00", "Sun 2026-03-29 23:59:59"),
        (rule(1, CALENDAR, ends=DueTime.SAME_CLOCK), "2026-03-28 10:00", "Sun 2026-03-29 10:00:00"),
        (rule(1, CALENDAR, ends=DueTime.SAME_CLOCK), "2026-03-28 01:30", "Sun 2026-03-29 02:00:00"),
    ],
)  # fmt: skip
def test_time_ends(given_rule: Rule, start: str, end: str) -> None:
    assert shown(due(given_rule, office(), at(start)).at) == end


@pytest.mark.parametrize(
    ("start", "months", "first", "end"),
    [
        ("2026-01-15", 1, False, "2026-02-15"),
        ("2026-01-31", 1, False, "2026-02-28"),
        ("2028-01-31", 1, False, "2028-02-29"),
        ("2026-01-31", 2, False, "2026-03-31"),
        ("2026-02-28", 1, False, "2026-03-28"),
        ("2026-12-31", 2, False, "2027-02-28"),
        ("2026-11-30", 13, False, "2027-12-30"),
        ("2026-01-01", 1, True, "2026-01-31"),
        ("2026-01-31", 1, True, "2026-02-28"),
        ("2026-03-01", 12, True, "2027-02-28"),
        ("2026-01-29", 1, True, "2026-02-28"),
        ("2026-01-28", 1, True, "2026-02-27"),
    ],
)
def test_months_end(start: str, months: int, first: bool, end: str) -> None:
    given_rule = rule(months, MONTHS, counts_first_day=first)
    assert shown(due(given_rule, office(), at(f"{start} 10:00")).at)[4:14] == end


def test_months_roll_forward_off_closed_days() -> None:
    # 31 May 2026 is a Sunday, and the Monday after it is a holiday.
    calendar = office(holiday(date(2026, 6, 1)))
    found = due(rule(1, MONTHS, rolls_forward=True), calendar, at("2026-04-30 10:00"))
    assert shown(found.at) == "Tue 2026-06-02 23:59:59"
    assert found.rolled_from == date(2026, 5, 30)


@pytest.mark.parametrize(
    ("start", "begins", "end"),
    [
        ("2026-06-11 10:00:05", "Thu 2026-06-11 10:00:05", "Mon 2026-06-15 10:00:05"),
        ("2026-06-11 16:59:59", "Thu 2026-06-11 16:59:59", "Mon 2026-06-15 16:59:59"),
        ("2026-06-11 17:00:00", "Fri 2026-06-12 08:30:00", "Tue 2026-06-16 08:30:00"),
        ("2026-06-12 20:00:00", "Mon 2026-06-15 08:30:00", "Wed 2026-06-17 08:30:00"),
        ("2026-06-13 10:00:00", "Mon 2026-06-15 10:00:00", "Wed 2026-06-17 10:00:00"),
        ("2026-06-13 18:00:00", "Tue 2026-06-16 08:30:00", "Thu 2026-06-18 08:30:00"),
        ("2026-06-12 00:00:00", "Fri 2026-06-12 00:00:00", "Tue 2026-06-16 00:00:00"),
    ],
)
def test_what_comes_late_or_on_a_closed_day_counts_from_later(
    start: str, begins: str, end: str
) -> None:
    boston = rule(2, DAYS, **BOSTON)
    assert shown(counted_from(boston, office(), at(start))) == begins
    assert shown(due(boston, office(), at(start)).at) == end


def test_an_end_beyond_all_years_is_refused() -> None:
    for given_rule in (rule(MOST, MONTHS), rule(MOST, DAYS)):
        late = datetime(2390, 1, 1, tzinfo=UTC)
        with pytest.raises(RuleBroken, match="beyond the years"):
            due(given_rule, office(), late)


# --- Pauses ----------------------------------------------------------------------------------


def pause(since: str, until: str) -> Pause:
    return Pause(at(since), at(until))


@pytest.mark.parametrize(
    ("given_rule", "pauses", "end"),
    [
        # Friday to Monday is 1 working day, 3 calendar days, 5 and a half working hours.
        (rule(5, DAYS), [("2026-06-12 11:00", "2026-06-15 09:30")], "Mon 2026-06-22 23:59:59"),
        (rule(5, CALENDAR), [("2026-06-12 11:00", "2026-06-15 09:30")], "Sat 2026-06-20 23:59:59"),
        (rule(8, HOURS), [("2026-06-12 11:00", "2026-06-15 09:30")], "Tue 2026-06-16 09:30:00"),
        # Within a day, over a weekend: nothing, in working days.
        (rule(5, DAYS), [("2026-06-12 11:00", "2026-06-12 16:30")], "Fri 2026-06-19 23:59:59"),
        (rule(5, DAYS), [("2026-06-12 18:00", "2026-06-14 12:00")], "Fri 2026-06-19 23:59:59"),
        # Two that overlap count once; two that touch are one.
        (
            rule(5, DAYS),
            [("2026-06-15 09:00", "2026-06-17 09:00"), ("2026-06-16 09:00", "2026-06-18 09:00")],
            "Wed 2026-06-24 23:59:59",
        ),
        (rule(1, MONTHS), [("2026-06-15 09:00", "2026-06-18 09:00")], "Wed 2026-07-15 23:59:59"),
        # What was before the start is no pause of this clock.
        (rule(5, DAYS), [("2026-06-01 09:00", "2026-06-05 09:00")], "Fri 2026-06-19 23:59:59"),
        # Boston counts with the time of day: 3 hours on a Tuesday.
        (rule(2, DAYS, **BOSTON), [("2026-06-15 09:00", "2026-06-15 12:00")],
         "Tue 2026-06-16 13:00:00"),
    ],
)  # fmt: skip
def test_a_pause_is_counted_in_the_unit_of_its_clock(
    given_rule: Rule, pauses: list[tuple[str, str]], end: str
) -> None:
    found = due(given_rule, office(), at("2026-06-12 10:00"), [pause(*one) for one in pauses])
    assert shown(found.at) == end


def test_pauses_end_after_ninety_days_in_all() -> None:
    start = at("2026-06-12 10:00")
    long = [Pause(start + DAY * 10, start + DAY * 70), Pause(start + DAY * 80, start + DAY * 200)]
    assert merged(long) == [long[0], Pause(start + DAY * 80, start + DAY * 110)]
    assert pause_left(long) == timedelta()
    assert pause_left(long[:1]) == DAY * 30
    capped = due(rule(60, CALENDAR), office(), start, long)
    assert capped.at == due(rule(150, CALENDAR), office(), start).at


# --- Properties ------------------------------------------------------------------------------


@CAREFUL
@given(calendars, rules(), moments, moments)
def test_who_comes_earlier_is_due_no_later(
    calendar: Calendar, given_rule: Rule, one: datetime, other: datetime
) -> None:
    """Of rules that do not move a start to another time of day: Boston's own does, and there who
    comes on a Saturday afternoon is due after who comes on Monday morning."""
    one, other = sorted((one, other))
    assert due(given_rule, calendar, one).at <= due(given_rule, calendar, other).at


@CAREFUL
@given(calendars, rules(), moments, st.integers(0, 50))
def test_who_is_given_more_is_due_no_earlier(
    calendar: Calendar, given_rule: Rule, start: datetime, more: int
) -> None:
    longer = replace(given_rule, amount=given_rule.amount + more)
    assert due(given_rule, calendar, start).at <= due(longer, calendar, start).at
    assert due(longer, calendar, start) == due(given_rule, calendar, start, added=more)
    assert due(given_rule, calendar, start).at >= start - timedelta(seconds=1)


spells = st.lists(
    st.tuples(st.timedeltas(timedelta(), timedelta(40)), st.timedeltas(timedelta(), timedelta(20))),
    max_size=4,
)


@CAREFUL
@given(calendars, st.one_of(rules(), rules(moves=True)), moments, spells, spells)
def test_a_pause_never_shortens_a_clock(
    calendar: Calendar,
    given_rule: Rule,
    start: datetime,
    some: list[tuple[timedelta, timedelta]],
    more: list[tuple[timedelta, timedelta]],
) -> None:
    fewer = [Pause(start + after, start + after + long) for after, long in some]
    all_of_them = fewer + [Pause(start + after, start + after + long) for after, long in more]
    assume(pause_left(all_of_them))
    without = due(given_rule, calendar, start).at
    assert without <= due(given_rule, calendar, start, fewer).at
    assert (
        due(given_rule, calendar, start, fewer).at
        <= due(given_rule, calendar, start, all_of_them).at
    )


@CAREFUL
@given(calendars, st.one_of(rules(), rules(moves=True)), moments, spells)
def test_a_pause_lengthens_by_its_own_length_in_the_unit(
    calendar: Calendar, given_rule: Rule, start: datetime, some: list[tuple[timedelta, timedelta]]
) -> None:
    given_rule = replace(given_rule, rolls_forward=False)
    begin = counted_from(given_rule, calendar, start)
    pauses = merged(Pause(begin + after, begin + after + long) for after, long in some)
    length = sum((between(given_rule, calendar, *one).amount for one in pauses), Fraction())
    before = due(given_rule, calendar, start).at
    after = due(given_rule, calendar, start, pauses).at
    moved = between(given_rule, calendar, before, after)
    # Where the time of day on which it ends was skipped or comes twice, up to an hour differs.
    if given_rule.counts_whole_days or given_rule.unit is HOURS:
        assert moved.amount == length
    else:
        assert abs(moved.amount - length) <= Fraction(1, 24)


@CAREFUL
@given(calendars, rules(), moments, spells, st.timedeltas(timedelta(), timedelta(100)))
def test_what_has_passed_and_what_is_left_make_the_whole(
    calendar: Calendar,
    given_rule: Rule,
    start: datetime,
    some: list[tuple[timedelta, timedelta]],
    later: timedelta,
) -> None:
    given_rule = replace(given_rule, rolls_forward=False)
    now = start + later
    # What has been paused by now, as a desk would know it.
    pauses = [
        Pause(start + after, start + after + long)
        for after, long in some
        if start + after + long <= now
    ]
    end = due(given_rule, calendar, start, pauses).at
    assume(given_rule.unit is not MONTHS and given_rule.ends is not DueTime.SAME_CLOCK)
    passed = elapsed(given_rule, calendar, start, now, pauses)
    left = between(given_rule, calendar, now, end)
    assert passed.amount + left.amount == given_rule.amount
    assert passed.unit is left.unit is given_rule.unit
    assert elapsed(given_rule, calendar, start, start - DAY).amount == 0


def test_what_is_left_of_months_is_told_in_days() -> None:
    start = at("2026-06-12 10:00")
    given_rule = rule(1, MONTHS)
    end = due(given_rule, office(), start).at
    assert between(given_rule, office(), start, end) == Span(Fraction(30), CALENDAR)
    assert elapsed(given_rule, office(), start, start + DAY * 12) == Span(Fraction(12), CALENDAR)
    assert between(given_rule, office(), end + DAY * 3, end) == Span(Fraction(-3), CALENDAR)


# --- A slow calculator -----------------------------------------------------------------------


def test_a_slow_calculator_finds_the_same_hours(figures: Callable[[str], None]) -> None:
    random = Random(21)  # noqa: S311
    compared = 0
    for _ in range(size(12, 400)):
        near = date(2026, random.randint(1, 12), random.randint(1, 28))
        calendar = random_calendar(random, near=near)
        first = datetime(near.year, near.month, near.day, tzinfo=UTC)
        slow = Minutes(calendar, first, days=50)
        for _ in range(20):
            given_rule = rule(random.randint(1, 20), HOURS)
            start = first + MINUTE * random.randrange(3 * 24 * 60)
            pauses: list[Pause] = []
            for _ in range(random.randint(0, 3)):
                end = slow.after(start, given_rule.amount * 60, pauses)
                since = start + MINUTE * random.randrange((end - start) // MINUTE)
                pauses.append(Pause(since, since + MINUTE * random.randrange(1, 3000)))
            expected = slow.after(start, given_rule.amount * 60, pauses)
            assert due(given_rule, calendar, start, pauses).at == expected, (
                calendar,
                start,
                pauses,
            )
            compared += 1
    figures(f"Clock: {compared:,} times in hours, with pauses, agree with counting the minutes")


def test_a_slow_calculator_finds_the_same_days(figures: Callable[[str], None]) -> None:
    random = Random(22)  # noqa: S311
    compared = 0
    for _ in range(size(300, 3_000)):
        near = date(2026, random.randint(1, 12), random.randint(1, 28))
        calendar = random_calendar(random, near=near, zone=random.choice(ZONES[:5]))
        start = datetime(near.year, near.month, near.day, tzinfo=UTC)
        for _ in range(10):
            start += timedelta(seconds=random.randrange(10**5))
            given_rule = rule(
                random.randint(1, 40), random.choice(BY_DAY), counts_first_day=random.random() < 0.4
            )
            pauses: list[Pause] = []
            for _ in range(random.randint(0, 3)):
                last = day_after_day(given_rule, calendar, start, pauses)
                until_last = int((calendar.beginning(last) - start).total_seconds())
                if until_last < 1:
                    break  # on its last day already
                since = start + timedelta(seconds=random.randrange(until_last))
                pauses.append(Pause(since, since + timedelta(seconds=random.randrange(1, 10**6))))
            last = day_after_day(given_rule, calendar, start, pauses)
            found = due(given_rule, calendar, start, pauses).at
            assert calendar.day_of(found) == last, (calendar, given_rule, start, pauses)
            assert calendar.day_of(found + timedelta(seconds=1)) > last
            compared += 1
    figures(f"Clock: {compared:,} times in days, with pauses, agree with walking day by day")


def test_a_hundred_thousand_due_times_take_seconds(figures: Callable[[str], None]) -> None:
    random = Random(1)  # noqa: S311
    calendar = office(*(holiday(date(year, 12, 25)) for year in range(2015, 2030)))
    number = size(5_000, 100_000)
    starts = [
        datetime(2016, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(3 * 10**8))
        for _ in range(number)
    ]
    for given_rule in (rule(400, HOURS), rule(250, DAYS), rule(60, CALENDAR, rolls_forward=True)):
        begun = time.process_time()
        for start in starts:
            due(given_rule, calendar, start, [Pause(start + DAY, start + DAY * 9)])
        took = time.process_time() - begun
        figures(
            f"Clock: {number / took:,.0f} due times a second of {given_rule.amount} "
            f"{given_rule.unit.value}, each with a pause"
        )
        assert number / took > 1_000


# --- Reminders -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due_at", "amount", "unit", "told"),
    [
        ("2026-06-19 23:59:59", -2, DAYS, "Wed 2026-06-17 09:00:00"),
        ("2026-06-15 23:59:59", -1, DAYS, "Fri 2026-06-12 09:00:00"),
        ("2026-06-14 23:59:59", -1, DAYS, "Fri 2026-06-12 09:00:00"),  # due on a Sunday
        ("2026-06-19 23:59:59", 0, DAYS, "Mon 2026-06-22 09:00:00"),
        ("2026-06-19 15:00:00", 0, DAYS, "Fri 2026-06-19 15:00:00"),
        ("2026-06-19 23:59:59", 1, DAYS, "Mon 2026-06-22 09:00:00"),
        ("2026-06-19 23:59:59", 3, DAYS, "Wed 2026-06-24 09:00:00"),
        ("2026-06-19 15:00:00", 4, HOURS, "Mon 2026-06-22 11:00:00"),
        ("2026-06-19 15:00:00", 2, HOURS, "Mon 2026-06-22 09:00:00"),  # not at closing
        ("2026-06-22 10:00:00", -2, HOURS, "Fri 2026-06-19 16:00:00"),
    ],
)
def test_reminders_come_in_working_time(
    due_at: str, amount: int, unit: ClockUnit, told: str
) -> None:
    (found,) = alarms(at(due_at), office(), [Alarm(amount, unit)])
    assert shown(found[0]) == told


LADDER = (Alarm(-2, DAYS), Alarm(0, DAYS), Alarm(1, DAYS, 1), Alarm(3, DAYS, 2))


@CAREFUL
@given(calendars, moments)
def test_reminders_come_in_order_and_while_offices_work(
    calendar: Calendar, due_at: datetime
) -> None:
    found = alarms(due_at, calendar, LADDER)
    assert [alarm for _moment, alarm in found] == list(LADDER)
    assert all(calendar.is_open(moment) for moment, _alarm in found)
    assert found[0][0] < due_at <= found[1][0]


def test_an_office_that_never_closes_is_told_at_midnight() -> None:
    night = calendar_of("night", 1, "Europe/London", ["00:00-24:00"] * 7)
    (found,) = alarms(at("2026-06-19 15:00"), night, [Alarm(-1, DAYS)])
    assert shown(found[0]) == "Thu 2026-06-18 00:00:00"
